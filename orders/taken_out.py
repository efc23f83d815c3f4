"""Units that somebody took out of an order in a store: which of them are the merchant's doing. Where that is in doubt,
none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from connectors.base.types import PlacedOrder, Shipment, TakenOut
from connectors.registry import label_of
from orders.components import sku_key
from orders.models import Attention, CancellationStatus, Mirror, Order, OutboxKind, OutboxStatus
from orders.pausing import parcel_ids
from orders.sent import Sent
from orders.splitting import items_of
from orders.states import note
from orders.stopping import ids_of

KIND = "mirror.units_taken_out"
Group = tuple[str, ...]  # the source's lines that one of the store's lines stands for


def by_merchant(
    *, order: Order, mirror: Mirror, placed: PlacedOrder, shipments: Sequence[Shipment]
) -> dict[str, Group]:
    """The source's lines that the store will not send since somebody took their units out there, each with all lines
    that it was chosen from; those that were told before left out. In merchant_rows."""
    gone = _gone(order, mirror, placed, shipments)
    if not gone or _may_all_be_ours(order):
        return {}
    units, left = _units(order), parcel_ids(mirror)
    known = _ours(order, mirror) | set(_told(order, mirror))
    found: dict[str, Group] = {}
    for ids, count in gone.items():
        count -= sum(units[each] for each in ids if each in known)
        for each in ids:
            if each not in known and each not in left and units[each] <= count:
                count -= units[each]
                found[each] = tuple(other for other in ids if other not in known)
    return found


def tell(*, order: Order, mirror: Mirror, line_ids: Collection[str], now: datetime) -> None:
    """Write down that these were taken out there, in the caller's transaction."""
    facts = {"store": label_of(mirror.store), "name": mirror.name, "items": items_of(order, line_ids)}
    note(order=order, kind=KIND, facts={**facts, "mirror": mirror.pk, "lines": list(line_ids)}, now=now)


def in_words(*, order: Order, mirror: Mirror, line_ids: Collection[str]) -> str:
    """1 of 2 × CND-FIG-08 was taken out of #1001 there, and so on."""
    names = {line["external_id"]: line["sku"].strip() or line["title"] for line in order.snapshot["lines"]}
    units = _units(order)
    own = set(mirror.line_ids or names) - set(mirror.left_out)
    whole, gone = Counter[str](), Counter[str]()
    for line_id, name in names.items():
        whole[name] += units[line_id] if line_id in own else 0
        gone[name] += units[line_id] if line_id in line_ids else 0
    parts = [
        f"{f'{count} of ' if count < whole[name] else ''}{whole[name]} × {name}"
        for name, count in gone.items()
        if count
    ]
    is_one = sum(gone.values()) == 1
    return (
        f"{', '.join(parts)} {'was' if is_one else 'were'} taken out of {mirror.name} there, and TikTok Shop still "
        f"expects {'it' if is_one else 'them'} to be shipped."
    )


def still_in(
    *,
    order: Order,
    mirror: Mirror,
    placed: PlacedOrder,
    shipments: Sequence[Shipment],
    line_quantities: Mapping[str, int],
) -> dict[str, int]:
    """Those of these units, to be cancelled in the store, that nobody took out there yet. In merchant_rows."""
    gone = _gone(order, mirror, placed, shipments)
    if not gone or _may_all_be_ours(order):
        return dict(line_quantities)
    units = _units(order)
    others = _ours(order, mirror) - line_quantities.keys()
    still = dict(line_quantities)
    for ids, count in gone.items():
        count -= sum(units[each] for each in ids if each in others)
        for each in ids:
            if each in still and still[each] <= count:
                count -= still.pop(each)
    return still


def are_all_out(order: Order, mirror: Mirror, placed: PlacedOrder, shipments: Sequence[Shipment]) -> bool:
    """Whether the store shows all of `left_out` as taken out before they left. In merchant_rows."""
    gone, units = _gone(order, mirror, placed, shipments), _units(order)
    wanted = set(mirror.left_out)
    found = {
        each
        for ids, count in gone.items()
        if sum(units[each] for each in ids if each in wanted) <= count
        for each in ids
    }
    return wanted <= found


def not_told(*, order: Order, mirror: Mirror, line_ids: Iterable[str]) -> list[str]:
    """Those of these lines, new in `left_out`, that were not taken out there before, nor as many of their SKU."""
    new = list(line_ids)
    keys = {line["external_id"]: sku_key(line["sku"]) for line in order.snapshot["lines"]}
    free = Counter(keys.get(each, "") for each in _told(order, mirror))
    free.subtract(keys.get(each, "") for each in mirror.left_out if each not in new)
    found = []
    for each in new:
        if free[keys.get(each, "")] > 0:
            free[keys.get(each, "")] -= 1
        else:
            found.append(each)
    return found


def is_answered(*, order: Order, mirror: Mirror) -> bool:
    """Whether the order's question is about units that were taken out of this store, and as many of the same SKU are
    not wanted there any more."""
    detail = order.attention_detail
    if order.attention != Attention.REMOTE_ERROR or detail.get("mirror") != mirror.pk or "taken_out" not in detail:
        return False
    keys = {line["external_id"]: sku_key(line["sku"]) for line in order.snapshot["lines"]}
    asked, gone = (Counter(keys.get(each, "") for each in ids) for ids in (detail["taken_out"], mirror.left_out))
    return asked <= gone


def _gone(order: Order, mirror: Mirror, placed: PlacedOrder, shipments: Sequence[Shipment]) -> dict[Group, int]:
    """How many units of these lines were taken out, by whomever, before they left."""
    if not placed.taken_out or any(parcel.lines is None and not parcel.is_cancelled for parcel in shipments):
        return {}
    kept = Sent.kept(mirror)
    pieces = kept.pieces if kept else {}
    found: dict[Group, int] = {}
    for line in placed.taken_out:
        ids = _lines_of(order, mirror, line)
        if not ids or ids in found or any(each in pieces for each in ids):
            return {}  # what is made of several units may still be there in part
        left = sum(
            each.quantity
            for parcel in shipments
            if not parcel.is_cancelled
            for each in parcel.lines or ()
            if (each.sku, each.source_line_ids) == (line.sku, line.source_line_ids)
        )
        if (count := min(line.units, line.quantity - line.waiting - left)) > 0:
            found[ids] = count
    return found


def _lines_of(order: Order, mirror: Mirror, line: TakenOut) -> Group:
    """The source's lines that the store's line stands for; none where that is not sure."""
    units = _units(order)
    ids: Sequence[str] = line.source_line_ids
    if not ids:
        wanted = sku_key(line.sku)
        ids = [
            each["external_id"]
            for each in order.snapshot["lines"]
            if sku_key(each["sku"]) == wanted and (not mirror.line_ids or each["external_id"] in mirror.line_ids)
        ]
    for these in (ids, [each for each in ids if each not in mirror.left_out]):
        if sum(units.get(each, -1) for each in these) == line.quantity:
            return tuple(these)
    return ()


def _units(order: Order) -> dict[str, int]:
    return {line["external_id"]: line["quantity"] for line in order.snapshot.get("lines", [])}


def _told(order: Order, mirror: Mirror) -> list[str]:
    events = order.events.filter(kind=KIND, facts__mirror=mirror.pk).values_list("facts", flat=True)
    return [line_id for facts in events for line_id in facts["lines"]]


def _may_all_be_ours(order: Order) -> bool:
    """Whether something is cancelled or paid back, or asked to be, that names no lines."""
    asked = order.cancellations.exclude(status=CancellationStatus.WITHDRAWN)
    return any(not each.lines for each in order.returns.all()) or any(not each.lines for each in asked)


def _ours(order: Order, mirror: Mirror) -> set[str]:
    """The lines of which units are gone, or go, since we or the source cancelled them or paid them back."""
    found = {line["external_id"] for line in order.snapshot.get("lines", []) if line["status"] == "CANCELLED"}
    found.update(mirror.left_out)
    for case in order.returns.all():
        found.update(ids_of(case.lines))
    for asked in order.cancellations.exclude(status=CancellationStatus.WITHDRAWN):
        found.update(ids_of(asked.lines))
    kinds = [OutboxKind.CANCEL_LINES, OutboxKind.CANCEL_AT_SOURCE, OutboxKind.RECORD_REFUND]
    said = order.outbox.filter(kind__in=kinds).exclude(status=OutboxStatus.DROPPED)
    for facts in said.values_list("facts", flat=True):
        found.update(facts.get("lines") or ())
    return found
