"""The one account and marketplace that a connector speaks for."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.base.connector import Destination
from connectors.base.errors import PermanentError
from connectors.platforms.amazon.markets import MARKETS, Market
from connectors.platforms.amazon.outbound import Outbound20200701


class Wire(Destination):
    """What every call has in common."""

    @property
    def _market(self) -> Market:
        extra = self.store.extra if self.store else {}
        return market_of(extra.get("marketplace_id", ""))

    @property
    def _options(self) -> Mapping[str, str]:
        return self.store.options if self.store else {}

    def _outbound(self, market: Market | None = None) -> Outbound20200701:
        region = (market or self._market).region
        return Outbound20200701(
            http=self.http,
            url=self.config["API_URL"].replace("{region}", region),
            token=self.credentials.access_token if self.credentials else "",
        )


def market_of(marketplace_id: str) -> Market:
    """The marketplace with this id. Raises PermanentError."""
    if marketplace_id not in MARKETS:
        raise PermanentError("Choose one of Amazon's marketplaces")
    return MARKETS[marketplace_id]
