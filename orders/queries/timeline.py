"""Everything that happened to an order: events and calls, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.models import ApiCall
from connectors.registry import connector_class
from orders import event_words
from orders.models import OrderEvent


def timeline_of(events: Sequence[OrderEvent], calls: Sequence[ApiCall]) -> list[dict[str, Any]]:
    """Entries for templates/orders/_timeline.html. Bodies were scrubbed before they were stored."""
    entries = [_event(event) for event in events] + [_call(call) for call in calls]
    return sorted(entries, key=lambda entry: (entry["at"], entry["order"]), reverse=True)


def _event(event: OrderEvent) -> dict[str, Any]:
    title, tone = event_words.event_title(event.kind, event.facts, event.reason)
    text = "" if event.kind == "attention.asked" else event.reason
    if event.facts.get("warning"):
        text = f"TikTok Shop warns: {event.facts['warning']}"
    return {
        "at": event.happened_at,
        "order": event.pk,
        "title": title,
        "text": f"{text} · by {event.by}".strip(" ·") if event.by else text,
        "shape": "event",
        "tone": tone,
        "is_change": bool(event.to_state),
        "milliseconds": None,
        "call": None,
    }


def _call(call: ApiCall) -> dict[str, Any]:
    is_good, label = 200 <= call.status < 300, connector_class(call.store.platform).label
    return {
        "at": call.called_at,
        "order": 0,
        "title": f"{label}: {event_words.CALLS.get(call.operation, call.operation)}",
        "text": call.error,
        "shape": "call",
        "tone": "gray" if is_good else "red",
        "is_change": False,
        "milliseconds": call.milliseconds,
        "call": {
            "method": call.method,
            "path": call.path,
            "status": call.status,
            "request": call.request,
            "answer": call.answer,
        },
    }
