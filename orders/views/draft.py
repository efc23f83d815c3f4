"""What was filled in and is not saved yet: what it changes, what it would do to recent orders, and whether a person
saw that before saving. It lives in the form alone: nothing of a draft is kept here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Membership, Role
from connectors.models import ConnectedStore
from orders import versions
from orders.effect import Proposal, effect
from orders.models import Concern, Route
from orders.queries.changes import Change, Names, changes_in_words
from orders.saving import Author

_MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Part:
    """The state of one concern as it is and as it was filled in."""

    concern: Concern
    about: str
    before: Any
    after: Any

    @property
    def is_change(self) -> bool:
        """Whether saving it makes a version."""
        return bool(self.before != self.after)


@dataclass(frozen=True, slots=True)
class Look:
    """A draft as the page shows it before it is saved. `digest` comes back with the save, and proves what was seen."""

    changes: Sequence[Change]
    number: int
    digest: str
    effect: Mapping[str, Any] | None = None


def look_at(*, merchant_id: int, parts: Sequence[Part], names: Names) -> Look:
    """What saving these parts would change, in the caller's transaction."""
    changes = [
        change
        for part in parts
        for change in changes_in_words(
            concern=part.concern, about=part.about, before=part.before, after=part.after, names=names
        )
    ]
    said = json.dumps([[part.concern, part.about, part.before, part.after] for part in parts], sort_keys=True)
    number = (versions.latest_number(merchant_id) or 0) + 1
    return Look(changes=changes, number=number, digest=hashlib.sha256(said.encode()).hexdigest()[:32])


def was_seen(request: HttpRequest, look: Look) -> bool:
    """Whether the person presses Save for exactly what the page showed: the same change, from the same state."""
    return request.POST.get("step") == "save" and request.POST.get("seen") == look.digest


def effect_of(
    *, merchant_id: int, routes: Iterable[Route], proposed: Mapping[int, Proposal], now: datetime
) -> dict[str, Any]:
    """What the draft would have done to the orders of the last 30 days, over all shops with these routes. Not inside a
    transaction."""
    sources: dict[int, ConnectedStore] = {route.source_store_id: route.source_store for route in routes}
    found = [
        effect(merchant_id=merchant_id, source_store=source, proposed=proposed, now=now) for source in sources.values()
    ]
    shown = {name: sum(getattr(each, name) for each in found) for name in ("same", "differ", "blocked")}
    differing = [order for each in found for order in each.orders]
    whole = max(1, sum(shown.values()))
    # A single order of many is still to be seen in the bar.
    widths = {f"{name}_width": max(2.0, round(100 * count / whole, 2)) if count else 0 for name, count in shown.items()}
    widths["blocked_x"] = round(100 - widths["blocked_width"], 2)
    widths["differ_x"] = round(widths["blocked_x"] - widths["differ_width"], 2)
    return {
        **shown,
        **widths,
        "untold": sum(each.untold for each in found),
        "is_capped": any(each.is_capped for each in found),
        "orders": differing[:_MOST_SHOWN],
        "more": max(0, len(differing) - _MOST_SHOWN),
    }


def may_change(membership: Membership) -> bool:
    """Whether this person saves settings; a viewer only reads them."""
    return membership.role in (Role.OWNER, Role.MANAGER)


def require_change(membership: Membership) -> None:
    """Raise PermissionDenied for a viewer."""
    if not may_change(membership):
        raise PermissionDenied("This needs manager rights. Ask an owner of the account.")


def author_of(membership: Membership) -> Author:
    """Who saves, now."""
    return Author(name=membership.user.name or membership.user.email, now=timezone.now())
