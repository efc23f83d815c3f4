"""The checklist as pages show it: its cards, the page that asks before switching on, and the alert about who ships."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q
from django.urls import reverse

from accounts.access import merchant_rows
from connectors.models import ConnectedStore, StorePart, StoreState
from connectors.registry import all_classes, is_configured, part_of
from orders import badges, hold, readiness, routing
from orders.badges import Badge
from orders.checklist import REQUIRED, TITLES, Facts, Step, StepKey, StepState, first_open, steps_without_shop
from orders.models import Order, Setup
from orders.queries.settings import store_label
from orders.seller_shipping import Ships

BACK_FOR = timedelta(days=1)  # how long it is said that a shop is on Seller Shipping again
_MARKS = {StepState.DONE: "done", StepState.TO_DO: "todo", StepState.FAILED: "failed"}
_CHECKED = frozenset({StepKey.SHIPPING, StepKey.PRODUCTS})


def setup_of(store: ConnectedStore) -> Setup | None:
    """How far the shop is, where it was read along with it; None where there is no row yet."""
    return getattr(store, "setup", None)


def shipping_alert(store: ConnectedStore, now: datetime) -> dict[str, Any] | None:
    """The banner about a shop whose orders TikTok ships, or whose way changed."""
    setup = setup_of(store)
    if setup is None:
        return None
    kept = setup.shipping
    ships, since = Ships(kept.get("ships", Ships.UNKNOWN)), kept.get("flipped_at")
    link = {
        "action_label": "See the checklist",
        "action_url": f"{reverse('dashboard')}?shop={store.pk}#setup-{store.pk}",
    }
    if ships is Ships.PLATFORM and (since or setup.switched_on_at):
        title = (
            f"{store.name} is no longer on Seller Shipping." if since else f"{store.name} is not on Seller Shipping."
        )
        text = "New orders are shown here and not sent. Orders of before go on as they were."
        return {"tone": "red", "title": title, "text": text, **link}
    if since is None or ships is Ships.UNKNOWN:
        return None
    if ships is Ships.BOTH:
        title, text = f"TikTok ships some orders of {store.name} now.", "Those are shown here and not sent."
        return {"tone": "amber", "title": title, "text": text, **link}
    if now - datetime.fromisoformat(since) > BACK_FOR:
        return None
    title, text = f"{store.name} is on Seller Shipping again.", "New orders go to your store."
    return {"tone": "green", "title": title, "text": text, **link}


def checklists(
    stores: Sequence[ConnectedStore], *, can_manage: bool, is_owner: bool, opened: str
) -> list[dict[str, Any]]:
    """A card for each shop whose checklist is not done; one for the shop to come where there is none. In merchant_rows.

    `stores` are all of the merchant's, with their setups.
    """
    shops = [store for store in stores if store.part == StorePart.SOURCE and store.state != StoreState.DISCONNECTED]
    if not shops:
        return [_card_without_shop(is_owner=is_owner)]
    cards = [
        _card(facts, steps, can_manage=can_manage)
        for facts, steps in _nearest_first(shops)
        if not all(step.is_done for step in steps)
    ]
    is_known = any(str(card["id"]) == opened for card in cards)
    has_one_on = any((setup := setup_of(shop)) and setup.switched_on_at for shop in shops)
    for place, card in enumerate(cards):
        card["is_open"] = str(card["id"]) == opened if is_known else place == 0 and not has_one_on
    return cards


def _nearest_first(shops: Sequence[ConnectedStore]) -> list[tuple[Facts, Sequence[Step]]]:
    """What is known of these shops: those not on first; of them those without a failed step, those that sell, then the
    most steps done."""
    looks = [readiness.look(shop) for shop in shops]
    return sorted(
        looks,
        key=lambda look: (
            look[0].setup.switched_on_at is not None,
            sum(step.state is StepState.FAILED for step in look[1]),
            not look[0].skus,
            -sum(step.is_done for step in look[1]),
        ),
    )


def way_on(shops: Sequence[ConnectedStore]) -> dict[str, str] | None:
    """The banner that leads back to the checklist of one of these shops that is not on: the one that the dashboard
    opens. In merchant_rows."""
    off = [each for each in shops if not ((setup := setup_of(each)) and setup.switched_on_at)]
    facts, steps = next(iter(_nearest_first(off)), (None, ()))
    step = first_open(steps)
    if facts is None or step is None:
        return None
    shop = facts.shop
    return {
        "tone": "blue",
        "title": f"{shop.name} is not switched on yet.",
        "text": f"Next is step {step.number} of {len(TITLES)}: {TITLES[step.key]}.",
        "action_label": "Go on with the checklist",
        "action_url": f"{reverse('dashboard')}?shop={shop.pk}#setup-{shop.pk}",
    }


def _card(facts: Facts, steps: Sequence[Step], *, can_manage: bool) -> dict[str, Any]:
    is_on = facts.setup.switched_on_at is not None
    return {
        "id": facts.shop.pk,
        "name": facts.shop.name,
        "is_on": is_on,
        "badge": _badge(is_on, first_open(steps)),
        "done": sum(step.is_done for step in steps),
        "failed": sum(step.state is StepState.FAILED for step in steps),
        "total": len(steps),
        "steps": [_step(facts, step, steps, can_manage=can_manage) for step in steps],
        "note": "" if can_manage else "Only a manager or an owner of the account changes these.",
    }


def _badge(is_on: bool, step: Step | None) -> Badge:
    if is_on:
        return Badge("ON", "Switched on", "tick", "green")
    return Badge("NOT_READY", badges.not_ready(step.number if step else None), "half", "amber")


def _step(facts: Facts, step: Step, steps: Sequence[Step], *, can_manage: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "number": step.number,
        "title": TITLES[step.key],
        "state": _MARKS[step.state],
        "state_text": {"done": "done", "todo": "to do", "failed": "failed"}[_MARKS[step.state]],
        "why": step.why,
        "is_next": step == first_open(steps),
    }
    if can_manage:
        shown["presses"] = list(_presses(facts, step))
        shown["link"] = _link(facts, step, steps)
    return shown


def _presses(facts: Facts, step: Step) -> Iterator[dict[str, str]]:
    """The buttons of a step: to have it judged anew, to give one's word for it, to take that back."""
    shop, key = facts.shop, step.key

    def press(what: str, label: str, busy: str) -> dict[str, str]:
        name = f"{what}-{shop.pk}-{key.value}"
        return {"label": label, "url": reverse(f"setup_{what}", args=[shop.pk]), "name": name, "value": "yes",
                "step": key.value, "busy": busy, "style": ""}  # fmt: skip

    if key in _CHECKED and (not step.is_done or key is StepKey.SHIPPING):
        again = "Check now" if facts.setup.checked_at is None else "Check again"
        yield press("check", "Look for them now" if key is StepKey.PRODUCTS else again, "Asking")
    if step.vouch:
        yield press("vouch", step.vouch, "Saving")
    elif step.is_done and key in facts.setup.confirmed:
        yield {**press("vouch", "Take back", "Saving"), "name": "answer", "value": "no", "style": "plain"}


def _link(facts: Facts, step: Step, steps: Sequence[Step]) -> dict[str, str] | None:
    """Where a step is done, if not right here."""
    shop = facts.shop
    if step.key is StepKey.SWITCH:
        is_ready = all(each.is_done for each in steps if each.key in REQUIRED)
        if not step.is_done and not is_ready:
            return None
        label = "Switch off…" if step.is_done else "Switch on…"
        style = "" if step.is_done else "primary"
        return {"label": label, "url": reverse("setup_switch", args=[shop.pk]), "style": style}
    if step.key is StepKey.DRY_RUN:
        return {"label": "Look again" if step.is_done else "Look", "url": reverse("rehearsal", args=[shop.pk])}
    if step.key is StepKey.ACCOUNT:
        url = reverse("connect", args=[shop.platform])
        return {"label": "Reconnect", "url": url} if step.state is StepState.FAILED else None
    if step.key in (StepKey.STORE, StepKey.CURRENCY):
        label = "Say which gets what" if facts.destinations and not step.is_done else "Connect a store"
        return None if step.is_done else {"label": label, "url": reverse("stores")}
    if not facts.destinations:
        return None
    if step.key is StepKey.METHODS:
        return {"label": "Choose", "url": reverse("shipping_methods", args=[facts.destinations[0].pk])}
    if step.key is StepKey.CARRIERS and facts.asks_for_carrier:
        url = f"{reverse('orders')}?tab=needs_attention&reason=CARRIER_UNMAPPED"
        return {"label": "Choose", "url": url}
    if step.key is StepKey.CARRIERS:
        return {"label": "Choose", "url": reverse("carriers", args=[shop.pk])}
    if step.key is StepKey.PRODUCTS:
        return {"label": "Link them", "url": reverse("store_products", args=[facts.destinations[0].pk])}
    if step.key is StepKey.RULES:
        return {"label": "Choose", "url": reverse("settings")}
    return None


def _card_without_shop(*, is_owner: bool) -> dict[str, Any]:
    sources = [each for each in all_classes() if part_of(each.platform) == StorePart.SOURCE]
    urls = [(each.label, reverse("connect", args=[each.platform])) for each in sources if is_configured(each.platform)]
    steps = [
        {"number": step.number, "title": TITLES[step.key], "state": "todo", "state_text": "to do", "why": step.why}
        for step in steps_without_shop()
    ]
    steps[0]["is_next"] = True
    if urls and is_owner:
        steps[0]["link"] = {"label": f"Connect {urls[0][0]}", "url": urls[0][1], "style": "primary"}
    return {
        "id": 0,
        "is_open": True,
        "name": "your TikTok shop",
        "badge": _badge(False, steps_without_shop()[0]),
        "done": 0,
        "total": len(steps),
        "steps": steps,
        "note": "" if is_owner else "Only an owner of the account connects stores.",
    }


def switch_context(*, shop: ConnectedStore, now: datetime) -> dict[str, Any]:
    """The context of templates/dashboard/switch.html: what switching does to the orders that wait."""
    with merchant_rows(shop.merchant_id):
        facts, steps = readiness.look(shop)
        waiting = routing.waiting_orders(shop)
        shipped = Q(source_status__in=hold.SHIPPED)
        found = waiting.aggregate(
            all=Count("pk", filter=~shipped), shipped=Count("pk", filter=shipped), oldest=Min("ordered_at"),
            **{f"days_{days}": Count("pk", filter=~shipped & Q(ordered_at__lt=now - timedelta(days=days)))
               for days in (1, 3, 7)},
        )  # fmt: skip
        held = Order.objects.filter(source_store=shop).held().count()
    missing = [step for step in steps if step.key in REQUIRED and not step.is_done]
    return {
        "shop": shop,
        "is_on": facts.setup.switched_on_at is not None,
        "setup": facts.setup,
        "stores": [store_label(store) for store in facts.destinations],
        "missing": [{"number": step.number, "title": TITLES[step.key], "why": step.why} for step in missing],
        "to_do": [
            TITLES[step.key] for step in steps if not step.is_done and step.key not in (*REQUIRED, StepKey.SWITCH)
        ],
        "waiting": found["all"],
        "shipped": found["shipped"],
        "held": held,
        "oldest": found["oldest"],
        "ages": [(days, found[f"days_{days}"]) for days in (1, 3, 7) if found[f"days_{days}"]],
        "list_url": f"{reverse('orders')}?sync=creating&store={shop.pk}",
        "today": now,
    }
