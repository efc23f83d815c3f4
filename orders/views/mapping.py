"""The pages of what is called differently on both sides: shipping methods and carriers."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import member_required, merchant_rows
from accounts.models import Membership
from connectors.base.connector import Destination
from connectors.base.errors import PlatformError
from connectors.base.types import Carrier
from connectors.models import ConnectedStore, StorePart
from connectors.registry import connector_class, label_of
from connectors.speaking import speaking_to_source
from orders import saving
from orders.effect import Proposal
from orders.forms import CarrierForm, NewCarrierForm, ShippingForm
from orders.models import Concern, Route
from orders.queries import mapping as queries
from orders.queries.history import history_url, latest_of, names_of
from orders.queries.settings import route_label, routes_by_shop, store_label
from orders.rules import RouteRules
from orders.rules_forms import UnmappedForm
from orders.shipping import Method
from orders.telling import carriers_of
from orders.versions import about_route, state_of
from orders.views.draft import Look, Part, author_of, effect_of, look_at, may_change, require_change, was_seen
from orders.views.pages import membership_of, shop_time

log = logging.getLogger(__name__)
# Each delivery option is a call of its own to the source.
_MOST_LISTS = 8


@require_safe
@never_cache
@member_required()
def any_shipping(request: HttpRequest) -> HttpResponse:
    """Shipping methods of the first store there is."""
    return _first(request, StorePart.DESTINATION, "shipping_methods")


@require_safe
@never_cache
@member_required()
def any_carriers(request: HttpRequest) -> HttpResponse:
    """Carriers of the first shop there is."""
    return _first(request, StorePart.SOURCE, "carriers")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required()
def shipping_methods(request: HttpRequest, store_id: int) -> HttpResponse:
    """Which of a store's methods stands for each delivery option. Saved is only what was looked at."""
    membership, now = membership_of(request), timezone.now()
    page = _ShippingPage(request, membership, store_id, now)
    if request.method == "POST":
        require_change(membership)
        if page.is_valid:
            with merchant_rows(membership.merchant_id):
                page.look = page.looked()
                if page.look.changes and was_seen(request, page.look):
                    page.save(author_of(membership))
                    messages.success(request, "Saved. It counts for orders created from now on.")
                    return redirect("shipping_methods", store_id)
            page.add_effect()
    with merchant_rows(membership.merchant_id), shop_time(membership):
        return render(request, "settings/shipping.html", page.context(), status=200 if page.is_valid else 400)


class _ShippingPage:
    """One store's rows of methods, and for each route to it what becomes of an option without one."""

    def __init__(self, request: HttpRequest, membership: Membership, store_id: int, now: datetime) -> None:
        self.now, self.membership = now, membership
        self.look: Look | None = None
        self.data = request.POST if request.method == "POST" else None
        with merchant_rows(membership.merchant_id):
            self.store = _store(store_id, StorePart.DESTINATION)
            routes = Route.objects.select_related("source_store", "destination_store").order_by("source_store_id")
            self.routes = list(routes.filter(destination_store=self.store))
            self.options = queries.shipping_rows(store=self.store, now=now)
        kind = connector_class(self.store.platform)
        self.methods = kind.shipping_methods if issubclass(kind, Destination) else ()
        self.forms = [
            ShippingForm(self.data, prefix=f"method-{each['option_id'] or 'any'}", initial=each, methods=self.methods)
            for each in self.options
        ]
        self.unmapped = [
            UnmappedForm(self.data, prefix=f"route-{route.pk}", route=route, features=kind.features, warehouses=())
            for route in self.routes
        ]
        self.is_valid = self.data is None or _are_valid([*self.forms, *self.unmapped])

    def looked(self) -> Look:
        """What saving would change, in the caller's transaction."""
        self.before = state_of(concern=Concern.SHIPPING, about=str(self.store.pk))
        after = dict(self.before)
        for option_id, method in self.said().items():
            after.pop(option_id, None)
            if method:
                after[option_id] = {"name": method.name, "title": method.title, "code": method.code}
        parts = [Part(Concern.SHIPPING, str(self.store.pk), self.before, dict(sorted(after.items())))]
        for route, form in zip(self.routes, self.unmapped, strict=True):
            about = about_route(route.source_store_id, route.destination_store_id)
            kept = RouteRules.from_json(route.rules).to_json()
            parts.append(Part(Concern.RULES, about, kept, form.proposed().to_json()))
        names = names_of(merchant_id=self.store.merchant_id, now=self.now)
        return look_at(merchant_id=self.store.merchant_id, parts=parts, names=names)

    def said(self) -> dict[str, Method | None]:
        """The method of each option as it was filled in."""
        rows = [(option, form.mapped) for option, form in zip(self.options, self.forms, strict=True) if form.was_asked]
        return {each["option_id"]: Method(each["option_name"], *to) if to else None for each, to in rows}

    def save(self, by: saving.Author) -> None:
        """Keep both, in the caller's transaction."""
        saving.save_methods(store=self.store, methods=self.said(), by=by)
        for route, form in zip(self.routes, self.unmapped, strict=True):
            saving.save_rules(route=route, rules=form.proposed(), by=by)

    def add_effect(self) -> None:
        """What it would have done to the orders of the last 30 days."""
        if self.look is None or not self.look.changes:
            return
        methods = {key: (each.title, each.code) for key, each in self.said().items() if each}
        rules = self.unmapped[0].proposed() if self.unmapped else None
        proposed = {self.store.pk: Proposal(rules=rules, methods=methods)}
        effect = effect_of(merchant_id=self.store.merchant_id, routes=self.routes, proposed=proposed, now=self.now)
        self.look = Look(self.look.changes, self.look.number, self.look.digest, effect)

    def context(self) -> dict[str, Any]:
        """The context of templates/settings/shipping.html, in the caller's transaction."""
        pairs = zip(self.options, self.forms, strict=True)
        stores = ConnectedStore.objects.filter(part=StorePart.DESTINATION).order_by("name")
        return {
            "store": self.store,
            "store_name": store_label(self.store),
            "label": label_of(self.store),
            "picks": _picks(stores, self.store, "shipping_methods"),
            "rows": [{**option, "form": form, "state": self._state(option, form)} for option, form in pairs],
            "methods": self.methods,
            "unmapped": [
                {"route": route_label(route), "row": form.rows()[0]}
                for route, form in zip(self.routes, self.unmapped, strict=True)
            ],
            "look": self.look,
            "is_invalid": not self.is_valid,
            "is_stale": self.data is not None and self.data.get("step") == "save" and self.is_valid,
            "latest": latest_of(Concern.SHIPPING, str(self.store.pk)),
            "history_url": history_url(Concern.SHIPPING, str(self.store.pk)),
            "can_change": may_change(self.membership),
            "applies": "Applies to new orders only; orders already created keep their method.",
        }

    def _state(self, option: dict[str, Any], form: ShippingForm) -> str:
        kept = (option["title"], option["code"]) if option["code"] else None
        if form.was_asked and form.is_valid() and form.mapped != kept:
            return "draft"
        return "mapped" if kept or not option["option_id"] else "unmapped"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required()
def carriers(request: HttpRequest, store_id: int) -> HttpResponse:
    """Which of TikTok Shop's carriers each store's word means."""
    membership, now = membership_of(request), timezone.now()
    if request.method == "POST":
        require_change(membership)
    with merchant_rows(membership.merchant_id):
        source = _store(store_id, StorePart.SOURCE)
        options = queries.seen_options(merchant_id=membership.merchant_id, now=now)
        seen = queries.seen_carriers(source_store=source, now=now)
    known, failure = _known(source, [each.id for each in options][:_MOST_LISTS])
    with merchant_rows(membership.merchant_id):
        rows = queries.carrier_rows(source_store=source, seen=seen, known=known, options=options)
    data = request.POST if request.method == "POST" else None
    by_id = {each.external_id: each.name for each in known}
    forms = [CarrierForm(data, prefix=f"carrier-{row.key}", row=row, known=by_id) for row in rows]
    added = NewCarrierForm(data, prefix="new", known=by_id, options=[(each.id, each.name) for each in options])
    is_valid = data is None or _are_valid([*forms, added])
    if data is not None and is_valid:
        pairs = zip(rows, forms, strict=True)
        said = {(row.option_id, row.text): form.chosen for row, form in pairs if form.was_asked}
        with merchant_rows(membership.merchant_id):
            made = saving.save_carriers(
                source_store=source, carriers={**said, **added.chosen}, by=author_of(membership)
            )
        messages.success(request, _saved_text(made))
        return redirect("carriers", store_id)
    with merchant_rows(membership.merchant_id), shop_time(membership):
        shops = ConnectedStore.objects.filter(part=StorePart.SOURCE).order_by("name")
        context = {
            "store": source,
            "picks": _picks(shops, source, "carriers"),
            "store_name": store_label(source),
            "rows": list(zip(rows, forms, strict=True)),
            "new": added,
            "failure": failure,
            "is_invalid": not is_valid,
            "latest": latest_of(Concern.CARRIERS, str(source.pk)),
            "history_url": history_url(Concern.CARRIERS, str(source.pk)),
            "can_change": may_change(membership),
        }
        return render(request, "settings/carriers.html", context, status=200 if is_valid else 400)


def _known(source: ConnectedStore, option_ids: Sequence[str]) -> tuple[list[Carrier], str]:
    """The carriers TikTok Shop takes for these delivery options, by name; or why it could not be asked. Makes calls."""
    found: dict[str, Carrier] = {}
    try:
        with speaking_to_source(source, clock=timezone.now) as speaker:
            for option_id in option_ids:
                try:
                    listed = carriers_of(store=source, source=speaker, delivery_option_id=option_id)
                except PlatformError as error:  # an option that TikTok ships itself has no list
                    log.info("no carriers listed", extra={"store": source.pk, "failure": type(error).__name__})
                    continue
                found |= {each.external_id: each for each in listed}
    except PlatformError as error:
        return [], error.message
    return sorted(found.values(), key=lambda each: each.name.casefold()), ""


def _are_valid(forms: Sequence[Form]) -> bool:
    """All of them, each asked, so that each shows what is wrong with it."""
    return {form.is_valid() for form in forms} <= {True}


def _saved_text(made: saving.Saving) -> str:
    if not made.is_change:
        return "Nothing differs from what was saved."
    return f"Saved as version {made.number}. Parcels that waited for a carrier are sent to TikTok Shop now."


def _picks(stores: Iterable[ConnectedStore], shown: ConnectedStore, to: str) -> list[tuple[str, str, bool]]:
    return [(store_label(each), reverse(to, args=[each.pk]), each.pk == shown.pk) for each in stores]


def _store(store_id: int, part: StorePart) -> ConnectedStore:
    found = ConnectedStore.objects.filter(pk=store_id, part=part).first()
    if found is None:
        raise Http404
    return found


def _first(request: HttpRequest, part: StorePart, to: str) -> HttpResponse:
    with merchant_rows(membership_of(request).merchant_id):
        routed = [each.destination_store_id for each in routes_by_shop()] if part == StorePart.DESTINATION else []
        store = ConnectedStore.objects.filter(part=part).order_by("state", "name").values_list("pk", flat=True).first()
    if store is None:
        what = "a TikTok shop" if part == StorePart.SOURCE else "a store"
        messages.error(request, f"Connect {what} first.")
        return redirect("stores")
    return redirect(to, routed[0] if routed else store)
