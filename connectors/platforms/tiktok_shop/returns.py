"""Returns and refunds at TikTok Shop, which the buyer begins and the seller answers. https://partner.tiktokshop.com/
docv2/page/search-returns-202309, approve-return-202309 and reject-return-202309 (read 2026-11)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from connectors.base.aftersales import Answer, Return
from connectors.base.errors import AuthorizationError, PermanentError
from connectors.platforms.tiktok_shop import aftersales, answers
from connectors.platforms.tiktok_shop.wire import LOCALE, OLDEST_CHANGE_FIRST, Data, Wire

_MOST_ORDERS = 50  # in one search; a guess


class Returns(Wire):
    """What comes back, or is paid back."""

    def returns_of(self, order_ids: Sequence[str]) -> list[Return]:
        """Every return of these orders, the one that changed first at the front."""
        found: list[Return] = []
        for start in range(0, len(order_ids), _MOST_ORDERS):
            found += self._returns({"order_ids": list(order_ids[start : start + _MOST_ORDERS])})
        return found

    def returns_updated_since(self, moment: datetime, *, until: datetime) -> Iterator[Return]:
        """Every return with an update in [moment, until), oldest update first."""
        times = {"update_time_ge": int(moment.timestamp()), "update_time_lt": int(until.timestamp()) + 1}
        yield from self._returns(times)

    def answer_return(self, external_id: str, answer: Answer, *, reference: str) -> None:
        """Approve under the reference as the idempotency key, or reject, which needs none: the return is read first,
        and one that stands where this answer leads is left alone, also where it went further since."""
        found = self._return(external_id)
        if found is None:
            raise PermanentError("TikTok Shop does not know this return", reason="REMOTE_ERROR")
        body = answers.body_of(found, answer)
        if answers.is_answered_so(found, answer):
            return
        verb = "reject" if answer.decision.is_rejection else "approve"
        rest = f"returns/{quote(external_id, safe='')}/{verb}"
        query = None if answer.decision.is_rejection else {"idempotency_key": reference[:255]}
        try:
            self._after_sale("POST", f"{verb}_return", rest, operation=f"returns.{verb}", query=query, body=body)
        except AuthorizationError:
            raise
        except PermanentError:
            found = self._return(external_id)
            if found is None or not answers.is_answered_so(found, answer):
                raise

    def _return(self, external_id: str) -> Return | None:
        return next(iter(self._returns({"return_ids": [external_id]})), None)

    def _returns(self, wanted: Mapping[str, Any]) -> Iterator[Return]:
        body = {**wanted, "locale": LOCALE}

        def ask(query: Mapping[str, str]) -> Data:
            more = {"operation": "returns.search", "query": query, "body": body, "is_safe": True}
            return self._after_sale("POST", "search_returns", "returns/search", **more)

        for data in self._pages(ask, OLDEST_CHANGE_FIRST):
            yield from aftersales.returns_of(data.get("return_orders"))
