"""Shopify's signatures and the rule for a shop's domain. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote_plus

# https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
# (notes of 2026-09). The host goes into a URL that carries our secret: nothing wider than this pattern.
_SHOP = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com", re.ASCII)


def shop_domain(text: str) -> str:
    """The domain in lower case, or "" if it is not exactly one shop's myshopify.com domain."""
    domain = text.lower()
    return domain if len(domain) <= 255 and _SHOP.fullmatch(domain) else ""


def secrets_of(setting: str) -> tuple[str, ...]:
    """The client secrets in use: two, comma separated, during a rotation. The first is for our calls."""
    return tuple(part for part in (piece.strip() for piece in setting.split(",")) if part)


def query_messages(query: Mapping[str, str]) -> tuple[str, str]:
    """The two texts that may have been signed: form-encoded pairs; decoded pairs with % and & escaped.

    Shopify's own libraries disagree here; for the values Shopify sends, both are the same text.
    """
    pairs = sorted((key, value) for key, value in query.items() if key not in ("hmac", "signature"))
    encoded = "&".join(f"{_form(key)}={_form(value)}" for key, value in pairs)
    decoded = "&".join(f"{_plain(key).replace('=', '%3D')}={_plain(value)}" for key, value in pairs)
    return encoded, decoded


def query_signature(message: str, secret: str) -> str:
    """HMAC-SHA256 as lower-case hex."""
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def is_query_signed(query: Mapping[str, str], secrets: Iterable[str]) -> bool:
    """Whether one of the secrets signed this query, in either escaping. Compared in constant time."""
    given = query.get("hmac", "").encode()
    messages = query_messages(query)
    matches = [
        hmac.compare_digest(query_signature(message, secret).encode(), given)
        for secret in secrets
        for message in messages
    ]
    return any(matches)


def webhook_signature(body: bytes, secret: str) -> str:
    """HMAC-SHA256 over the raw body, base64."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def is_webhook_signed(body: bytes, header: str, secrets: Iterable[str]) -> bool:
    """Whether one of the secrets signed this raw body. Compared in constant time."""
    given = header.encode()
    return any(hmac.compare_digest(webhook_signature(body, secret).encode(), given) for secret in secrets)


def _form(text: str) -> str:
    return quote_plus(text, safe="*").replace("~", "%7E")


def _plain(text: str) -> str:
    return text.replace("%", "%25").replace("&", "%26")
