"""The page of shipping methods: which of a store's methods stands for each delivery option of TikTok Shop."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import member_required, merchant_rows
from connectors.base.connector import Destination
from connectors.models import StorePart
from connectors.registry import connector_class, label_of
from orders import saving
from orders.forms import ShippingForm, are_valid
from orders.models import Concern, Route
from orders.proposals import Proposal
from orders.queries import mapping as queries
from orders.queries.settings import picks_of, route_label, store_label, stores_by_use
from orders.rules import RouteRules
from orders.rules_forms import UnmappedForm
from orders.shipping import Method
from orders.versions import about_route, state_of
from orders.views.draft import DraftPage, Part, answer
from orders.views.outlook import Outlook, outlook_on_orders
from orders.views.pages import membership_of, store_or_404


@require_safe
@never_cache
@member_required()
def any_shipping(request: HttpRequest) -> HttpResponse:
    """Shipping methods of the store that the shop that is switched on sends to."""
    with merchant_rows(membership_of(request).merchant_id):
        stores = stores_by_use()
    if not stores:
        messages.error(request, "Connect a store first.")
        return redirect("stores")
    return redirect("shipping_methods", stores[0].pk)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required()
def shipping_methods(request: HttpRequest, store_id: int) -> HttpResponse:
    """Which of a store's methods stands for each delivery option. Saved is only what was looked at."""
    return answer(request, _ShippingPage(request, store_id))


class _ShippingPage(DraftPage):
    """One store's rows of methods, and for each route to it what becomes of an option without one."""

    template = "settings/shipping.html"
    applies = "Applies to new orders only; orders already created keep their method."
    concern = Concern.SHIPPING
    name = "shipping-methods"

    def __init__(self, request: HttpRequest, store_id: int) -> None:
        super().__init__(request)
        with merchant_rows(self.membership.merchant_id):
            self.store = store_or_404(store_id, StorePart.DESTINATION)
            routes = Route.objects.select_related("source_store", "destination_store").order_by("source_store_id")
            self.routes = list(routes.filter(destination_store=self.store))
            self.options = queries.shipping_rows(store=self.store, now=self.now)
        self.url, self.about = reverse("shipping_methods", args=[store_id]), str(store_id)
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
        self.is_valid = self.data is None or are_valid([*self.forms, *self.unmapped])

    def parts(self) -> list[Part]:
        before = state_of(concern=Concern.SHIPPING, about=self.about)
        after = dict(before)
        for option_id, method in self._said().items():
            after.pop(option_id, None)
            if method:
                after[option_id] = {"name": method.name, "title": method.title, "code": method.code}
        parts = [Part(Concern.SHIPPING, self.about, before, dict(sorted(after.items())))]
        for route, form in zip(self.routes, self.unmapped, strict=True):
            about = about_route(route.source_store_id, route.destination_store_id)
            kept = RouteRules.from_json(route.rules).to_json()
            parts.append(Part(Concern.RULES, about, kept, form.proposed().to_json()))
        return parts

    def _said(self) -> dict[str, Method | None]:
        """The method of each option as it was filled in."""
        rows = [(option, form.mapped) for option, form in zip(self.options, self.forms, strict=True) if form.was_asked]
        return {each["option_id"]: Method(each["option_name"], *to) if to else None for each, to in rows}

    def save(self, by: saving.Author) -> str:
        saving.save_methods(store=self.store, methods=self._said(), by=by)
        for route, form in zip(self.routes, self.unmapped, strict=True):
            saving.save_rules(route=route, rules=form.proposed(), by=by)
        return "Saved. It counts for orders created from now on."

    def outlook(self, number: int) -> Outlook | None:
        methods = {key: (each.title, each.code) for key, each in self._said().items() if each}
        proposals = [
            (route, Proposal(rules=form.proposed(), methods=methods))
            for route, form in zip(self.routes, self.unmapped, strict=True)
        ]
        if not proposals:
            return None
        return outlook_on_orders(
            merchant_id=self.membership.merchant_id, proposals=proposals, number=number, now=self.now
        )

    def context(self) -> dict[str, Any]:
        pairs = zip(self.options, self.forms, strict=True)
        return {
            "store": self.store,
            "store_name": store_label(self.store),
            "label": label_of(self.store),
            "picks": picks_of(self.store, "shipping_methods"),
            "rows": [{**option, "form": form, "state": self._state(option, form)} for option, form in pairs],
            "methods": self.methods,
            "unmapped": [
                {"route": route_label(route), "row": form.rows()[0]}
                for route, form in zip(self.routes, self.unmapped, strict=True)
            ],
        }

    def _state(self, option: dict[str, Any], form: ShippingForm) -> str:
        kept = (option["title"], option["code"]) if option["code"] else None
        if form.was_asked and form.is_valid() and form.mapped != kept:
            return "draft"
        return "mapped" if kept or not option["option_id"] else "unmapped"
