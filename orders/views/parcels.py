"""The buttons of a parcel: each takes one step of orders/parcels.py and goes back to the order's page."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from accounts.access import member_required
from accounts.models import Role
from orders import parcels
from orders.models import Order
from orders.views.actions import act


@require_POST
@member_required(at_least=Role.MANAGER)
def send_anyway(request: HttpRequest, order_id: int) -> HttpResponse:
    """Overrule the check that keeps the number back."""

    def step(order: Order, by: str, now: datetime) -> None:
        parcels.send_anyway(order=order, fulfillment_id=_parcel(request), by=by, now=now)

    return act(request, order_id, step, "Sent all the same. The page shows what TikTok Shop makes of it.")


@require_POST
@member_required(at_least=Role.MANAGER)
def correct(request: HttpRequest, order_id: int) -> HttpResponse:
    """Another number or carrier than the store says."""
    number, carrier = request.POST.get("tracking_number", "")[:200], request.POST.get("carrier", "")

    def step(order: Order, by: str, now: datetime) -> None:
        parcels.correct(order=order, fulfillment_id=_parcel(request), number=number, carrier=carrier, by=by, now=now)

    return act(request, order_id, step, "Corrected. The page shows what comes of it.")


@require_POST
@member_required(at_least=Role.MANAGER)
def change(request: HttpRequest, order_id: int) -> HttpResponse:
    """Spend the one change that TikTok Shop allows."""
    number, carrier = request.POST.get("tracking_number", "")[:200], request.POST.get("carrier", "")

    def step(order: Order, by: str, now: datetime) -> None:
        parcels.spend_change(
            order=order, fulfillment_id=_parcel(request), number=number, carrier=carrier, by=by, now=now
        )

    return act(request, order_id, step, "TikTok Shop is told the new number now.")


@require_POST
@member_required(at_least=Role.MANAGER)
def keep(request: HttpRequest, order_id: int) -> HttpResponse:
    """Leave TikTok Shop with the number it has."""

    def step(order: Order, by: str, now: datetime) -> None:
        parcels.keep_first(order=order, fulfillment_id=_parcel(request), by=by, now=now)

    return act(request, order_id, step, "TikTok Shop keeps the first number.")


@require_POST
@member_required(at_least=Role.MANAGER)
def resend(request: HttpRequest, order_id: int) -> HttpResponse:
    """Send a number again."""

    def step(order: Order, by: str, now: datetime) -> None:
        parcels.resend(order=order, fulfillment_id=_parcel(request), by=by, now=now)

    return act(request, order_id, step, "Sent again. The page shows what TikTok Shop makes of it.")


def _parcel(request: HttpRequest) -> int:
    """0 is no parcel."""
    text = request.POST.get("fulfillment", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
