"""What the judge found: every wrong with its order and a sentence, and what was only parked, or left to a person."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

# For good: nothing that comes later makes it right.
FOR_GOOD = (
    *("doubled", "wrong", "live", "told twice", "early", "stranger"),
    *("refund twice", "return twice", "money wrong"),
)
# Until all is settled: what is still to come may make it right.
PASSING = (
    *("lost", "late", "unrecorded", "alive", "untold"),
    *("unanswered", "kept back", "refund missing", "return missing"),
)


@dataclass(slots=True)
class Verdict:
    """What is wrong, with an order and a sentence for each; and what was only parked, or left to a person.

    "lost" is an order that nothing will be done for any more, "late" one that waits for its next try.
    """

    orders: int = 0
    created: int = 0
    cancelled: int = 0
    in_part: int = 0  # orders of which some items were cancelled, and others not
    parcels: int = 0
    requests: int = 0  # of buyers who asked to cancel when it was no longer theirs to decide
    refunds: int = 0  # cases that the source paid back
    returns: int = 0  # those of them whose goods came back
    replaced: int = 0
    wrongs: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in (*PASSING, *FOR_GOOD)})
    parked: Counter[str] = field(default_factory=Counter)
    open: list[str] = field(default_factory=list)  # orders with a call still to be made, though nothing is wrong
    lost_stores: list[str] = field(default_factory=list)  # that the product does not speak to any more
    by_hand: int = 0  # cancellations that only the merchant can carry out in a store, who was asked
    refunds_by_hand: int = 0  # refunds that only the merchant can record in a store, who was asked
    longest_live: float = 0.0

    @property
    def is_settled(self) -> bool:
        """Whether nothing can change any more, for good or bad."""
        return not self.open and not self.count(*PASSING)

    @property
    def is_clean(self) -> bool:
        return not any(self.wrongs.values())

    @property
    def unsettled(self) -> list[str]:
        """The orders that something is still to come for."""
        found = [text.split()[0] for name in PASSING for text in self.wrongs[name]]
        return list(dict.fromkeys([*found, *self.open]))

    def count(self, *names: str) -> int:
        return sum(len(self.wrongs[name]) for name in names)

    def add(self, name: str, order_id: str, text: str) -> None:
        self.wrongs[name].append(f"{order_id} {text}")
