"""Whether the store has an order already: looked for before it is created, closely where that may have been tried."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from connectors import calls
from connectors.asking import ask_all
from connectors.base.connector import Destination
from connectors.base.errors import AuthorizationError, PermanentError, PlatformError
from connectors.base.types import PlacedOrder
from connectors.http import patiently
from orders.placing import Creation
from orders.work import Drain, fail

Found = dict[str, PlacedOrder | PermanentError]


def look(creations: Sequence[Creation], destination: Destination, drain: Drain) -> None:
    """Adopt what is in the store already. An earlier try may still be carried out: absent is not sure at once. Makes
    calls: not inside a transaction. Raises PlatformError."""
    looks = [each for each in creations if destination.features.search_by_reference or each.item.is_doubtful]
    found = _look_for_all(destination, [each for each in looks if not each.item.is_doubtful], drain)
    found |= _look_closely(destination, [each for each in looks if each.item.is_doubtful], drain)
    for creation in looks:
        answer = found.get(creation.item.reference)
        if isinstance(answer, PlacedOrder):
            creation.placed = answer
        elif answer is not None and creation.is_open:
            creation.error = answer


def _look_for_all(destination: Destination, creations: Sequence[Creation], drain: Drain) -> Found:
    if not creations:
        return {}
    since = min(each.order.ordered_at for each in creations)
    try:
        with patiently(tries=drain.tries):
            return destination.find_orders([each.item.reference for each in creations], since=since)
    except AuthorizationError:
        raise
    except PlatformError as error:
        fail(creations, error)
        return {}


def _find(destination: Destination, creation: Creation, tries: int) -> PlacedOrder | None:
    with patiently(tries=tries):
        return destination.find_order(creation.item.reference, since=creation.order.ordered_at)


def _look_closely(destination: Destination, creations: Sequence[Creation], drain: Drain) -> Found:
    """Where an earlier call may have been carried out, each is looked for by itself, as surely as the platform can."""
    if destination.finds_by_reading:
        return _look_for_all(destination, creations, drain)
    found = _look_for_all(destination, creations, drain) if destination.finds_others_by_reading else {}
    rest = [each for each in creations if each.is_open and each.item.reference not in found]
    questions = [functools.partial(_find, destination, each, drain.tries) for each in rest]
    for replies in ask_all(questions, at_once=drain.at_once):
        for reply in replies:
            creation = rest[reply.place]
            calls.add(reply.records)
            if reply.answer is not None:
                found[creation.item.reference] = reply.answer
            elif isinstance(reply.error, AuthorizationError):
                raise reply.error
            elif isinstance(reply.error, PermanentError):
                found[creation.item.reference] = reply.error
            elif reply.error is not None:
                creation.error = reply.error
    return found
