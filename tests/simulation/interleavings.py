"""All sequences of a few things that may happen to one order, breadth first, so that what breaks is shown by its
shortest sequence. States that amount to the same (moments.py) are entered once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.simulation.judge import Broken
from tests.simulation.led import NotPossible
from tests.simulation.moments import Moment, fingerprint, read_rows
from tests.simulation.one_order import OneOrder
from tests.simulation.verdict import BOUND, Verdict

ACTIONS: Mapping[str, Callable[[OneOrder], None]] = {
    "buyer asks": lambda one: one.buyer_asks(),
    "buyer asks for some": lambda one: one.buyer_asks(some=True),
    "buyer withdraws": lambda one: one.buyer_withdraws(),
    "buyer wants money": lambda one: one.buyer_wants_money(),
    "buyer wants some money": lambda one: one.buyer_wants_money(some=True),
    "buyer returns": lambda one: one.buyer_returns(),
    "return goes on": lambda one: one.return_goes_on(),
    "seller refuses": lambda one: one.seller_refuses(),
    "seller cancels some": lambda one: one.seller_cancels_some(),
    "TikTok cancels": lambda one: one.tiktok_cancels(),
    "TikTok cancels some": lambda one: one.tiktok_cancels(some=True),
    "TikTok refunds": lambda one: one.tiktok_refunds(),
    "owner accepts": lambda one: one.owner_answers(accepts=True),
    "owner refuses": lambda one: one.owner_answers(accepts=False),
    "owner grants": lambda one: one.owner_answers_return(accepts=True),
    "owner denies": lambda one: one.owner_answers_return(accepts=False),
    "owner restocks": lambda one: one.owner_restocks(),
    "store ships": lambda one: one.store_ships(),
    "store cancels": lambda one: one.store_cancels(),
    "webhooks are lost": lambda one: one.webhooks_are_lost(),
    "TikTok lane works": lambda one: one.lane_works("TikTok"),
    "TikTok lane sends": lambda one: one.lane_sends("TikTok"),
    "TikTok poll is due": lambda one: one.poll_is_due("TikTok"),
    "store lane works": lambda one: one.lane_works("store"),
    "store lane sends": lambda one: one.lane_sends("store"),
    "store poll is due": lambda one: one.poll_is_due("store"),
    "create comes late": lambda one: one.create_is_cut_off("late_commit"),
    "create gets lost": lambda one: one.create_is_cut_off("reset_before"),
    "answer arrives": lambda one: one.answer_arrives(),
    "answer is lost": lambda one: one.answer_is_lost(),
    "worker dies": lambda one: one.worker_dies(),
    "a minute passes": lambda one: one.minute_passes(),
}
# What can only be where the lane does something as a whole.
PART_OF: Mapping[str, str] = {
    "TikTok lane sends": "TikTok lane works",
    "store lane sends": "store lane works",
    "create comes late": "store lane works",
    "create gets lost": "store lane works",
}
# The normal course of things, as long as no time passes.
COURSE = ("TikTok lane works", "store lane works", "answer arrives")
REST = 310.0  # the polls come round once
MOST_RESTS = 12


@dataclass(frozen=True)
class Node:
    """A state: the moment to come back to, and the steps since, as long as a call is under way."""

    path: tuple[str, ...]
    mark: bytes
    moment: Moment
    base: bytes  # the mark of that moment
    since: tuple[str, ...] = ()


class Walk:
    """From one beginning through all sequences of some actions. What a lane does as a whole is to be listed before what
    is done in the midst of it."""

    def __init__(self, one: OneOrder, *, actions: Sequence[str]) -> None:
        self.one, self.actions = one, actions
        self.verdict = Verdict(one)
        self.at: Node | None = None  # where the world stands now
        self.edges: dict[bytes, list[bytes]] = {}
        self.seen: set[bytes] = set()
        self.well: set[bytes] = set()  # from here on all went well
        self.depth = self.rests = 0

    def explore(self, *, depth: int) -> None:
        """Raises Broken with a sequence that leads there, as short as it gets.

        What may never be is judged in every state. How things end is judged from the last states on, and from those in
        which nothing is due: the others have their normal course among the steps.
        """
        rows = read_rows()
        mark = self._mark(rows)
        root = Node((), mark, self.one.moment(rows), mark)
        self.depth, self.seen, level = depth, {mark}, [root]
        try:
            for reached in range(1, depth + 1):
                following = []
                for node in level:
                    following += self._successors(node, is_last=reached == depth)
                level = following
        except Broken as broken:
            raise self._shortest(root, broken) from None

    def _shortest(self, root: Node, broken: Broken) -> Broken:
        """Without the steps that it does not take."""
        path = list(broken.args[1])
        for place in reversed(range(len(path))):
            shorter = path[:place] + path[place + 1 :]
            self.one.back_to(root.moment)
            self.well = set()
            try:
                follow(self.one, shorter)
            except NotPossible:
                continue
            except Exception as error:
                path, broken = shorter, Broken(f"{shorter}\n{error}", shorter)
        return Broken(broken.args[0])

    @property
    def sequences(self) -> int:
        """How many sequences, of any length up to the depth, the walk stands for."""
        ways: Counter[bytes] = Counter([next(iter(self.edges), b"")])
        found = 0
        for _ in range(self.depth):
            after: Counter[bytes] = Counter()
            for mark, count in ways.items():
                for each in self.edges.get(mark, ()):
                    after[each] += count
            ways, found = after, found + after.total()
        return found

    @property
    def steps(self) -> int:
        """How many steps were really taken, the way back apart."""
        return sum(len(each) for each in self.edges.values())

    def _successors(self, node: Node, *, is_last: bool) -> list[Node]:
        found, effects, is_at_rest = [], set(), True
        for name in self.actions:
            if PART_OF.get(name, "") not in ("", *effects):
                continue
            self._stand_at(node)
            before = len(self.one.world.ledger)
            is_touched = name in PART_OF or bool(self.one.post.letters)
            try:
                with self._told(node.path, name):
                    ACTIONS[name](self.one)
            except NotPossible:
                self.at = None if is_touched else node
                continue
            self.at = None
            if len(self.one.world.ledger) > before:
                effects.add(name)
            following = self._entered(node, name, is_last=is_last)
            found += [following] if following else []
            is_at_rest = is_at_rest and (name not in COURSE or self.edges[node.mark][-1] == node.mark)
        if is_at_rest and node.mark not in self.well:
            self._stand_at(node)
            self.at = None
            with self._told(node.path):
                self.rest()
            self.well.add(node.mark)
        return found

    def _stand_at(self, node: Node) -> None:
        if self.at is not node:
            self.one.back_to(node.moment)
            for name in node.since:
                ACTIONS[name](self.one)
            self.at = node

    def _entered(self, node: Node, name: str, *, is_last: bool) -> Node | None:
        """The state after this step, where it is a new one; it is judged."""
        rows = read_rows()
        is_held = self.one.held is not None
        mark = self._mark(rows) + (node.base if is_held else b"")
        self.edges.setdefault(node.mark, []).append(mark)
        if mark in self.seen:
            return None
        self.seen.add(mark)
        path = (*node.path, name)
        with self._told(path):
            self.verdict.at_once()
            if is_last and mark not in self.well:
                self.rest()
        if is_last:
            return None
        if is_held:
            return Node(path, mark, node.moment, node.base, (*node.since, name))
        return Node(path, mark, self.one.moment(rows), mark)

    @contextmanager
    def _told(self, path: Sequence[str], *more: str) -> Iterator[None]:
        try:
            yield
        except NotPossible:
            raise
        except Exception as error:
            raise Broken(f"{[*path, *more]}\n{error!r}", (*path, *more)) from error

    def rest(self) -> None:
        """Everything goes its way from here on; what came by before is known to end well. Raises Broken."""
        one, marks = self.one, []
        self.rests += 1

        def is_known() -> bool:
            self.verdict.in_time()
            marks.append(self._mark(read_rows()))
            return marks[-1] in self.well

        if one.held is not None:
            one.answer_arrives()
        self.verdict.too_many_since = None
        is_over = is_known() or one.pass_working(BOUND + 1, look=is_known)
        for _ in range(MOST_RESTS):
            if is_over or is_known():
                break
            is_over = one.pass_working(REST, look=is_known)
            if not is_over and not self.verdict.open_work():
                is_over = True
                self.verdict.at_rest()
        else:
            self.verdict.at_rest()
        self.well.update(marks)

    def _mark(self, rows: dict[str, str]) -> bytes:
        return fingerprint(rows, self.one.world, self.one.post)


def follow(one: OneOrder, names: Sequence[str]) -> None:
    """One sequence, and what becomes of it. Raises Broken, or NotPossible."""
    walk = Walk(one, actions=names)
    for name in names:
        ACTIONS[name](one)
        walk.verdict.at_once()
    walk.rest()
