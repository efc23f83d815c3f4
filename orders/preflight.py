"""What is checked of a parcel right before its number is sent to the source: what does not pass is a question.

Pure, but for the two look-ups at the end. A wrong guess of ours never blocks for good: a person may overrule each
check for this number, and who did it is kept with the parcel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, cast

from connectors.base import snapshot
from connectors.base.connector import Destination, Source, TrackingRules
from connectors.base.types import Address, AddressState, Package, PlatformOrder
from connectors.models import ConnectedStore
from connectors.registry import all_classes, connector_class
from orders.carrier_numbers import NAMES, carriers_like, fits, plain
from orders.carriers import key_of
from orders.models import Attention, Fulfillment, FulfillmentState, OutboxItem, OutboxKind, OutboxStatus

TOLD = (FulfillmentState.SENT, FulfillmentState.ACCEPTED)
MOST_USES = 30  # of one number; more need not be read to know that they are too many


class Check(StrEnum):
    """What a person may overrule, by the name that is kept with the parcel."""

    PATTERN = "PATTERN"
    DUPLICATE = "DUPLICATE"
    FOREIGN = "FOREIGN"
    POSTCODE = "POSTCODE"
    LINES = "LINES"
    CANCEL_REQUEST = "CANCEL_REQUEST"  # the buyer asks to cancel, and sending would refuse that
    REFUND_REQUEST = "REFUND_REQUEST"  # money is asked back for what is in the parcel


class Objection(Exception):
    """The number is not sent before a person has answered. `detail` is for the words of the question."""

    def __init__(self, code: Attention, check: Check, detail: Mapping[str, Any]) -> None:
        super().__init__(code.label)
        self.code = code
        self.detail = {**detail, "check": check.value}


@dataclass(frozen=True, slots=True)
class Use:
    """Another order of the shop under the same number."""

    order_id: str
    address: str
    buyer_id: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be judged. `own_carrier` is the carrier of the store's platform, if it has one; `foreign_before` are
    the numbers of other carriers that were sent from such stores."""

    number: str
    carrier_text: str
    carrier_name: str
    own_carrier: str = ""
    foreign_before: int = 0
    is_elsewhere: bool = False
    uses: Sequence[Use] = ()
    waived: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_own(self) -> bool:
        """Whether the platform's own carrier has it."""
        return bool(self.own_carrier) and key_of(self.carrier_text) == key_of(self.own_carrier)


def object_to(*, parcel: Parcel, seen: PlatformOrder, rules: TrackingRules) -> None:
    """Raises the first Objection to sending this parcel's number. Pure."""
    for check, judge in ((Check.PATTERN, _pattern), (Check.DUPLICATE, _duplicate), (Check.FOREIGN, _foreign)):
        if check.value not in parcel.waived:
            judge(parcel, seen, rules)
    if parcel.is_elsewhere and Check.POSTCODE.value not in parcel.waived:
        raise Objection(Attention.TRACKING_INVALID, Check.POSTCODE, {})


def _pattern(parcel: Parcel, _seen: PlatformOrder, _rules: TrackingRules) -> None:
    """A platform knows the numbers of its own carrier better than we do."""
    if parcel.is_own or fits(carrier=key_of(parcel.carrier_name), number=parcel.number) is not False:
        return
    like = [NAMES[name] for name, tells in carriers_like(parcel.number).items() if tells]
    raise Objection(Attention.TRACKING_INVALID, Check.PATTERN, {"like": like})


def _duplicate(parcel: Parcel, seen: PlatformOrder, rules: TrackingRules) -> None:
    if any(plain(package.tracking_number) == plain(parcel.number) for package in seen.packages):
        raise Objection(Attention.TRACKING_DUPLICATE, Check.DUPLICATE, {"other": seen.external_id, "is_same": True})
    ours = _use_of(seen)
    for use in parcel.uses:
        if not _is_one_buyer(ours, use):
            raise Objection(Attention.TRACKING_DUPLICATE, Check.DUPLICATE, {"other": use.order_id})
    if len(parcel.uses) >= rules.orders_per_number:
        raise Objection(
            Attention.TRACKING_DUPLICATE,
            Check.DUPLICATE,
            {"other": parcel.uses[0].order_id, "most": rules.orders_per_number},
        )


def _is_one_buyer(ours: Use, other: Use) -> bool:
    """The same name and address; where one of them is not shown any more, the same buyer."""
    if ours.address and other.address:
        return ours.address == other.address
    return bool(ours.buyer_id) and ours.buyer_id == other.buyer_id


def _foreign(parcel: Parcel, _seen: PlatformOrder, rules: TrackingRules) -> None:
    if not is_foreign(parcel) or rules.foreign_numbers is None:
        return
    if parcel.foreign_before + 1 >= rules.foreign_numbers:
        facts = {"own": parcel.own_carrier, "sent": parcel.foreign_before, "limit": rules.foreign_numbers}
        raise Objection(Attention.CARRIER_NOT_SUPPORTED, Check.FOREIGN, facts)


def is_foreign(parcel: Parcel) -> bool:
    """Whether the platform whose warehouse sent it has a carrier of its own, and another one has the parcel. Pure."""
    return bool(parcel.own_carrier) and not parcel.is_own


# The order's side


def package_of(*, seen: PlatformOrder, number: str, line_ids: Iterable[str]) -> Package | None:
    """The package of the source with this number and any of these lines, or with no lines named at all. Pure."""
    wanted = set(line_ids)
    same = [package for package in seen.packages if number and package.tracking_number == number]
    return next((each for each in same if not each.line_ids or wanted.intersection(each.line_ids)), None)


def package_holding(*, seen: PlatformOrder, line_ids: Iterable[str]) -> Package | None:
    """The package of the source that has a number and holds any of these lines. Pure."""
    wanted = set(line_ids)
    return next((each for each in seen.packages if each.tracking_number and wanted.intersection(each.line_ids)), None)


def lines_to_ship(*, seen: PlatformOrder, line_ids: Sequence[str]) -> tuple[str, ...]:
    """Those of the parcel's lines that the source still waits for: neither cancelled, nor in a package that has a
    number already, which is never overwritten; each once. Pure."""
    shipped = {line_id for package in seen.packages if package.tracking_number for line_id in package.line_ids}
    live = {line.external_id for line in seen.lines if line.status != "CANCELLED"} - shipped
    return tuple(dict.fromkeys(line_id for line_id in line_ids if line_id in live))


def is_elsewhere(*, address: Mapping[str, Any] | None, postal_code: str) -> bool:
    """Whether the store shipped to another postcode than the buyer's; False while one of them is not known. Pure."""
    ours, theirs = (plain(str(text)) for text in ((address or {}).get("postal_code") or "", postal_code))
    if not ours or not theirs or "*" in ours:
        return False
    shorter = min(len(ours), len(theirs))
    return ours[:shorter] != theirs[:shorter] or shorter < 3  # 07030 and 07030-1234 are one


def _use_of(seen: PlatformOrder) -> Use:
    is_shown = seen.address is not None and seen.address_state is AddressState.COMPLETE
    return Use(seen.external_id, _one_line(seen.address) if is_shown and seen.address else "", seen.buyer_id)


def _one_line(address: Address) -> str:
    parts = [address.name, address.line1, address.line2, address.line3, address.line4, address.postal_code]
    return " ".join(" ".join(parts).casefold().split())


# Look-ups


def rules_of(source_store: ConnectedStore) -> TrackingRules:
    """What this shop's platform lets be done with tracking numbers."""
    return cast(type[Source], connector_class(source_store.platform)).tracking_rules


def own_carrier_of(store: ConnectedStore) -> str:
    """The carrier of this store's platform, empty where it has none."""
    return cast(type[Destination], connector_class(store.platform)).own_carrier


def uses_of(*, source_store: ConnectedStore, kept: Sequence[Fulfillment]) -> dict[str, list[Use]]:
    """The other orders of this shop that were sent under these parcels' numbers, by number. In merchant_rows."""
    own = {(each.tracking_number, each.order_id) for each in kept if each.tracking_number}
    found = (
        Fulfillment.objects.filter(tracking_number__in={number for number, _ in own}, state__in=TOLD)
        .filter(order__source_store=source_store)
        .exclude(pk__in=[each.pk for each in kept])
        .order_by("-pk")
        .values_list("tracking_number", "order_id", "order__snapshot")[: MOST_USES * len(own)]
    )
    uses: dict[str, dict[int, Use]] = {}
    for number, order_id, told in found:
        if (number, order_id) not in own:
            uses.setdefault(number, {})[order_id] = _use_of(snapshot.from_json(told))
    return {number: list(by_order.values()) for number, by_order in uses.items()}


def foreign_sent(*, source_store: ConnectedStore, besides: int) -> int:
    """How many numbers of other carriers this shop was sent, or is being sent, from stores with a carrier of their own;
    without the parcel `besides` and those that are checked after it. In merchant_rows."""
    taken = OutboxItem.objects.filter(store=source_store, kind=OutboxKind.PUSH_TRACKING, status=OutboxStatus.IN_FLIGHT)
    subjects = ((int(subject), is_sent) for subject, is_sent in taken.values_list("subject", "is_doubtful"))
    under_way = [parcel for parcel, is_sent in subjects if is_sent or parcel < besides]
    own = {kind.platform: kind.own_carrier for kind in all_classes() if issubclass(kind, Destination)}
    own = {platform: carrier for platform, carrier in own.items() if carrier}
    told = Fulfillment.objects.filter(order__source_store=source_store, mirror__store__platform__in=own)
    told = told.exclude(pk=besides).exclude(carrier_text__in=own.values())
    rows = (told.filter(state__in=TOLD) | told.filter(pk__in=under_way)).values_list(
        "mirror__store__platform", "carrier_text", "tracking_number"
    )
    return len({number for platform, text, number in rows if key_of(text) != key_of(own[platform])})
