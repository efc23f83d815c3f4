"""The reasons that the source offers for a case, asked for while a person is about to answer, and kept for a while."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from django.core.cache import cache

from connectors.base.aftersales import Reason
from connectors.base.errors import PermanentError, UnsupportedFeature
from connectors.models import ConnectedStore
from connectors.speaking import speaking_to_source
from orders import ingest
from orders.aftersale_rules import CancelReason
from orders.choices import choice_of
from orders.models import Order

LIVE = 600  # seconds


def to_refuse(*, store: ConnectedStore, external_id: str, clock: Callable[[], datetime]) -> list[Reason]:
    """For which this request, of a cancellation or a return, may be refused. Makes a call: not inside a transaction.
    Raises PlatformError."""
    key = f"reasons:{store.pk}:{external_id}"
    kept = cache.get(key)
    if kept is None:
        with speaking_to_source(store, clock=clock) as source:
            kept = [(reason.key, reason.text) for reason in source.reject_reasons(external_id)]
        cache.set(key, kept, LIVE)
    return [Reason(*each) for each in kept]


def fitting(offered: Sequence[Reason], said: str) -> str:
    """The key of the reason that a rule names, by its key or some of its words in any case. Pure. Raises PermanentError
    when the source offers no such reason for this case."""
    words = said.casefold()
    for reason in offered:
        if said == reason.key or words in reason.text.casefold():
            return reason.key
    choice = ", ".join(f"“{reason.text}”" for reason in offered) or "none"
    raise PermanentError(
        f"Your rule refuses for “{said}”, and TikTok Shop offers no such reason here. It offers: {choice}"
    )


def to_cancel(*, order: Order, clock: Callable[[], datetime]) -> list[Reason]:
    """For which the seller may cancel this order now; none where it may not. Makes a call: not inside a transaction.
    Raises PlatformError."""
    try:
        with speaking_to_source(order.source_store, clock=clock) as source:
            return source.cancel_reasons(ingest.seen_of(order))
    except UnsupportedFeature:
        words = {each: choice_of("cancel_reason", each.value) for each in CancelReason}
        return [Reason(each.value, found.title if found else each.value) for each, found in words.items()]
