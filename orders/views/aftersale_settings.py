"""The page of settings about one shop's cancellations and returns."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import member_required, merchant_rows
from connectors.models import StorePart
from orders import choices, saving
from orders.aftersale_forms import AftersalesForm
from orders.models import Concern
from orders.queries.settings import picks_of, shops_by_use, store_label
from orders.saving import Author
from orders.views.draft import DraftPage, Part, answer
from orders.views.outlook import Outlook
from orders.views.pages import membership_of, store_or_404


@require_safe
@never_cache
@member_required()
def any_shop(request: HttpRequest) -> HttpResponse:
    """Cancellations and returns of the shop that is switched on."""
    with merchant_rows(membership_of(request).merchant_id):
        shops = shops_by_use()
    if not shops:
        messages.error(request, "Connect a TikTok shop first.")
        return redirect("stores")
    return redirect("aftersale_settings", shops[0].pk)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required()
def aftersales(request: HttpRequest, store_id: int) -> HttpResponse:
    """What a shop does about cancellations and returns. Saved is only what was looked at."""
    return answer(request, _AftersalePage(request, store_id))


class _AftersalePage(DraftPage):
    template = "settings/aftersales.html"
    applies = "Counts from now on; requests that wait for an answer are answered where a rule fits them."
    concern = Concern.AFTERSALES
    name = "cancellations and returns"

    def __init__(self, request: HttpRequest, store_id: int) -> None:
        super().__init__(request)
        self.about, self.url = str(store_id), reverse("aftersale_settings", args=[store_id])
        with merchant_rows(self.membership.merchant_id):
            self.shop = store_or_404(store_id, StorePart.SOURCE)
            self.form = AftersalesForm(self.data, source_store=self.shop)

    @property
    def is_valid(self) -> bool:  # type: ignore[override]
        return self.data is None or self.form.is_valid()

    def parts(self) -> list[Part]:
        return [Part(self.concern, self.about, self.form.kept.to_json(), self.form.proposed().to_json())]

    def save(self, by: Author) -> str:
        made = saving.save_aftersales(source_store=self.shop, rules=self.form.proposed(), by=by)
        return f"Saved as version {made.number}."

    def outlook(self, number: int) -> Outlook | None:
        return None

    def context(self) -> dict[str, Any]:
        return {
            "form": self.form,
            "store_name": store_label(self.shop),
            "picks": picks_of(self.shop, "aftersale_settings"),
            "replies": choices.CHOICES["reply"],
            "cancel_reasons": choices.CHOICES["cancel_reason"],
            "rows": {row.bound.name: row for row in self.form.rows()},
        }
