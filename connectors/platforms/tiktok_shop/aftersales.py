"""TikTok Shop's cancellations and returns as our dataclasses, and our words as TikTok's. Pure; tolerant as mapping.py.

https://partner.tiktokshop.com/docv2/page/search-cancellations-202309 and search-returns-202309 (read 2026-11), whose
answers of 202602 hold the same and more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from connectors.base.aftersales import (
    Cancellation,
    CancelStatus,
    Decision,
    Dispute,
    RefundSum,
    Return,
    ReturnKind,
    ReturnStatus,
    TakenBack,
    Who,
)
from connectors.base.errors import UnreadableAnswer
from connectors.base.money import AmountError, to_minor
from connectors.platforms.tiktok_shop.reading import (
    Row,
    flag_at,
    id_at,
    moment_at,
    row_at,
    rows_of,
    text_at,
)

logger = logging.getLogger(__name__)
T = TypeVar("T")

_WHO = {"BUYER": Who.BUYER, "SELLER": Who.SELLER, "OPERATOR": Who.PLATFORM, "SYSTEM": Who.PLATFORM}
# The response's list and the webhook's spell the third one with -LED, the request's without.
_CANCEL_STATUS = {
    "CANCELLATION_REQUEST_PENDING": CancelStatus.REQUESTED,
    "CANCELLATION_REQUEST_SUCCESS": CancelStatus.AGREED,
    "CANCELLATION_REQUEST_COMPLETE": CancelStatus.REFUNDED,
    **dict.fromkeys(["CANCELLATION_REQUEST_CANCEL", "CANCELLATION_REQUEST_CANCELLED"], CancelStatus.WITHDRAWN),
}
# Whether the seller decides. The reference's sample prints the last one.
_IS_REQUEST = {"CANCEL": False, "BUYER_CANCEL": True, "REQUEST_CANCEL_REFUND": True}
_ASKS_FOR_CANCEL = frozenset(["SELLER_RESPOND_CANCEL", "SELLER_RESPOND_BUYER_CANCEL"])

_KIND = {
    "REFUND": ReturnKind.REFUND,
    "RETURN_AND_REFUND": ReturnKind.RETURN,
    "REPLACEMENT": ReturnKind.REPLACEMENT,
    "EXCHANGE": ReturnKind.EXCHANGE,  # 202602
}
_RETURN_STATUS = {
    "RETURN_OR_REFUND_REQUEST_PENDING": ReturnStatus.REQUESTED,
    "REFUND_OR_RETURN_REQUEST_REJECT": ReturnStatus.REFUSED,  # its words are swapped
    "RETURN_OR_REFUND_REQUEST_REJECT": ReturnStatus.REFUSED,  # in case they once are not
    "AWAITING_BUYER_RESPONSE": ReturnStatus.BUYER_ASKED,
    "AWAITING_BUYER_SHIP": ReturnStatus.TO_BE_SENT,
    "BUYER_SHIPPED_ITEM": ReturnStatus.ON_THE_WAY,
    "REJECT_RECEIVE_PACKAGE": ReturnStatus.GOODS_REFUSED,
    "RETURN_OR_REFUND_REQUEST_SUCCESS": ReturnStatus.AGREED,
    "RETURN_OR_REFUND_REQUEST_CANCEL": ReturnStatus.WITHDRAWN,
    "RETURN_OR_REFUND_REQUEST_COMPLETE": ReturnStatus.COMPLETED,
    "REPLACEMENT_REQUEST_PENDING": ReturnStatus.REQUESTED,
    "REPLACEMENT_REQUEST_REJECT": ReturnStatus.REFUSED,
    "REPLACEMENT_REQUEST_REFUND_SUCCESS": ReturnStatus.AGREED,  # money instead of the goods
    "REPLACEMENT_REQUEST_CANCEL": ReturnStatus.WITHDRAWN,
    "REPLACEMENT_REQUEST_COMPLETE": ReturnStatus.COMPLETED,
    # 202602
    "EXCHANGE_REQUEST_PENDING": ReturnStatus.REQUESTED,
    "EXCHANGE_REQUEST_REFUND_SUCCESS": ReturnStatus.AGREED,
    "EXCHANGE_REQUEST_CANCEL": ReturnStatus.WITHDRAWN,
    "EXCHANGE_REQUEST_COMPLETE": ReturnStatus.COMPLETED,
}
_DISPUTE = {
    "": Dispute.NONE,
    "IN_PROGRESS": Dispute.OPEN,
    "SUPPORT_BUYER": Dispute.FOR_BUYER,
    "SUPPORT_SELLER": Dispute.FOR_SELLER,
    "CLOSED": Dispute.CLOSED,
}
# What may be answered to each of the seller's next actions. https://partner.tiktokshop.com/docv2/page/
# approve-return-202309 and reject-return-202309 (read 2026-11); which of them go together is a conclusion.
_DECISIONS = {
    "SELLER_RESPOND_REFUND": (Decision.APPROVE_REFUND, Decision.OFFER_PART, Decision.REJECT_REFUND),
    "SELLER_RESPOND_RETURN": (
        Decision.APPROVE_RETURN,
        Decision.APPROVE_REFUND,
        Decision.OFFER_PART,
        Decision.REJECT_RETURN,
    ),
    "SELLER_RESPOND_RECEIVE_PACKAGE": (Decision.APPROVE_GOODS, Decision.REJECT_GOODS),
    "SELLER_RESPOND_REPLACEMENT": (
        Decision.APPROVE_REPLACEMENT,
        Decision.REFUND_INSTEAD,
        Decision.REJECT_REPLACEMENT,
    ),
}


def cancellations_of(rows: Any) -> list[Cancellation]:
    """Each cancellation that can be read; what names no order or no id of its own is logged and left out."""
    return _readable(rows, cancellation_of)


def returns_of(rows: Any) -> list[Return]:
    """Each return that can be read, in the same way."""
    return _readable(rows, return_of)


def cancellation_of(row: Row) -> Cancellation:
    """A row of the search. Unpaid orders and cash on delivery have no sums, and no SKU is always there.

    Raises UnreadableAnswer without ids or any time.
    """
    external_id, created_at, updated_at = _identity(row, "cancel_id")
    status = _word(row, "cancel_status", _CANCEL_STATUS, CancelStatus.UNKNOWN, external_id)
    by = _word(row, "role", _WHO, Who.UNKNOWN, external_id)
    is_request = _word(row, "cancel_type", _IS_REQUEST, None, external_id)
    is_open = status is CancelStatus.REQUESTED
    return Cancellation(
        external_id=external_id,
        order_id=text_at(row, "order_id"),
        status=status,
        status_text=text_at(row, "cancel_status"),
        is_request=(is_open and by is Who.BUYER) if is_request is None else is_request,
        by=by,
        reason=text_at(row, "cancel_reason"),
        reason_text=text_at(row, "cancel_reason_text"),
        created_at=created_at,
        updated_at=updated_at,
        answer_by=_answer_by(row, _ASKS_FOR_CANCEL) if is_open else None,
        lines=_lines(row.get("cancel_line_items"), external_id),
        refund=_sum(row, external_id),
        restocks=flag_at(row, "should_replenish_stock") if "should_replenish_stock" in row else None,
        raw=row,
    )


def return_of(row: Row) -> Return:
    """A row of the search. Raises UnreadableAnswer without ids or any time."""
    external_id, created_at, updated_at = _identity(row, "return_id")
    refund = _sum(row, external_id)
    return Return(
        external_id=external_id,
        order_id=text_at(row, "order_id"),
        kind=_word(row, "return_type", _KIND, ReturnKind.UNKNOWN, external_id),
        status=_word(row, "return_status", _RETURN_STATUS, ReturnStatus.UNKNOWN, external_id),
        status_text=text_at(row, "return_status"),
        by=_word(row, "role", _WHO, Who.UNKNOWN, external_id),
        reason=text_at(row, "return_reason"),
        reason_text=text_at(row, "return_reason_text"),
        created_at=created_at,
        updated_at=updated_at,
        lines=_lines(row.get("return_line_items"), external_id),
        refund=refund,
        offered=_offered(row, refund, external_id),
        decisions=_decisions(row, external_id),
        answer_by=_answer_by(row, _DECISIONS),
        # A word that is not known means that somebody judges.
        dispute=_word(row, "arbitration_status", _DISPUTE, Dispute.OPEN, external_id),
        keeps_goods=flag_at(row, "can_buyer_keep_item"),
        carrier=text_at(row, "return_provider_name"),
        tracking_number=text_at(row, "return_tracking_number"),
        is_quick_refund=flag_at(row, "is_quick_refund"),
        next_id=id_at(row, "next_return_id"),
        previous_id=id_at(row, "pre_return_id"),
        raw=row,
    )


def _readable(rows: Any, read: Callable[[Row], T]) -> list[T]:
    found = []
    for row in rows_of(rows):
        try:
            found.append(read(row))
        except UnreadableAnswer as error:
            logger.error("case after the sale not readable", extra={"case": error.external_id})
    return found


def _identity(row: Row, name: str) -> tuple[str, datetime, datetime]:
    external_id, order_id = id_at(row, name), id_at(row, "order_id")
    created_at, updated_at = moment_at(row, "create_time"), moment_at(row, "update_time")
    first, last = created_at or updated_at, updated_at or created_at
    if not external_id or not order_id or first is None or last is None:
        raise UnreadableAnswer("TikTok Shop sent a case without its id, its order or a time", external_id=external_id)
    return external_id, first, last


def _word(row: Row, name: str, words: Mapping[str, T], unknown: T, external_id: str) -> T:
    word = text_at(row, name)
    if word not in words:
        logger.error("unknown word of TikTok Shop", extra={"case": external_id, "field": name, "word": word[:60]})
    return words.get(word, unknown)


def _lines(rows: Any, external_id: str) -> tuple[TakenBack, ...]:
    """One row is one unit, as in the order."""
    return tuple(
        TakenBack(
            line_id=text_at(row, "order_line_item_id"),
            sku=text_at(row, "seller_sku").strip(),
            refund=total.total if (total := _sum(row, external_id)) else None,
        )
        for row in rows_of(rows)
        if text_at(row, "order_line_item_id")
    )


def _sum(row: Row, external_id: str) -> RefundSum | None:
    """What goes back; None where it is not said, or cannot be read."""
    said = row_at(row, "refund_amount")
    currency = text_at(said, "currency")
    if not currency or not text_at(said, "refund_total"):
        return None

    def amount(name: str) -> int:
        return to_minor(text_at(said, name), currency)

    try:
        return RefundSum(
            currency=currency,
            total=amount("refund_total"),
            subtotal=amount("refund_subtotal"),
            shipping=amount("refund_shipping_fee"),
            tax=amount("refund_tax"),
            fees=amount("retail_delivery_fee") + amount("buyer_service_fee"),
            by_platform=sum(
                to_minor(text_at(each, name), currency)
                for each in rows_of(row.get("discount_amount"))
                for name in ("product_platform_discount", "shipping_fee_platform_discount")
            ),
        )
    except AmountError as error:
        logger.error("refund not readable", extra={"case": external_id, "why": str(error)[:80]})
        return None


def _offered(row: Row, refund: RefundSum | None, external_id: str) -> int | None:
    said = row_at(row, "partial_refund")
    amount, currency = text_at(said, "amount"), text_at(said, "currency")
    if not amount or not currency:
        return None
    if refund is not None and refund.currency != currency:
        logger.error("offer in another currency", extra={"case": external_id, "currency": currency[:8]})
        return None
    try:
        return to_minor(amount, currency)
    except AmountError:
        logger.error("offer not readable", extra={"case": external_id})
        return None


def _decisions(row: Row, external_id: str) -> tuple[Decision, ...]:
    """What may be answered now. A quick refund forbids to refuse the goods (25011025)."""
    found: list[Decision] = []
    for each in rows_of(row.get("seller_next_action_response")):
        found += _word(each, "action", _DECISIONS, (), external_id)
    if flag_at(row, "is_quick_refund"):
        found = [each for each in found if each is not Decision.REJECT_GOODS]
    return tuple(dict.fromkeys(found))


def _answer_by(row: Row, actions: Any) -> datetime | None:
    """The first deadline of those actions."""
    asked = [each for each in rows_of(row.get("seller_next_action_response")) if text_at(each, "action") in actions]
    return min((at for each in asked if (at := moment_at(each, "deadline"))), default=None)
