"""The pages of alerts: what is open and what was said, and what a merchant chose about them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
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
from orders.queries.work import rules_of, work_context
from orders.saving import Author
from orders.versions import state_of
from orders.views.draft import DraftPage, Part, answer
from orders.views.outlook import Outlook
from orders.views.pages import may_change, membership_of, shop_time, zone_name


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
    return answer(request, _AlertsPage(request))


class _RulesPage(DraftPage):
    """One form for the whole merchant, which changes no order."""

    about = ""
    form: AlertsForm | DeadlinesForm

    @property
    def is_valid(self) -> bool:  # type: ignore[override]
        return self.data is None or self.form.is_valid()

    def parts(self) -> list[Part]:
        return [Part(self.concern, "", self.form.kept.to_json(), self.form.proposed().to_json())]

    def outlook(self, number: int) -> Outlook | None:
        return None


class _AlertsPage(_RulesPage):
    template = "alerts/settings.html"
    applies = "Counts for what is said from now on."
    concern = Concern.ALERTS
    name = "alerts"

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        with merchant_rows(self.membership.merchant_id):
            kept = AlertRules.from_json(state_of(concern=Concern.ALERTS, about=""))
        self.url, self.form = reverse("alert_settings"), AlertsForm(self.data, kept=kept)

    def save(self, by: Author) -> str:
        assert isinstance(self.form, AlertsForm)
        made = saving.save_alerts(
            merchant_id=self.membership.merchant_id,
            rules=self.form.proposed(),
            by=by,
            webhook_url=self.form.cleaned_data["webhook_url"],
        )
        return f"Saved as version {made.number}."

    def context(self) -> dict[str, Any]:
        mutes = queries.mutes_of(self.membership.merchant_id)
        return {
            "form": self.form,
            "has_secret": MerchantRules.objects.exclude(alert_secret="").exists(),
            "muted": queries.muted_kinds(mutes, self.now),
            "spans": muting.SPANS,
        }


class _DeadlinesPage(_RulesPage):
    template = "settings/deadlines.html"
    applies = "Counts for all open orders, within a minute."
    concern = Concern.DEADLINES
    name = "deadlines"

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        with merchant_rows(self.membership.merchant_id):
            kept = rules_of(self.membership.merchant_id)
        self.url, self.form = reverse("deadline_settings"), DeadlinesForm(self.data, kept=kept)

    def save(self, by: Author) -> str:
        assert isinstance(self.form, DeadlinesForm)
        made = saving.save_deadlines(merchant_id=self.membership.merchant_id, rules=self.form.proposed(), by=by)
        return f"Saved as version {made.number}."

    def context(self) -> dict[str, Any]:
        assert isinstance(self.form, DeadlinesForm)
        return {"form": self.form, "groups": list(self.form.groups())}


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
    return answer(request, _DeadlinesPage(request))


def _back(request: HttpRequest) -> HttpResponse:
    """To the page that the button was on, if it is one of ours."""
    back = request.POST.get("back", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts=None) and back.startswith("/")
    return redirect(back if is_ours else "alerts")
