"""The pages of settings: all at a glance, and the rules of a route, one page per concern."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import member_required, merchant_rows
from connectors.registry import connector_class
from orders import saving
from orders.effect import Proposal
from orders.models import Concern, HoldMode, Route
from orders.queries import settings as queries
from orders.queries.history import history_url, latest_of, names_of
from orders.rules import RouteRules
from orders.rules_forms import GROUPS, HoldForm, RulesForm
from orders.versions import about_route, state_of
from orders.views.draft import Look, Part, author_of, effect_of, look_at, may_change, require_change, was_seen
from orders.views.pages import membership_of, shop_time


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
    """One concern, of the first route there is."""
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
    membership, now = membership_of(request), timezone.now()
    with merchant_rows(membership.merchant_id):
        route = Route.objects.select_related("source_store", "destination_store").filter(pk=route_id).first()
        if route is None or group not in GROUPS:
            raise Http404
        warehouses = queries.warehouses_of(route.source_store) if group == "stock" else []
    if request.method == "POST":
        require_change(membership)
    data = request.POST if request.method == "POST" else None
    features = connector_class(route.destination_store.platform).features
    form = GROUPS[group](data, route=route, features=features, warehouses=warehouses)
    look, is_invalid = None, data is not None and not form.is_valid()
    if data is not None and not is_invalid:
        with merchant_rows(membership.merchant_id):
            look = look_at(
                merchant_id=membership.merchant_id,
                parts=[_part(route, form)],
                names=names_of(merchant_id=membership.merchant_id, now=now),
            )
            if look.changes and was_seen(request, look):
                made = _save(route, form, author_of(membership))
                messages.success(request, f"Saved as version {made.number}. {_counts_for(group)}.")
                return redirect("route_rules", route_id, group)
        look = _with_effect(look, route, form, now=now)
    with merchant_rows(membership.merchant_id), shop_time(membership):
        context = {
            **_frame(route, group),
            "form": form,
            "rows": form.rows(),
            "look": look,
            "is_invalid": is_invalid,
            "is_stale": data is not None and data.get("step") == "save" and not is_invalid,
            "can_change": may_change(membership),
        }
        return render(request, "settings/rules.html", context, status=400 if is_invalid else 200)


def _part(route: Route, form: RulesForm) -> Part:
    """What the form would change: the route itself where it is about the hold, else the route's rules."""
    if isinstance(form, HoldForm):
        about = str(route.source_store_id)
        before = state_of(concern=Concern.ROUTES, about=about)
        key = str(route.destination_store_id)
        return Part(Concern.ROUTES, about, before, {**before, key: {**before[key], **form.cleaned_data}})
    about = about_route(route.source_store_id, route.destination_store_id)
    return Part(Concern.RULES, about, RouteRules.from_json(route.rules).to_json(), form.proposed().to_json())


def _save(route: Route, form: RulesForm, by: saving.Author) -> saving.Saving:
    if isinstance(form, HoldForm):
        said = form.cleaned_data
        return saving.save_hold(route=route, mode=HoldMode(said["hold_mode"]), hours=said["extra_hold_hours"], by=by)
    return saving.save_rules(route=route, rules=form.proposed(), by=by)


def _with_effect(look: Look, route: Route, form: RulesForm, *, now: Any) -> Look:
    """A hold changes when an order is sent, not what: it has no effect to show."""
    if isinstance(form, HoldForm) or not look.changes:
        return look
    proposed = {route.destination_store_id: Proposal(rules=form.proposed())}
    effect = effect_of(merchant_id=route.merchant_id, routes=[route], proposed=proposed, now=now)
    return Look(changes=look.changes, number=look.number, digest=look.digest, effect=effect)


def _counts_for(group: str) -> str:
    return f"Counts for orders {'released' if group in ('hold', 'filters', 'samples') else 'created'} from now on"


def _frame(route: Route, group: str) -> dict[str, Any]:
    """What stands around the form, in the caller's transaction."""
    is_hold = group == "hold"
    about = str(route.source_store_id) if is_hold else about_route(route.source_store_id, route.destination_store_id)
    concern = Concern.ROUTES if is_hold else Concern.RULES
    return {
        "route": route,
        "group": group,
        "groups": [(slug, each.title) for slug, each in GROUPS.items()],
        "picks": [
            (queries.route_label(each), reverse("route_rules", args=[each.pk, group]), each.pk == route.pk)
            for each in queries.routes_by_shop()
        ],
        "route_label": queries.route_label(route),
        "store_name": queries.store_label(route.destination_store),
        "latest": latest_of(concern, about),
        "history_url": history_url(concern, about),
        "applies": "Applies to new orders only; orders already created stay as they are.",
    }
