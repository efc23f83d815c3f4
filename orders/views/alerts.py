"""The pages of alerts: what is open and what was said, and what a merchant chose about them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import member_required, merchant_rows
from accounts.models import Membership, Role
from orders import muting, queue, saving
from orders.alert_rules import AlertRules
from orders.merchant_forms import AlertsForm, DeadlinesForm
from orders.models import Concern, MerchantRules
from orders.queries import alerts as queries
from orders.queries.history import history_url, latest_of, names_of
from orders.queries.work import rules_of, work_context
from orders.versions import state_of
from orders.views.draft import Look, Part, author_of, look_at, may_change, require_change, was_seen
from orders.views.pages import membership_of, shop_time, zone_name


@require_safe
@never_cache
@member_required()
def work(request: HttpRequest) -> HttpResponse:
    """The work list: what costs points first."""
    membership = membership_of(request)
    with shop_time(membership):
        context = work_context(merchant_id=membership.merchant_id, query=request.GET.dict(), now=timezone.now())
        return render(request, "work/list.html", {**context, "zone_name": zone_name(membership)})


@require_safe
@never_cache
@member_required()
def page(request: HttpRequest) -> HttpResponse:
    """What is wrong now, and what was said of it to whom."""
    membership = membership_of(request)
    before = request.GET.get("before", "")
    with shop_time(membership):
        context = queries.alerts_context(
            merchant_id=membership.merchant_id,
            before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else 0,
            read_at=membership.news_read_at,
            now=timezone.now(),
        )
        more = {"can_change": may_change(membership), "zone_name": zone_name(membership), "spans": muting.SPANS}
        return render(request, "alerts/page.html", {**context, **more})


@require_POST
@member_required()
def read(request: HttpRequest) -> HttpResponse:
    """This member has read all that was said so far. Nobody else's bell changes."""
    membership = membership_of(request)
    with merchant_rows(membership.merchant_id):
        Membership.objects.filter(pk=membership.pk).update(news_read_at=timezone.now())
    return HttpResponse(status=204) if request.headers.get("HX-Request") else redirect("alerts")


@require_POST
@member_required(at_least=Role.MANAGER)
def mute(request: HttpRequest) -> HttpResponse:
    """Keep a kind, or all, quiet for a time; without a time it is heard again."""
    membership, hours = membership_of(request), request.POST.get("hours", "")
    with merchant_rows(membership.merchant_id):
        muting.mute(
            merchant_id=membership.merchant_id,
            kind=request.POST.get("kind", ""),
            hours=int(hours) if hours in muting.SPANS else 0,
            now=timezone.now(),
        )
    said = f"Muted for {muting.SPANS[hours]}. What is open is kept." if hours in muting.SPANS else "Heard again."
    messages.success(request, said)
    return _back(request)


@require_POST
@member_required(at_least=Role.MANAGER)
def test(request: HttpRequest) -> HttpResponse:
    """Send a test by every way there is; the page shows what became of it."""
    membership = membership_of(request)
    with merchant_rows(membership.merchant_id):
        count = muting.send_test(merchant_id=membership.merchant_id, now=timezone.now())
    if not count:
        messages.error(request, "There is nowhere to send it: name an address first.")
        return redirect("alert_settings")
    queue.enqueue("send_messages")
    messages.success(request, "A test is on its way. What became of it stands below in a moment.")
    return redirect("alerts")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required()
def alert_settings(request: HttpRequest) -> HttpResponse:
    """Which alerts reach whom how. Saved is only what was looked at."""
    membership = membership_of(request)
    with merchant_rows(membership.merchant_id):
        state = state_of(concern=Concern.ALERTS, about="")
        has_secret = MerchantRules.objects.exclude(alert_secret="").exists()
        mutes = queries.mutes_of(membership.merchant_id)
    form = AlertsForm(request.POST if request.method == "POST" else None, kept=AlertRules.from_json(state))
    saved, context = _looked_at(request, membership, form, Concern.ALERTS, saving.save_alerts)
    if saved:
        return redirect("alert_settings")
    more = {
        "has_secret": has_secret,
        "muted": queries.muted_kinds(mutes, timezone.now()),
        "spans": muting.SPANS,
        "applies": "Counts for what is said from now on.",
    }
    with shop_time(membership):
        status = 400 if context["is_invalid"] else 200
        return render(request, "alerts/settings.html", {**context, **more}, status=status)


@require_POST
@never_cache
@member_required(at_least=Role.MANAGER)
def secret(request: HttpRequest) -> HttpResponse:
    """A new secret, shown this once. What is sent from now on is signed with it."""
    membership = membership_of(request)
    with merchant_rows(membership.merchant_id):
        made = muting.new_secret(merchant_id=membership.merchant_id)
    return render(request, "alerts/secret.html", {"secret": made})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required()
def deadline_settings(request: HttpRequest) -> HttpResponse:
    """What is reckoned where TikTok Shop names no deadline, and when is warned."""
    membership = membership_of(request)
    with merchant_rows(membership.merchant_id):
        kept = rules_of(membership.merchant_id)
    form = DeadlinesForm(request.POST if request.method == "POST" else None, kept=kept)
    saved, context = _looked_at(request, membership, form, Concern.DEADLINES, saving.save_deadlines)
    if saved:
        return redirect("deadline_settings")
    more = {"groups": list(form.groups()), "applies": "Counts for all open orders, within a minute."}
    with shop_time(membership):
        status = 400 if context["is_invalid"] else 200
        return render(request, "settings/deadlines.html", {**context, **more}, status=status)


def _looked_at(
    request: HttpRequest, membership: Membership, form: Any, concern: Concern, save: Any
) -> tuple[bool, dict[str, Any]]:
    """Whether it was saved; else what the page shows of the draft."""
    look: Look | None = None
    is_post = request.method == "POST"
    if is_post:
        require_change(membership)
    is_invalid = is_post and not form.is_valid()
    with merchant_rows(membership.merchant_id):
        if is_post and not is_invalid:
            names = names_of(merchant_id=membership.merchant_id, now=timezone.now())
            part = Part(concern, "", form.kept.to_json(), form.proposed().to_json())
            look = look_at(merchant_id=membership.merchant_id, parts=[part], names=names)
            if look.changes and was_seen(request, look):
                by = author_of(membership)
                made = save(merchant_id=membership.merchant_id, rules=form.proposed(), by=by)
                messages.success(request, f"Saved as version {made.number}.")
                return True, {}
        latest = latest_of(concern, "")
    return False, {
        "form": form,
        "look": look,
        "is_invalid": is_invalid,
        "is_stale": is_post and request.POST.get("step") == "save" and not is_invalid,
        "can_change": may_change(membership),
        "latest": latest,
        "history_url": history_url(concern, ""),
    }


def _back(request: HttpRequest) -> HttpResponse:
    """To the page that the button was on, if it is one of ours."""
    back = request.POST.get("back", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts=None) and back.startswith("/")
    return redirect(back if is_ours else "alerts")
