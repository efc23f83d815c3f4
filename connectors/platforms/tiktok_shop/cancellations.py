"""Cancelling at TikTok Shop: as the seller, and in answer to a buyer. https://partner.tiktokshop.com/docv2/page/
cancel-order-202309, search-cancellations-202309, approve- and reject-cancellation-202309 (read 2026-11)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from connectors.base.aftersales import Cancellation, CancelStatus, Reason
from connectors.base.errors import AuthorizationError, PermanentError, UnreadableAnswer, UnsupportedFeature
from connectors.base.types import CancelReceipt, PlatformOrder, SourceStatus
from connectors.platforms.tiktok_shop import aftersales, answers, reasons
from connectors.platforms.tiktok_shop.reading import rows_of, text_at
from connectors.platforms.tiktok_shop.wire import LOCALE, OLDEST_CHANGE_FIRST, Data, Wire, is_unknown_version

_MOST_ORDERS = 50  # in one search; a guess
_CANCELLED_BEFORE = frozenset(["25001011", "25001051", "25020009"])
# Single items: https://partner.tiktokshop.com/docv2/page/cancel-order-202309 (read 2026-11), and what waits for its
# parcel only, by Seller Center's pages.
_BY_ITEM = frozenset(["US", "GB"])
_WAITS = frozenset([SourceStatus.AWAITING_SHIPMENT, SourceStatus.PARTIALLY_SHIPPING])


class Cancellations(Wire):
    """The whole order, or items of it, and buyers who ask for that."""

    def cancel_reasons(self, order: PlatformOrder) -> list[Reason]:
        """What TikTok Shop offers for this order; where it names none, the keys of the market and the status."""
        rest = f"orders/{quote(order.external_id, safe='')}/aftersale_eligibility"
        query = {"initiate_aftersale_user": "SELLER"}
        try:
            data = self._after_sale("GET", "eligibility", rest, operation="cancellations.reasons", query=query)
        except PermanentError as error:
            if not is_unknown_version(error):
                raise
            data = Data()
        return reasons.offered(data, region=self._region, status=order.status)

    def cancel_order(
        self, external_id: str, *, reason: str, line_quantities: Mapping[str, int] | None = None
    ) -> CancelReceipt:
        """Cancel as the seller. There is no idempotency key: the order is read first, and again when TikTok Shop says
        that it was done before. Single items: in the US and the UK, while they wait, because they are out of stock."""
        order = self._order(external_id)
        line_ids = None if line_quantities is None else _lines_to_cancel(order, line_quantities)
        if order.status is SourceStatus.CANCELLED or line_ids == []:
            return CancelReceipt(is_cancelled=True)
        is_part = line_ids is not None and set(line_ids) != _open_lines(order)
        offered = self.cancel_reasons(order)
        key = reasons.key_for(reason, offered)
        if is_part:
            self._require_by_item(order, reason, key)
        if not key:
            raise PermanentError(_not_offered(reason, offered), reason="REMOTE_ERROR")
        body = {"order_id": external_id, "cancel_reason": key, **({"order_line_item_ids": line_ids} if is_part else {})}
        try:
            data = self._after_sale("POST", "cancel", "cancellations", operation="cancellations.create", body=body)
        except PermanentError as error:
            if error.code in _CANCELLED_BEFORE and self._is_done(external_id, line_ids):
                return CancelReceipt(is_cancelled=True)
            raise
        status = text_at(data, "cancel_status")
        return CancelReceipt(is_cancelled=status.endswith(("_SUCCESS", "_COMPLETE")), detail=status)

    def cancellations_of(self, order_ids: Sequence[str]) -> list[Cancellation]:
        """Every cancellation of these orders, the one that changed first at the front."""
        found: list[Cancellation] = []
        for start in range(0, len(order_ids), _MOST_ORDERS):
            found += self._cancellations({"order_ids": list(order_ids[start : start + _MOST_ORDERS])})
        return found

    def cancellations_updated_since(self, moment: datetime, *, until: datetime) -> Iterator[Cancellation]:
        """Every cancellation with an update in [moment, until), oldest update first."""
        times = {"update_time_ge": int(moment.timestamp()), "update_time_lt": int(until.timestamp()) + 1}
        yield from self._cancellations(times)

    def answer_cancellation(
        self, external_id: str, *, accepts: bool, reference: str, reason: str = "", comment: str = ""
    ) -> None:
        """Approve under the reference as the idempotency key, or reject, which needs none: a refusal counts as done
        only if the request, read again, was answered so. In the US a rejection is to be said by shipping, some day."""
        body = None if accepts else answers.rejection(reason, comment)
        verb = "approve" if accepts else "reject"
        rest = f"cancellations/{quote(external_id, safe='')}/{verb}"
        query = {"idempotency_key": reference[:255]} if accepts else None
        try:
            self._after_sale("POST", "answer_cancel", rest, operation=f"cancellations.{verb}", query=query, body=body)
        except AuthorizationError:
            raise
        except PermanentError as error:
            found = next(iter(self._cancellations({"cancel_ids": [external_id]})), None)
            if found is None or found.status in (CancelStatus.REQUESTED, CancelStatus.UNKNOWN):
                raise
            if accepts is not (found.status in (CancelStatus.AGREED, CancelStatus.REFUNDED)):
                raise _answered_otherwise(accepts, error.code) from error

    def reject_reasons(self, external_id: str) -> list[Reason]:
        """TikTok's own list for this cancellation or return."""
        query = {"return_or_cancel_id": external_id, "locale": LOCALE}
        data = self._after_sale("GET", "reject_reasons", "reject_reasons", operation="reject_reasons.list", query=query)
        rows = [(text_at(row, "name"), text_at(row, "text")) for row in rows_of(data.get("reasons"))]
        return [Reason(name, text or name.replace("_", " ")) for name, text in rows if name]

    def _cancellations(self, wanted: Mapping[str, Any]) -> Iterator[Cancellation]:
        body = {**wanted, "locale": LOCALE}

        def ask(query: Mapping[str, str]) -> Data:
            more = {"operation": "cancellations.search", "query": query, "body": body, "is_safe": True}
            return self._after_sale("POST", "search_cancels", "cancellations/search", **more)

        for data in self._pages(ask, OLDEST_CHANGE_FIRST):
            yield from aftersales.cancellations_of(data.get("cancellations"))

    @property
    def _region(self) -> str:
        return self.store.region if self.store else ""

    def _order(self, external_id: str) -> PlatformOrder:
        found = next(iter(self.fetch_orders([external_id])), None)
        if isinstance(found, UnreadableAnswer):
            raise found
        if found is None:
            raise PermanentError("TikTok Shop does not know this order", reason="REMOTE_ERROR")
        return found

    def _is_done(self, external_id: str, line_ids: Sequence[str] | None) -> bool:
        order = self._order(external_id)
        is_gone = line_ids is not None and not _open_lines(order).intersection(line_ids)
        return order.status is SourceStatus.CANCELLED or is_gone

    def _require_by_item(self, order: PlatformOrder, reason: str, key: str) -> None:
        """Raises UnsupportedFeature, in plain words, where single items cannot be cancelled."""
        if self._region not in _BY_ITEM:
            raise UnsupportedFeature(
                "TikTok Shop lets single items be cancelled in the US and the UK only; elsewhere the whole order is"
            )
        if reasons.OUT_OF_STOCK not in (reason, reasons.meaning_of(key)):
            raise UnsupportedFeature("TikTok Shop lets single items be cancelled only because they are out of stock")
        if order.status not in _WAITS:
            raise UnsupportedFeature("TikTok Shop lets single items be cancelled only while they wait to be shipped")


def _answered_otherwise(accepts: bool, code: str) -> PermanentError:
    if accepts:
        return PermanentError("The request was withdrawn or refused before", code=code, reason="REMOTE_ERROR")
    return PermanentError("The request was accepted before", code=code, reason="ALREADY_CANCELLED")


def _open_lines(order: PlatformOrder) -> set[str]:
    return {line.external_id for line in order.lines if line.status != "CANCELLED"}


def _lines_to_cancel(order: PlatformOrder, line_quantities: Mapping[str, int]) -> list[str]:
    """Those of these lines that are not cancelled yet; a line is one unit. Raises PermanentError for none, and for one
    that is not in the order."""
    wanted = [line_id for line_id, units in line_quantities.items() if units > 0]
    known = {line.external_id for line in order.lines}
    if not wanted or not known.issuperset(wanted):
        raise PermanentError("TikTok Shop's order has no such items", reason="REMOTE_ERROR")
    still_open = _open_lines(order)
    return [line_id for line_id in wanted if line_id in still_open]


def _not_offered(reason: str, offered: Sequence[Reason]) -> str:
    if not offered:
        return "TikTok Shop lets the seller cancel this order no more"
    texts = ", ".join(each.text for each in offered)
    return f"TikTok Shop does not take the reason {reason} for this order. It takes: {texts}"
