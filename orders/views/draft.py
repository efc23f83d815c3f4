"""A page on which a setting is filled in, looked at and saved: what a draft changes, what it would do to recent orders,
and whether a person saw that before. A draft lives in the form alone: nothing of it is kept here."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from accounts.access import merchant_rows
from accounts.models import Membership
from orders import versions
from orders.models import Concern
from orders.queries.changes import Change, Names, changes_in_words
from orders.queries.history import history_url, latest_of, names_of
from orders.saving import Author
from orders.views.outlook import Outlook
from orders.views.pages import may_change, membership_of, shop_time


@dataclass(frozen=True, slots=True)
class Part:
    """The state of one concern as it is and as it was filled in."""

    concern: Concern
    about: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Look:
    """A draft as the page shows it before it is saved. `digest` comes back with the save, and proves what was seen."""

    changes: Sequence[Change]
    number: int
    digest: str


class DraftPage(ABC):
    """One page of settings. Making it reads its rows; `is_valid` says whether what was filled in can be read at all.
    `concern` and `about` are those whose history the page leads to."""

    template: ClassVar[str]
    applies = "Applies to new orders only; orders already created stay as they are."
    name: str  # of a file about it
    url: str
    concern: Concern
    about: str
    is_valid = True

    def __init__(self, request: HttpRequest) -> None:
        self.membership, self.now = membership_of(request), timezone.now()
        self.data = request.POST if request.method == "POST" else None

    @abstractmethod
    def parts(self) -> list[Part]:
        """What was filled in beside what is kept, in the caller's transaction."""

    @abstractmethod
    def save(self, by: Author) -> str:
        """Keep it, in the caller's transaction. Returns what is said of it."""

    @abstractmethod
    def outlook(self, number: int) -> Outlook | None:
        """What it would do to recent orders, if it does anything to them. Not inside a transaction."""

    @abstractmethod
    def context(self) -> dict[str, Any]:
        """What the template draws beside the draft, in the caller's transaction."""


def answer(request: HttpRequest, page: DraftPage) -> HttpResponse:
    """Show the page; look at what was filled in; or, where exactly that was looked at, save it."""
    membership = page.membership
    look, outlook = None, None
    if page.data is not None:
        require_change(membership)
    if page.data is not None and page.is_valid:
        with merchant_rows(membership.merchant_id):
            names = names_of(merchant_id=membership.merchant_id, now=page.now)
            look = look_at(merchant_id=membership.merchant_id, parts=page.parts(), names=names)
            if look.changes and was_seen(request, look):
                messages.success(request, page.save(author_of(membership)))
                return redirect(page.url)
        outlook = page.outlook(look.number) if look.changes else None
        if outlook and request.POST.get("step") == "csv":
            return outlook.table(page.name)
    with merchant_rows(membership.merchant_id), shop_time(membership):
        context = {
            "look": look,
            "effect": outlook.context(request.POST) if outlook else None,
            "is_invalid": not page.is_valid,
            "is_stale": look is not None and request.POST.get("step") == "save",
            "can_change": may_change(membership),
            "latest": latest_of(page.concern, page.about),
            "history_url": history_url(page.concern, page.about),
            "page_url": page.url,
            "applies": page.applies,
            **page.context(),
        }
        return render(request, page.template, context, status=200 if page.is_valid else 400)


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


def require_change(membership: Membership) -> None:
    """Raise PermissionDenied for a viewer."""
    if not may_change(membership):
        raise PermissionDenied("This needs manager rights. Ask an owner of the account.")


def author_of(membership: Membership) -> Author:
    """Who saves, now."""
    return Author(name=membership.user.name or membership.user.email, now=timezone.now())
