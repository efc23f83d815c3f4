"""What stands for a source SKU in a store: one variant, or several with quantities. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.base.types import OrderDraft


@dataclass(frozen=True, slots=True)
class Component:
    """`quantity` units of a store's variant, for each unit of the source's SKU. `sku` is the store's own spelling."""

    variant_id: str
    sku: str
    title: str = ""
    quantity: int = 1


Pieces = Mapping[str, Mapping[str, int]]  # by the source's line id: how many units of which SKU (`sku_key`)


def sku_key(sku: str, *, case_matters: bool = False) -> str:
    """How SKUs are compared: trimmed, and in any case unless case matters. Then a space comes before, so that no key of
    the one kind is one of the other: a link for `abc` alone must never be taken for one of `ABC`."""
    if case_matters and sku.strip():
        return f" {sku.strip()}"
    return sku.strip().casefold()


def divided(price: int, components: Sequence[Component]) -> list[tuple[Component, int, int]]:
    """The price of one unit over its components, each with units and their price: to the minor unit, nothing lost.

    A unit costs the same whichever component it is, since what the store asks for each is not what the buyer paid.
    Where that does not divide, the first units cost one minor unit more; a component of both kinds comes twice.
    """
    low, dearer = divmod(price, sum(each.quantity for each in components))
    found = []
    for component in components:
        more = min(dearer, component.quantity)
        dearer -= more
        shares = ((more, low + 1), (component.quantity - more, low))
        found += [(component, units, unit_price) for units, unit_price in shares if units]
    return found


def is_plain(components: Sequence[Component]) -> bool:
    """Whether one unit of one variant stands for one of the source's."""
    return len(components) == 1 and components[0].quantity == 1


def pieces_of(draft: OrderDraft) -> dict[str, dict[str, int]]:
    """What each line of the source's is made of there, where that is more than one unit."""
    pieces: dict[str, Counter[str]] = {}
    for line in draft.lines:
        for line_id in line.source_line_ids:
            pieces.setdefault(line_id, Counter())[sku_key(line.sku)] += line.quantity // len(line.source_line_ids)
    return {line_id: dict(units) for line_id, units in pieces.items() if units.total() > 1}


def spelled_in(draft: OrderDraft, pieces: Pieces) -> dict[str, str]:
    """How the store spells the SKUs of these pieces."""
    named = {key for units in pieces.values() for key in units}
    return {key: line.sku for line in draft.lines if (key := sku_key(line.sku)) in named} if named else {}


def whole_lines(pieces: Pieces, *, left: Mapping[str, int], done: Sequence[str]) -> tuple[list[str], int, bool]:
    """Which lines are whole now that `left` units by SKU are out, `done` being those that were before: a line has left
    when all its pieces have. Also how many units no line needs, and whether some wait for the rest of theirs."""
    there = Counter(left)
    for line_id in done:
        there.subtract(pieces.get(line_id, {}))
    there = +there
    open_ids = [line_id for line_id in pieces if line_id not in done]
    found = []
    for line_id in open_ids:
        if all(there[sku] >= units for sku, units in pieces[line_id].items()):
            there.subtract(pieces[line_id])
            found.append(line_id)
    wanted = Counter[str]()
    for line_id in open_ids:
        wanted.update({} if line_id in found else pieces[line_id])
    too_many = sum((+there - wanted).values())
    return found, too_many, (+there).total() > too_many
