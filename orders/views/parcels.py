"""The buttons of a parcel: each takes one step of orders/parcels.py and goes back to the order's page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from orders import parcels
from orders.views.actions import button


def _parcel(request: HttpRequest) -> dict[str, Any]:
    """Which parcel is meant; 0 is none."""
    text = request.POST.get("fulfillment", "")
    return {"fulfillment_id": int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0}


def _told(request: HttpRequest) -> dict[str, Any]:
    """Which parcel, and what TikTok Shop is to be told of it."""
    said = {"number": request.POST.get("tracking_number", "")[:200], "carrier": request.POST.get("carrier", "")}
    return {**_parcel(request), **said}


send_anyway = button(
    parcels.send_anyway, "Sent all the same. The page shows what TikTok Shop makes of it.", reads=_parcel
)
correct = button(parcels.correct, "Corrected. The page shows what comes of it.", reads=_told)
change = button(parcels.spend_change, "TikTok Shop is told the new number now.", reads=_told)
keep = button(parcels.keep_first, "TikTok Shop keeps the first number.", reads=_parcel)
resend = button(parcels.resend, "Sent again. The page shows what TikTok Shop makes of it.", reads=_parcel)
