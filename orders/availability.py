"""Which of a route's rules its store cannot follow, said plainly. Pure."""

from __future__ import annotations

from connectors.base.connector import Features
from connectors.base.types import Stock
from orders.rules import Email, RouteRules, Tax, Unlinked


def not_available(rules: RouteRules, features: Features, *, label: str) -> tuple[str, ...]:
    """A sentence for each rule that is not available on this store, and what is done instead."""
    said = {
        f"{label} gives orders numbers of its own; yours was left out": (
            bool(rules.number_prefix) and not features.numbers and not features.tags
        ),
        f"{label} has no place for tags; yours were left out": bool(rules.tags) and not features.tags,
        f"{label} has no place for a note; yours was left out": bool(rules.note) and not features.order_notes,
        f"{label} takes no e-mail address; yours was left out": (
            rules.email is Email.FIXED and bool(rules.fixed_email) and not features.emails
        ),
        f"{label} reckons no tax for an order made by an app; none was sent": (
            rules.tax is Tax.STORE and features.amounts and not features.store_tax
        ),
        f"{label} does with its stock what it does for every order; yours to say is not available there": (
            rules.stock is not Stock.DEDUCT and not features.stock
        ),
        f"{label} chooses the location itself; yours is only named on the order, where there is a place for it": (
            bool(rules.locations or rules.default_location) and not features.locations
        ),
        f"{label} takes only linked items; an item that is not linked waits": (
            rules.unlinked is Unlinked.CUSTOM_LINE and not features.custom_lines
        ),
    }
    return tuple(sentence for sentence, is_so in said.items() if is_so)
