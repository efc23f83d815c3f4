"""Who changed which setting when, and what a restore would change now."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from connectors.models import ConnectedStore
from orders import versions
from orders.models import Concern, SettingsVersion
from orders.queries.changes import Change, Names, about_in_words, changes_in_words, changes_of
from orders.queries.mapping import seen_options

PAGE = 30
_MOST_NAMED = 4  # changes in the question before a restore


def names_of(*, merchant_id: int, now: datetime) -> Names:
    """What the merchant's ids are called, in the caller's transaction. Delivery options are looked up when one is
    named, since that reads the orders of 30 days."""
    options = SimpleLazyObject(lambda: {each.id: each.name for each in seen_options(merchant_id=merchant_id, now=now)})
    return Names(stores=ConnectedStore.objects.in_bulk(), options=cast(Mapping[str, str], options))


def history_context(
    *, merchant_id: int, concern: str, about: str, before: int, can_change: bool, now: datetime
) -> dict[str, Any]:
    """The context of templates/settings/history.html, newest first from below `before`, in the caller's transaction."""
    found = SettingsVersion.objects.order_by("-number")
    if concern in Concern.values:
        found = found.filter(concern=concern)
        if about:
            found = found.filter(about=about)
    if before:
        found = found.filter(number__lt=before)
    kept, names = list(found[: PAGE + 1]), names_of(merchant_id=merchant_id, now=now)
    is_one = concern in Concern.values
    states = {(each.concern, each.about) for each in kept[:PAGE] if each.concern != Concern.SYNC}
    now_said = {key: versions.state_of(concern=Concern(key[0]), about=key[1]) for key in states} if can_change else {}
    return {
        "versions": [{**version_row(each, names), "restore": _restore(each, now_said, names)} for each in kept[:PAGE]],
        "older": kept[PAGE - 1].number if len(kept) > PAGE else None,
        "is_newest": not before,
        "concern": concern if is_one else "",
        "about": about if is_one else "",
        "about_text": _about(Concern(concern), about, names) if is_one else "",
    }


def _restore(version: SettingsVersion, now_said: Mapping[tuple[str, str], Any], names: Names) -> dict[str, Any] | None:
    """The button that brings a version back, with what that changes now; none where it changes nothing."""
    key = (version.concern, version.about)
    if key not in now_said:
        return None
    changes = changes_in_words(
        concern=Concern(version.concern), about=version.about, before=now_said[key], after=version.document, names=names
    )
    said = [f"{each.what}: {each.before} becomes {each.after}." for each in changes[:_MOST_NAMED]]
    more = len(changes) - len(said)
    return (
        {
            "url": reverse("settings_restore", args=[version.number]),
            "seen": digest_of(changes),
            "text": " ".join([*said, *([f"And {more} more."] if more else []), "It becomes a version of its own."]),
        }
        if changes
        else None
    )


def digest_of(changes: Sequence[Change]) -> str:
    """What comes back with a restore, and proves which changes were seen."""
    said = "\n".join(f"{each.what}\t{each.before}\t{each.after}" for each in changes)
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def version_row(version: SettingsVersion, names: Names) -> dict[str, Any]:
    """One version as a list shows it."""
    concern = Concern(version.concern)
    return {
        "number": version.number,
        "about": _about(concern, version.about, names),
        "author": version.author,
        "saved_at": version.saved_at,
        "restores": version.restores,
        "changes": changes_of(version, names),
        "url": reverse("settings_version", args=[version.number]),
    }


def version_context(version: SettingsVersion, *, now: datetime) -> dict[str, Any]:
    """The context of templates/settings/version.html: what it changed, and what a restore would change now."""
    names = names_of(merchant_id=version.merchant_id, now=now)
    return {
        "version": version_row(version, names),
        "would_change": would_change(version, names),
        "can_restore": version.concern != Concern.SYNC,
        "is_latest": version.number == versions.latest_number(version.merchant_id),
        "history_url": history_url(Concern(version.concern), version.about),
    }


def would_change(version: SettingsVersion, names: Names) -> Sequence[Change]:
    """What differs between now and this version, in words, in the caller's transaction."""
    concern = Concern(version.concern)
    now = versions.state_of(concern=concern, about=version.about)
    return changes_in_words(concern=concern, about=version.about, before=now, after=version.document, names=names)


def history_url(concern: Concern, about: str) -> str:
    """The history of one page of settings."""
    return f"{reverse('settings_history')}?concern={concern.value}&about={about}"


def latest_of(concern: Concern, about: str) -> dict[str, Any] | None:
    """The version that counts on one page of settings, in the caller's transaction."""
    kept = SettingsVersion.objects.filter(concern=concern, about=about).order_by("-number").first()
    if kept is None:
        return None
    return {"number": kept.number, "saved_at": kept.saved_at, "author": kept.author}


def _about(concern: Concern, about: str, names: Names) -> str:
    where = about_in_words(about=about, names=names)
    return f"{concern.label}: {where}" if where else str(concern.label)
