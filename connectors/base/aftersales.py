"""What changes about an order after it was bought: cancellations, returns, and the money that goes back.

The source decides all of it. Money is an integer of minor units beside one currency; times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Who(StrEnum):
    """Whose doing it is."""

    BUYER = "BUYER"
    SELLER = "SELLER"
    PLATFORM = "PLATFORM"  # its operators, or its clock
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class RefundSum:
    """What the buyer gets back, and who bears it. `total` is what counts where the parts do not add up to it."""

    currency: str
    total: int
    subtotal: int = 0
    shipping: int = 0
    tax: int = 0
    fees: int = 0
    by_platform: int = 0  # the part of the discounts that the platform bears


@dataclass(frozen=True, slots=True)
class TakenBack:
    """One line, or some of its units, that is cancelled or comes back. `line_id` is the order's own line."""

    line_id: str
    sku: str
    quantity: int = 1
    refund: int | None = None


class CancelStatus(StrEnum):
    """Where a cancellation stands."""

    REQUESTED = "REQUESTED"  # waits for the seller's answer; none in time lets it through
    AGREED = "AGREED"  # the order, or these lines, are cancelled; the money is on its way
    REFUNDED = "REFUNDED"  # the money is back; nothing follows
    WITHDRAWN = "WITHDRAWN"  # taken back or refused: the order goes on
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Cancellation:
    """A cancellation as the source tells it. No `lines` = the whole order. `answer_by` only while it is REQUESTED."""

    external_id: str
    order_id: str
    status: CancelStatus
    status_text: str
    is_request: bool  # the buyer asked, and the seller decides
    by: Who
    reason: str
    reason_text: str
    created_at: datetime
    updated_at: datetime
    answer_by: datetime | None = None
    lines: tuple[TakenBack, ...] = ()
    refund: RefundSum | None = None
    restocks: bool | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


class ReturnKind(StrEnum):
    """What the buyer wants."""

    REFUND = "REFUND"  # money back, the goods stay
    RETURN = "RETURN"  # the goods go back, then the money
    REPLACEMENT = "REPLACEMENT"  # the same goods once more, in an order of their own
    EXCHANGE = "EXCHANGE"  # other goods, in an order of their own
    UNKNOWN = "UNKNOWN"


class ReturnStatus(StrEnum):
    """Where a return stands. Only COMPLETED means that the money is back."""

    REQUESTED = "REQUESTED"  # waits for the seller's answer to the request
    BUYER_ASKED = "BUYER_ASKED"  # the seller offered something; the buyer answers
    TO_BE_SENT = "TO_BE_SENT"  # agreed; the buyer has to hand the goods over
    ON_THE_WAY = "ON_THE_WAY"  # the goods go back
    GOODS_REFUSED = "GOODS_REFUSED"  # the seller refused what arrived
    REFUSED = "REFUSED"  # the seller refused the request; the buyer may appeal
    AGREED = "AGREED"  # the money, or the new order, is on its way
    COMPLETED = "COMPLETED"  # the money is back, or the new order exists
    WITHDRAWN = "WITHDRAWN"  # taken back, lapsed or closed without anything
    UNKNOWN = "UNKNOWN"


class Dispute(StrEnum):
    """Whether the source was called in to judge."""

    NONE = "NONE"
    OPEN = "OPEN"
    FOR_BUYER = "FOR_BUYER"
    FOR_SELLER = "FOR_SELLER"
    CLOSED = "CLOSED"


class Decision(StrEnum):
    """What a seller may answer. Which of them are allowed now, a return says itself."""

    APPROVE_REFUND = "APPROVE_REFUND"
    APPROVE_RETURN = "APPROVE_RETURN"
    APPROVE_GOODS = "APPROVE_GOODS"  # they arrived as they should: the money goes back
    APPROVE_REPLACEMENT = "APPROVE_REPLACEMENT"
    REFUND_INSTEAD = "REFUND_INSTEAD"  # money where a replacement was asked for
    OFFER_PART = "OFFER_PART"  # part of the money, and the goods stay
    REJECT_REFUND = "REJECT_REFUND"
    REJECT_RETURN = "REJECT_RETURN"
    REJECT_GOODS = "REJECT_GOODS"
    REJECT_REPLACEMENT = "REJECT_REPLACEMENT"

    @property
    def is_rejection(self) -> bool:
        """Whether it needs a reason."""
        return self.name.startswith("REJECT_")


@dataclass(frozen=True, slots=True)
class Return:
    """A return, a refund without goods, a replacement or an exchange, as the source tells it.

    `decisions` are what the seller may answer now, by `answer_by` where a time is given. `next_id` and `previous_id`
    are the same case after the buyer changed it. `new_order_id` is the order that replaces this one, where it is told.
    """

    external_id: str
    order_id: str
    kind: ReturnKind
    status: ReturnStatus
    status_text: str
    by: Who
    reason: str
    reason_text: str
    created_at: datetime
    updated_at: datetime
    lines: tuple[TakenBack, ...] = ()
    refund: RefundSum | None = None
    offered: int | None = None  # the part of the money that the seller offered
    decisions: tuple[Decision, ...] = ()
    answer_by: datetime | None = None
    dispute: Dispute = Dispute.NONE
    keeps_goods: bool = False
    carrier: str = ""
    tracking_number: str = ""
    is_quick_refund: bool = False  # the source paid at once, before the goods were seen
    next_id: str = ""
    previous_id: str = ""
    new_order_id: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason that the source offers for this case, in its own key and words."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A seller's answer to a return. `reason` is a `Reason.key`, needed for a rejection; `amount` for OFFER_PART."""

    decision: Decision
    reason: str = ""
    comment: str = ""
    amount: int | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Refund:
    """Goods and money taken back, to be recorded where the merchant fulfills, where no money moves any more.

    `line_quantities` counts the units that are paid back whole, by the source's line id; a part of a price is in the
    `amount` alone. `amounts` gives the refund of each line, where it is told. What `record_return` wrote down the store
    knows already: of such units only the rest of the refund is recorded.
    """

    amount: int
    currency: str
    line_quantities: Mapping[str, int]
    note: str
    restock: bool = False
    shipping: int = 0
    amounts: Mapping[str, int] = field(default_factory=dict)


class ReturnStep(StrEnum):
    """How far a return is that is recorded where the merchant fulfills."""

    OPEN = "OPEN"  # the goods are to come back
    DONE = "DONE"  # they arrived, and it is closed
    DROPPED = "DROPPED"  # it came to nothing


@dataclass(frozen=True, slots=True)
class GoodsBack:
    """Goods on their way back, to be recorded where the merchant fulfills. Units by the source's line id."""

    line_quantities: Mapping[str, int]
    reason_text: str
    tracking_number: str = ""
    carrier: str = ""
    restock: bool = False


@dataclass(frozen=True, slots=True)
class ReturnReceipt:
    """What stands there now: the record's id and name, and a link a person can click; `detail` says what could not be
    recorded. `external_id` is empty where this store has nothing to record, and `detail` says why."""

    external_id: str
    name: str = ""
    url: str = ""
    detail: str = ""
