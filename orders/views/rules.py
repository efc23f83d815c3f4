"""The pages of settings: all at a glance, and the rules of a route, one page per concern."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import member_required, merchant_rows
from connectors.registry import connector_class
from orders import saving
from orders.models import Concern, HoldMode, Route
from orders.proposals import Proposal
from orders.queries import settings as queries
from orders.rules import RouteRules
from orders.rules_forms import GROUPS, HoldForm
from orders.versions import about_route, state_of
from orders.views.draft import DraftPage, Part, answer
from orders.views.outlook import Outlook, outlook_on_orders
from orders.views.pages import may_change, membership_of, shop_time


@require_safe
@never_cache
@member_required()
def settings_index(request: HttpRequest) -> HttpResponse:
    """Every setting at a glance, with what is chosen now."""
    membership = membership_of(request)
    with merchant_rows(membership.merchant_id), shop_time(membership):
        context = queries.settings_index(merchant_id=membership.merchant_id)
        return render(request, "settings/index.html", {**context, "can_change": may_change(membership)})


@require_safe
@never_cache
@member_required()
def any_rules(request: HttpRequest, group: str) -> HttpResponse:
    """One concern, of the first route of the shop that is switched on."""
    if group not in GROUPS:
        raise Http404
    membership = membership_of(request)
    with merchant_rows(membership.merchant_id):
        routes = queries.routes_by_shop()
    if not routes:
        messages.error(request, "There is no route yet: connect a store, or say which store gets what.")
        return redirect("settings")
    return redirect("route_rules", routes[0].pk, group)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required()
def route_rules(request: HttpRequest, route_id: int, group: str) -> HttpResponse:
    """One concern of a route's rules. Saved is only what was looked at."""
    return answer(request, _RulesPage(request, route_id, group))


class _RulesPage(DraftPage):
    """One group of a route's rules. The hold stands on the route itself, beside what it takes."""

    template = "settings/rules.html"

    def __init__(self, request: HttpRequest, route_id: int, group: str) -> None:
        super().__init__(request)
        with merchant_rows(self.membership.merchant_id):
            routes = Route.objects.select_related("source_store", "destination_store")
            route = routes.filter(pk=route_id).first()
            if route is None or group not in GROUPS:
                raise Http404
            warehouses = queries.warehouses_of(route.source_store) if group == "stock" else []
        self.route, self.group, self.name = route, group, group
        self.url = reverse("route_rules", args=[route_id, group])
        features = connector_class(route.destination_store.platform).features
        self.form = GROUPS[group](self.data, route=route, features=features, warehouses=warehouses)
        self.is_valid = self.data is None or self.form.is_valid()
        self.is_hold = isinstance(self.form, HoldForm)
        self.concern = Concern.ROUTES if self.is_hold else Concern.RULES
        shop, store = route.source_store_id, route.destination_store_id
        self.about = str(shop) if self.is_hold else about_route(shop, store)

    def parts(self) -> list[Part]:
        if self.is_hold:
            before, key = state_of(concern=self.concern, about=self.about), str(self.route.destination_store_id)
            after = {**before, key: {**before[key], **self.form.cleaned_data}}
            return [Part(self.concern, self.about, before, after)]
        kept = RouteRules.from_json(self.route.rules)
        return [Part(self.concern, self.about, kept.to_json(), self.form.proposed().to_json())]

    def save(self, by: saving.Author) -> str:
        if self.is_hold:
            said = self.form.cleaned_data
            mode, hours = HoldMode(said["hold_mode"]), said["extra_hold_hours"]
            made = saving.save_hold(route=self.route, mode=mode, hours=hours, by=by)
        else:
            made = saving.save_rules(route=self.route, rules=self.form.proposed(), by=by)
        moment = "released" if self.group in ("hold", "filters", "samples") else "created"
        return f"Saved as version {made.number}. Counts for orders {moment} from now on."

    def outlook(self, number: int) -> Outlook | None:
        if self.is_hold:  # it changes when an order is sent, not what
            return None
        proposals = [(self.route, Proposal(rules=self.form.proposed()))]
        return outlook_on_orders(
            merchant_id=self.membership.merchant_id, proposals=proposals, number=number, now=self.now
        )

    def context(self) -> dict[str, Any]:
        return {
            "form": self.form,
            "rows": self.form.rows(),
            "route": self.route,
            "group": self.group,
            "groups": [(slug, each.title) for slug, each in GROUPS.items()],
            "picks": [
                (
                    queries.route_label(each),
                    reverse("route_rules", args=[each.pk, self.group]),
                    each.pk == self.route.pk,
                )
                for each in queries.routes_by_shop()
            ],
            "route_label": queries.route_label(self.route),
        }
