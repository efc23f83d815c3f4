"""Amazon's marketplaces: their region, currency, and Seller Central host. Pure.

Ids and hosts from public lists (read 2026-11); those of SE, PL, BE, SA and EG, and most Seller Central hosts, are
guesses until a seller there connects.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Market:
    """A marketplace: where its sellers log in, and which host answers for it."""

    id: str
    country: str
    name: str
    region: str
    currency: str
    host: str


_EUROPE = "sellercentral-europe.amazon.com"
_AMERICA = "sellercentral.amazon.com"
_ALL = (
    Market("ATVPDKIKX0DER", "US", "United States", "na", "USD", _AMERICA),
    Market("A2EUQ1WTGCTBG2", "CA", "Canada", "na", "CAD", "sellercentral.amazon.ca"),
    Market("A1AM78C64UM0Y8", "MX", "Mexico", "na", "MXN", "sellercentral.amazon.com.mx"),
    Market("A2Q3Y263D00KWC", "BR", "Brazil", "na", "BRL", "sellercentral.amazon.com.br"),
    Market("A1F83G8C2ARO7P", "GB", "United Kingdom", "eu", "GBP", "sellercentral.amazon.co.uk"),
    Market("A1PA6795UKMFR9", "DE", "Germany", "eu", "EUR", _EUROPE),
    Market("A13V1IB3VIYZZH", "FR", "France", "eu", "EUR", _EUROPE),
    Market("APJ6JRA9NG5V4", "IT", "Italy", "eu", "EUR", _EUROPE),
    Market("A1RKKUPIHCS9HS", "ES", "Spain", "eu", "EUR", _EUROPE),
    Market("A1805IZSGTT6HS", "NL", "Netherlands", "eu", "EUR", _EUROPE),
    Market("A2NODRKZP88ZB9", "SE", "Sweden", "eu", "SEK", _EUROPE),
    Market("A1C3SOZRARQ6R3", "PL", "Poland", "eu", "PLN", _EUROPE),
    Market("AMEN7PMS3EDWL", "BE", "Belgium", "eu", "EUR", _EUROPE),
    Market("A33AVAJ2PDY3EV", "TR", "Turkey", "eu", "TRY", "sellercentral.amazon.com.tr"),
    Market("A2VIGQ35RCS4UG", "AE", "United Arab Emirates", "eu", "AED", "sellercentral.amazon.ae"),
    Market("A17E79C6D8DWNP", "SA", "Saudi Arabia", "eu", "SAR", "sellercentral.amazon.sa"),
    Market("ARBP9OOSHTCHU", "EG", "Egypt", "eu", "EGP", "sellercentral.amazon.eg"),
    Market("A21TJRUUN4KGV", "IN", "India", "eu", "INR", "sellercentral.amazon.in"),
    Market("A1VC38T7YXB528", "JP", "Japan", "fe", "JPY", "sellercentral.amazon.co.jp"),
    Market("A39IBJ37TRP1C6", "AU", "Australia", "fe", "AUD", "sellercentral.amazon.com.au"),
    Market("A19VAU5U5O7RUS", "SG", "Singapore", "fe", "SGD", "sellercentral.amazon.sg"),
)
MARKETS = {market.id: market for market in _ALL}
HOSTS = tuple(dict.fromkeys(market.host for market in _ALL))
REGIONS = ("na", "eu", "fe")
API_HOSTS = tuple(f"sellingpartnerapi-{region}.amazon.com" for region in REGIONS)
# An address that came with a browser is followed only to Amazon's own hosts: anything else is an open redirect.
_AMAZON = re.compile(
    r"([a-z0-9-]+\.)*amazon\.(com|ca|ae|sa|eg|in|sg|de|fr|it|es|nl|se|pl|com\.(mx|br|tr|au|be)|co\.(uk|jp))"
)


def is_amazon(url: str, *, also: str = "") -> bool:
    """Whether an address leads to Amazon by https; `also` is one further address whose own origin is trusted."""
    try:
        parts, trusted = urlsplit(url), urlsplit(also)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.username or parts.password:
        return False
    if also and (parts.scheme, parts.netloc) == (trusted.scheme, trusted.netloc):
        return True
    return parts.scheme == "https" and port in (None, 443) and _AMAZON.fullmatch(host) is not None
