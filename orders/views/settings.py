"""The page of one shop or store: what its platform can do, and the choices that it offers."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.access import member_required, merchant_rows
from connectors.models import ConnectedStore
from orders import saving
from orders.forms import OptionsForm
from orders.models import Concern, Route
from orders.proposals import Proposal
from orders.queries import settings as queries
from orders.versions import state_of
from orders.views.draft import DraftPage, Part, answer
from orders.views.outlook import Outlook, outlook_on_orders


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required()
def store(request: HttpRequest, store_id: int) -> HttpResponse:
    """One store: what it can do, and the choices it offers. Saved is only what was looked at."""
    return answer(request, _StorePage(request, store_id))


class _StorePage(DraftPage):
    """One store's choices. Of a shop that orders come from they say when an order goes on, not what is sent."""

    template = "stores/settings.html"
    concern = Concern.STORE
    name = "store"

    def __init__(self, request: HttpRequest, store_id: int) -> None:
        super().__init__(request)
        with merchant_rows(self.membership.merchant_id):
            found = ConnectedStore.objects.filter(pk=store_id).first()
            if found is None:
                raise Http404
            routes = Route.objects.select_related("source_store", "destination_store").order_by("source_store_id")
            self.routes = list(routes.filter(destination_store=found))
            self.shown = queries.store_settings(found)
        self.store, self.url, self.about = found, reverse("store_settings", args=[store_id]), str(store_id)
        self.form = OptionsForm(self.data, options=self.shown["options"], chosen=found.options)
        self.is_valid = self.data is None or self.form.is_valid()

    def parts(self) -> list[Part]:
        before = state_of(concern=Concern.STORE, about=self.about)
        return [Part(Concern.STORE, self.about, before, {**before, **self.form.cleaned_data})]

    def save(self, by: saving.Author) -> str:
        made = saving.save_options(store=self.store, options={**self.store.options, **self.form.cleaned_data}, by=by)
        return f"Saved as version {made.number}. It counts for orders created from now on."

    def outlook(self, number: int) -> Outlook | None:
        said = {**self.store.options, **self.form.cleaned_data}
        proposals = [(route, Proposal(options=said)) for route in self.routes]
        if not proposals:
            return None
        return outlook_on_orders(
            merchant_id=self.membership.merchant_id, proposals=proposals, number=number, now=self.now
        )

    def context(self) -> dict[str, Any]:
        return {**self.shown, "store": self.store, "form": self.form}
