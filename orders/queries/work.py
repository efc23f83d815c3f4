"""The work list: what costs points first, with what to do about each; and the dashboard's tiles of the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Prefetch
from django.urls import reverse

from accounts.access import merchant_rows
from connectors.registry import connector_class
from orders import badges, merchant_words, reason_words
from orders.deadlines import DeadlineKind, DeadlineRules
from orders.models import MerchantRules, Mirror, MirrorState, Order, OrderState
from orders.queries.counts import MOST, Counts
from orders.queries.due import KINDS, Due, Pressing, due_after, pressing_of, read_key
from orders.queries.rows import rest_of

K = DeadlineKind
PAGE = 50
# The parts of the list, by what its address says: the kinds in it, and its words.
_PARTS: Mapping[str, tuple[tuple[DeadlineKind, ...], str]] = {
    "": ((), "All"),
    **{kind.value.lower(): ((kind,), merchant_words.DEADLINE_KINDS[kind]) for kind in KINDS},
}
_SHORT = {
    K.AUTO_CANCEL: "Cancelled by TikTok",
    K.CANCEL_ANSWER: "Answer cancellation",
    K.RETURN_ANSWER: "Answer return",
    K.DISPATCH: "Ship",
    K.DELIVERY: "Deliver",
    K.TRACKING_EDIT: "Change of number",
    K.HOLD_END: "Hold",
}
_READ = (
    "id", "external_id", "source_status", "source_status_text", "state", "attention", "attention_detail", "skip_rule",
    "snapshot", "ordered_at",
)  # fmt: skip


def rules_of(merchant_id: int) -> DeadlineRules:
    """The merchant's rules about deadlines, in merchant_rows."""
    kept = MerchantRules.objects.filter(merchant_id=merchant_id).values_list("deadlines", flat=True).first()
    return DeadlineRules.from_json(kept or {})


def work_context(*, merchant_id: int, query: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """The context of templates/work/list.html. Five statements, whatever the rows."""
    part = query.get("kind", "") if query.get("kind", "") in _PARTS else ""
    kinds, _ = _PARTS[part]
    after = read_key(query.get("after", ""))
    with merchant_rows(merchant_id):
        rules = rules_of(merchant_id)
        pressing = pressing_of(merchant_id=merchant_id, now=now)
        found = due_after(merchant_id=merchant_id, kinds=kinds, after=after, now=now, most=PAGE + 1)
        mirrors = Prefetch("mirrors", Mirror.objects.select_related("store").order_by("pk"))
        orders = Order.objects.only(*_READ).prefetch_related(mirrors).in_bulk({due.order_id for due in found})
    rows = [_row(due, orders[due.order_id], rules) for due in found[:PAGE] if due.order_id in orders]
    here = f"{reverse('work')}?kind={part}&" if part else f"{reverse('work')}?"
    return {
        "rows": rows,
        "tabs": [_tab(key, part, pressing) for key in _PARTS],
        "next_url": f"{here}after={found[PAGE - 1].key}" if len(found) > PAGE else "",
        "first_url": here.rstrip("?&") if after else "",
        "part": part,
        "first_hours": rules.warn_first_hours,
        "last_hours": rules.warn_last_hours,
        "now": now,
    }


def tiles(*, merchant_id: int, counts: Counts, now: datetime) -> list[dict[str, Any]]:
    """TikTok Shop's own board of what is pending, each part a link. Three statements, in merchant_rows.

    Red stands only where something is late, will be cancelled or is stuck.
    """
    rules = rules_of(merchant_id)
    pressing = pressing_of(merchant_id=merchant_id, now=now)
    oldest = Order.objects.filter(merchant_id=merchant_id).exclude(attention="").order_by("attention_at")
    asked_at = oldest.values_list("attention_at", flat=True).first() if counts.waiting else None
    ship, cancel = pressing.get(K.DISPATCH), pressing.get(K.AUTO_CANCEL)
    answer, back = pressing.get(K.CANCEL_ANSWER), pressing.get(K.RETURN_ANSWER)
    hours = rules.warn_first_hours
    shown = [
        _tile(f"Ship within {hours} h", K.DISPATCH, ship, "half", "amber", count=ship.count - ship.late if ship else 0),
        _tile(f"Auto-cancel within {hours} h", K.AUTO_CANCEL, cancel, "warning", "red"),
        _tile("Overdue", K.DISPATCH, ship, "warning", "red", count=ship.late if ship else 0, is_past=True),
        _tile("Cancellation requested", K.CANCEL_ANSWER, answer, "half", "amber"),
        *([_tile("Return requested", K.RETURN_ANSWER, back, "ring", "gray")] if K.RETURN_ANSWER in KINDS else []),
    ]
    needs = {
        "label": "Needs attention", "count": f"{counts.waiting:,}", "url": f"{reverse('orders')}?tab=needs_attention",
        "mark": "warning" if counts.waiting else "", "tone": "red", "due": None, "since": asked_at,
        "text": "Waiting" if counts.waiting else "None",
    }  # fmt: skip
    return [*shown, needs]


def _tile(
    label: str,
    kind: DeadlineKind,
    pressing: Pressing | None,
    mark: str,
    tone: str,
    *,
    count: int | None = None,
    is_past: bool = False,
) -> dict[str, Any]:
    number = count if count is not None else pressing.count if pressing else 0
    due = None
    if number and pressing:
        due = pressing.first if is_past else pressing.coming or pressing.first
    if kind is K.CANCEL_ANSWER and pressing and (pressing.late or pressing.near):
        mark, tone = "warning", "red"
    return {
        "label": label, "count": _capped(number), "url": f"{reverse('work')}?kind={kind.value.lower()}",
        "mark": mark if number else "", "tone": tone, "due": due, "text": "None",
    }  # fmt: skip


def _capped(count: int) -> str:
    return f"{MOST:,}+" if count > MOST else f"{count:,}"


def _tab(key: str, part: str, pressing: Mapping[DeadlineKind, Pressing]) -> dict[str, Any]:
    kinds, label = _PARTS[key]
    late = sum(each.late for kind, each in pressing.items() if kind in kinds)
    return {
        "label": label,
        "url": f"{reverse('work')}?kind={key}" if key else reverse("work"),
        "is_current": key == part,
        "late": _capped(late) if late and key else "",
    }


def _row(due: Due, order: Order, rules: DeadlineRules) -> dict[str, Any]:
    mirrors = [each for each in order.mirrors.all() if each.external_id]
    what, label = _what_to_do(due.kind, order, mirrors)
    items = order.snapshot.get("lines", [])
    first = items[0] if items else {"title": "No items", "sku": "", "quantity": 0}
    others = {line["sku"] or line["title"] for line in items} - {first["sku"] or first["title"]}
    return {
        "kind": due.kind.value,
        "label": _SHORT[due.kind],
        "due": due.due_at,
        "is_reckoned": due.is_reckoned,
        "costs": _costs(due.kind, rules),
        "external_id": order.external_id,
        "url": reverse("order", args=[order.pk]),
        "status": badges.status_badge(order.source_status, order.source_status_text),
        "quantity": sum(line["quantity"] for line in items if line["sku"] == first["sku"]),
        "item": first["title"],
        "more": len(others),
        "what": what,
        "action_label": label,
        "action_url": reverse("order", args=[order.pk]),
    }


def _costs(kind: DeadlineKind, rules: DeadlineRules) -> str:
    """What a deadline that passes counts towards, with TikTok Shop's limit."""
    return {
        K.AUTO_CANCEL: f"Counts as your cancellation: limit {rules.seller_cancel_limit:g} %",
        K.DISPATCH: f"Counts as late dispatch: limit {rules.late_dispatch_limit:g} %",
        K.DELIVERY: f"On time: at least {rules.on_time_limit:g} %",
        K.TRACKING_EDIT: f"Valid tracking: at least {rules.tracking_limit:g} %",
        K.CANCEL_ANSWER: "Silence accepts it",
        K.RETURN_ANSWER: "Silence accepts it",
        K.HOLD_END: "Costs nothing",
    }[kind]


def _what_to_do(kind: DeadlineKind, order: Order, mirrors: Sequence[Mirror]) -> tuple[str, str]:
    """One sentence, and the words of the link."""
    if kind is K.CANCEL_ANSWER:
        return "Accept or refuse it, and ship nothing meanwhile.", "Answer"
    if kind is K.TRACKING_EDIT:
        return "Spend the one change of the number, or keep the first one.", "Decide"
    if kind is K.DELIVERY:
        return "Ask the carrier where the parcel is.", "See the parcel"
    if kind is K.HOLD_END:
        return "TikTok Shop still holds it. It is asked again by itself; look in Seller Center.", "See the order"
    if kind is K.RETURN_ANSWER:
        return "Accept or refuse it.", "Answer"
    if order.attention:
        words = reason_words.reason_of(order.attention, order.attention_detail)
        return f"{words.title}. {words.what_to_do}", "Sort it out"
    return _to_ship(kind, order, mirrors), "See the order"


def _to_ship(kind: DeadlineKind, order: Order, mirrors: Sequence[Mirror]) -> str:
    """Who has to do what, so that it is dispatched."""
    if order.source_status == "AWAITING_COLLECTION":
        return "Hand the parcel to the carrier: only its first scan counts."
    if order.state in (OrderState.HELD, OrderState.UNPAID):
        return "Nothing yet: TikTok Shop holds it."
    if order.state == OrderState.SKIPPED:
        return f"Ship it by hand: {order.skip_rule[:1].lower()}{order.skip_rule[1:] or 'not sent to a store'}."
    living = [each for each in mirrors if each.state == MirrorState.CREATED]
    if not living:
        return "It is being created in your store. Ship it there."
    if rest_of(order, mirrors):
        return "Ship it in your store, and by hand what no store has."
    where = ", ".join(f"{connector_class(each.store.platform).label} {each.name}" for each in living)
    number = " Without a tracking number TikTok Shop cancels it." if kind is K.AUTO_CANCEL else ""
    return f"Ship it: {where}.{number}"
