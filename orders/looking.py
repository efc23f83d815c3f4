"""Whether the store has an order already: looked for before it is created, closely where that may have been tried."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.base.connector import Destination
from connectors.base.errors import AuthorizationError, PermanentError, PlatformError
from connectors.base.types import PlacedOrder
from orders.placing import Creation
from orders.work import fail


def look(creations: Sequence[Creation], destination: Destination) -> None:
    """Adopt what is in the store already. An earlier try may still be carried out: absent is not sure at once. Makes
    calls: not inside a transaction. Raises PlatformError."""
    looks = [each for each in creations if destination.features.search_by_reference or each.item.is_doubtful]
    fresh = [each for each in looks if not each.item.is_doubtful]
    found: dict[str, PlacedOrder | PermanentError] = {}
    if fresh:
        since = min(each.order.ordered_at for each in fresh)
        found = destination.find_orders([each.item.reference for each in fresh], since=since)
    found |= _look_closely(destination, [each for each in looks if each.item.is_doubtful])
    for creation in looks:
        answer = found.get(creation.item.reference)
        if isinstance(answer, PlacedOrder):
            creation.placed = answer
        elif answer is not None and creation.is_open:
            creation.error = answer


def _look_closely(destination: Destination, creations: Sequence[Creation]) -> dict[str, PlacedOrder | PermanentError]:
    """Where an earlier call may have been carried out, each is looked for by itself, as surely as the platform can."""
    found: dict[str, PlacedOrder | PermanentError] = {}
    if destination.finds_by_reading and creations:
        since = min(creation.order.ordered_at for creation in creations)
        try:
            return destination.find_orders([creation.item.reference for creation in creations], since=since)
        except AuthorizationError:
            raise
        except PlatformError as error:
            fail(creations, error)
            return found
    for creation in creations:
        try:
            placed = destination.find_order(creation.item.reference, since=creation.order.ordered_at)
        except AuthorizationError:
            raise
        except PermanentError as error:
            found[creation.item.reference] = error
            continue
        except PlatformError as error:
            creation.error = error
            continue
        if placed is not None:
            found[creation.item.reference] = placed
    return found
