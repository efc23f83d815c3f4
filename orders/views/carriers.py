"""The page of carriers: which of TikTok Shop's each store's word means."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import member_required, merchant_rows
from connectors.base.errors import PlatformError
from connectors.base.types import Carrier
from connectors.models import ConnectedStore, StorePart
from connectors.speaking import speaking_to_source
from orders import saving
from orders.carrier_effect import carrier_effect
from orders.forms import CarrierForm, NewCarrierForm, are_valid
from orders.models import Concern
from orders.queries import mapping as queries
from orders.queries.settings import picks_of, shops_by_use, store_label
from orders.telling import carriers_of
from orders.versions import state_of
from orders.views.draft import DraftPage, Part, answer
from orders.views.outlook import Outlook, outlook_on_parcels
from orders.views.pages import membership_of, store_or_404

log = logging.getLogger(__name__)
# Each delivery option is a call of its own to the source.
_MOST_LISTS = 8


@require_safe
@never_cache
@member_required()
def any_carriers(request: HttpRequest) -> HttpResponse:
    """Carriers of the shop that is switched on."""
    with merchant_rows(membership_of(request).merchant_id):
        shops = shops_by_use()
    if not shops:
        messages.error(request, "Connect a TikTok shop first.")
        return redirect("stores")
    return redirect("carriers", shops[0].pk)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required()
def carriers(request: HttpRequest, store_id: int) -> HttpResponse:
    """Which of TikTok Shop's carriers each store's word means. Saved is only what was looked at."""
    return answer(request, _CarriersPage(request, store_id))


class _CarriersPage(DraftPage):
    """One shop's rows of words, and one to add."""

    template = "settings/carriers.html"
    applies = "Applies to parcels that TikTok Shop does not know yet; those that wait for a carrier go out at once."
    concern = Concern.CARRIERS
    name = "carriers"

    def __init__(self, request: HttpRequest, store_id: int) -> None:
        super().__init__(request)
        merchant_id = self.membership.merchant_id
        with merchant_rows(merchant_id):
            self.shop = store_or_404(store_id, StorePart.SOURCE)
            options = queries.seen_options(merchant_id=merchant_id, now=self.now)
            seen = queries.seen_carriers(source_store=self.shop, now=self.now)
        self.known, self.failure = _known(self.shop, [each.id for each in options][:_MOST_LISTS])
        with merchant_rows(merchant_id):
            self.rows = queries.carrier_rows(source_store=self.shop, seen=seen, known=self.known, options=options)
        self.url, self.about = reverse("carriers", args=[store_id]), str(store_id)
        by_id = {each.external_id: each.name for each in self.known}
        self.forms = [CarrierForm(self.data, prefix=f"carrier-{row.key}", row=row, known=by_id) for row in self.rows]
        named = [(each.id, each.name) for each in options]
        self.added = NewCarrierForm(self.data, prefix="new", known=by_id, options=named)
        self.is_valid = self.data is None or are_valid([*self.forms, self.added])

    def parts(self) -> list[Part]:
        before = state_of(concern=Concern.CARRIERS, about=self.about)
        return [Part(Concern.CARRIERS, self.about, before, self._after(before))]

    def _said(self) -> dict[tuple[str, str], Carrier | None]:
        """The carrier of each option and word as it was filled in."""
        pairs = zip(self.rows, self.forms, strict=True)
        said = {(row.option_id, row.text): form.chosen for row, form in pairs if form.was_asked}
        return {**said, **self.added.chosen}

    def _after(self, before: Any) -> Any:
        """The state that saving leads to. A word is kept as it was first written, whatever its case."""
        after = {option: dict(words) for option, words in before.items()}
        for (option, text), carrier in self._said().items():
            words = after.setdefault(option, {})
            kept = next((each for each in words if each.casefold() == text.casefold()), text)
            words.pop(kept, None)
            if carrier:
                words[kept] = {"carrier_id": carrier.external_id, "carrier_name": carrier.name}
        return {option: dict(sorted(words.items())) for option, words in sorted(after.items()) if words}

    def save(self, by: saving.Author) -> str:
        made = saving.save_carriers(source_store=self.shop, carriers=self._said(), by=by)
        return f"Saved as version {made.number}. Parcels that waited for a carrier are sent to TikTok Shop now."

    def outlook(self, number: int) -> Outlook | None:
        with merchant_rows(self.membership.merchant_id):
            before = state_of(concern=Concern.CARRIERS, about=self.about)
            told = carrier_effect(
                source_store=self.shop, before=before, after=self._after(before), known=self.known, now=self.now
            )
        return outlook_on_parcels(told)

    def context(self) -> dict[str, Any]:
        pairs = zip(self.rows, self.forms, strict=True)
        return {
            "store": self.shop,
            "picks": picks_of(self.shop, "carriers"),
            "store_name": store_label(self.shop),
            "rows": [{"row": row, "form": form, "is_draft": _is_draft(row, form)} for row, form in pairs],
            "new": self.added,
            "failure": self.failure,
        }


def _is_draft(row: queries.CarrierRow, form: CarrierForm) -> bool:
    if not (form.is_bound and form.was_asked and form.is_valid()):
        return False
    return (form.chosen.external_id if form.chosen else "") != row.carrier_id


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
