"""Returns, refunds, replacements and exchanges at the source, and what became of each in the stores."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from accounts.models import Merchant
from connectors.models import ConnectedStore
from orders.models.mirrors import Mirror
from orders.models.orders import Order


class ReturnKind(models.TextChoices):
    """What the buyer wants; the values are `connectors.base.aftersales.ReturnKind`."""

    REFUND = "REFUND", "Refund without return"
    RETURN = "RETURN", "Return and refund"
    REPLACEMENT = "REPLACEMENT", "Replacement"
    EXCHANGE = "EXCHANGE", "Exchange"
    UNKNOWN = "UNKNOWN", "A kind we do not know"


class ReturnStatus(models.TextChoices):
    """Where a return stands; the values are `connectors.base.aftersales.ReturnStatus`."""

    REQUESTED = "REQUESTED", "Waits for your answer"
    BUYER_ASKED = "BUYER_ASKED", "The buyer has your offer"
    TO_BE_SENT = "TO_BE_SENT", "The buyer is to send it back"
    ON_THE_WAY = "ON_THE_WAY", "On its way back"
    GOODS_REFUSED = "GOODS_REFUSED", "You refused what arrived"
    REFUSED = "REFUSED", "Refused; the buyer may appeal"
    AGREED = "AGREED", "Agreed; it is being settled"
    COMPLETED = "COMPLETED", "Completed"
    WITHDRAWN = "WITHDRAWN", "Over, without anything"
    UNKNOWN = "UNKNOWN", "A status we do not know"


class Restock(models.TextChoices):
    """Whether goods that came back go into the store's stock."""

    NONE = "", "Nothing to decide"
    ASKED = "ASKED", "Waits for your decision"
    YES = "YES", "Into the stock"
    NO = "NO", "Not into the stock"


# Other goods are sent in an order of their own; money instead of them ends the case.
STANDS_FOR = ("REPLACEMENT", "EXCHANGE")
OPEN = ("REQUESTED", "BUYER_ASKED", "TO_BE_SENT", "ON_THE_WAY", "GOODS_REFUSED", "AGREED", "UNKNOWN")
# What may still become money for goods that never left.
UNSETTLED = ("REQUESTED", "BUYER_ASKED", "AGREED", "UNKNOWN")


class ReturnQuerySet(models.QuerySet["Return"]):
    """Phrases about returns."""

    def still_open(self) -> Self:
        """Those that are not over."""
        return self.filter(status__in=OPEN).exclude(kind__in=STANDS_FOR, status="AGREED")


class Return(models.Model):
    """One case as the source tells it, and what was decided here. Amounts in minor units of the order's currency.

    `lines` are [{line_id, sku, quantity, refund}], `refund` is a RefundSum. `decisions` are those that the source takes
    now, by `answer_by`. `next_id` and `previous_id` are the same case after the buyer changed it.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    store = models.ForeignKey(ConnectedStore, on_delete=models.CASCADE, related_name="returns")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="returns")
    external_id = models.CharField(max_length=64)
    kind = models.CharField(max_length=12, choices=ReturnKind.choices)
    status = models.CharField(max_length=14, choices=ReturnStatus.choices)
    status_text = models.CharField(max_length=64, blank=True)
    by = models.CharField(max_length=10)
    reason = models.CharField(max_length=120, blank=True)
    reason_text = models.CharField(max_length=300, blank=True)
    lines = models.JSONField(default=list, blank=True)
    refund = models.JSONField(null=True, blank=True)
    offered = models.BigIntegerField(null=True, blank=True)
    decisions = models.JSONField(default=list, blank=True)
    dispute = models.CharField(max_length=10)
    keeps_goods = models.BooleanField(default=False)
    carrier = models.CharField(max_length=200, blank=True)
    tracking_number = models.CharField(max_length=100, blank=True)
    is_quick_refund = models.BooleanField(default=False)
    next_id = models.CharField(max_length=64, blank=True)
    previous_id = models.CharField(max_length=64, blank=True)
    new_order_id = models.CharField(max_length=64, blank=True)
    replacement = models.ForeignKey(Order, null=True, blank=True, on_delete=models.SET_NULL, related_name="replaces")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    read_at = models.DateTimeField()
    answer_by = models.DateTimeField(null=True, blank=True)
    sent_back_at = models.DateTimeField(null=True, blank=True)  # when the goods were first seen on their way back

    # The last answer given here: {decision, reason, comment, amount, currency}, and which question it answered.
    answer = models.JSONField(default=dict, blank=True)
    answered_for = models.CharField(max_length=300, blank=True)
    answered_by = models.CharField(max_length=150, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answer_problem = models.CharField(max_length=300, blank=True)  # why the source did not take the last answer

    restock = models.CharField(max_length=5, choices=Restock.choices, blank=True, default="")
    restock_by = models.CharField(max_length=150, blank=True)

    objects: ClassVar = ReturnQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["store", "external_id"], name="return_once"),
            models.CheckConstraint(condition=Q(status__in=ReturnStatus.values), name="return_status_known"),
            models.CheckConstraint(condition=Q(restock__in=Restock.values), name="return_restock_known"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["merchant", "-created_at", "-id"], name="return_list"),
            models.Index(
                fields=["merchant", "answer_by"], condition=Q(answer_by__isnull=False), name="return_to_answer"
            ),
            models.Index(fields=["merchant", "updated_at", "id"], condition=~Q(decisions=[]), name="return_asks"),
        ]

    def __str__(self) -> str:
        return f"{self.external_id} {self.status}"

    @property
    def is_open(self) -> bool:
        """Whether it is not over."""
        return self.status in OPEN and not (self.kind in STANDS_FOR and self.status == ReturnStatus.AGREED)

    @property
    def question(self) -> str:
        """What the source asks now; an answer is one to this. Empty where it asks nothing."""
        return f"{self.status_text or self.status}: {','.join(self.decisions)}"[:300] if self.decisions else ""

    @property
    def is_paid_back(self) -> bool:
        """Whether the buyer has the money of this case."""
        if not self.refund or self.refund.get("total", 0) <= 0:
            return False
        if self.kind in STANDS_FOR:
            return self.status == ReturnStatus.AGREED  # money instead of the goods
        is_asked = self.status in ("REQUESTED", "BUYER_ASKED", "REFUSED", "WITHDRAWN")
        return self.status == ReturnStatus.COMPLETED or (self.is_quick_refund and not is_asked)

    @property
    def is_answered(self) -> bool:
        """Whether what the source asks now was answered here, and it has not said what came of it."""
        return bool(self.answer) and self.answered_for == self.question


class ReturnRecord(models.Model):
    """A return at the store of one mirror: what was recorded there, or is the merchant's task to record."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    case = models.ForeignKey(Return, on_delete=models.CASCADE, related_name="records")
    mirror = models.ForeignKey(Mirror, on_delete=models.CASCADE, related_name="return_records")
    external_id = models.CharField(max_length=200, blank=True)
    name = models.CharField(max_length=100, blank=True)
    url = models.CharField(max_length=500, blank=True)
    step = models.CharField(max_length=8, blank=True, default="")  # ReturnStep; empty while no goods are recorded
    detail = models.CharField(max_length=300, blank=True)  # what the store could not record
    refunded = models.BigIntegerField(null=True, blank=True)
    refunded_at = models.DateTimeField(null=True, blank=True)
    is_task = models.BooleanField(default=False)  # the store takes no such record from an app
    settled_at = models.DateTimeField(null=True, blank=True)  # when the merchant said that the task is done
    settled_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["case", "mirror"], name="return_record_once")]

    def __str__(self) -> str:
        return self.name or self.external_id
