"""The one gate through which an order's state moves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from accounts.access import merchant_rows
from connectors.models import ConnectedStore
from orders.ingest import store_order
from orders.models import Attention, Order, OrderEvent, OrderState
from orders.states import (
    MOVES,
    AlreadyMoved,
    IllegalTransition,
    advance,
    ask_for_attention,
    clear_attention,
    end_task,
)
from tests.orders.builders import NOON, seen

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def held_order(tiktok: ConnectedStore) -> Order:
    return store_order(seen=seen(), store=tiktok, now=NOON)


class TestTask:
    def test_comes_back_when_the_request_ends_that_pushed_it_aside(self, held_order: Order) -> None:
        task = {"is_part": True, "store": "Wix", "name": "#10001"}
        with merchant_rows(held_order.merchant_id):
            ask_for_attention(order=held_order, code=Attention.ALREADY_CANCELLED, now=NOON, detail=task)
            for request in ("1", "2"):
                detail = {"request": request}
                ask_for_attention(order=held_order, code=Attention.CANCEL_PENDING, now=NOON, detail=detail)
            clear_attention(order=held_order, now=NOON)
            kept = Order.objects.get(pk=held_order.pk)
        assert (kept.attention, kept.attention_detail) == (Attention.ALREADY_CANCELLED, task)

    def test_that_was_done_meanwhile_does_not_come_back(self, held_order: Order) -> None:
        with merchant_rows(held_order.merchant_id):
            ask_for_attention(order=held_order, code=Attention.ALREADY_CANCELLED, now=NOON, detail={"is_part": True})
            ask_for_attention(order=held_order, code=Attention.CANCEL_PENDING, now=NOON, detail={"request": "1"})
            end_task(order=held_order, now=NOON)
            assert Order.objects.get(pk=held_order.pk).attention == Attention.CANCEL_PENDING
            clear_attention(order=held_order, now=NOON)
            assert Order.objects.get(pk=held_order.pk).attention == ""


class TestAdvance:
    def test_writes_its_event(self, held_order: Order) -> None:
        with merchant_rows(held_order.merchant_id):
            event = advance(order=held_order, to=OrderState.READY, reason="released", now=NOON)
        assert (event.kind, event.from_state, event.to_state) == ("order.released", "HELD", "READY")

    def test_refuses_what_the_table_forbids(self, held_order: Order) -> None:
        with merchant_rows(held_order.merchant_id), pytest.raises(IllegalTransition):
            advance(order=held_order, to=OrderState.MIRRORED, reason="", now=NOON)

    def test_refuses_a_second_time(self, held_order: Order) -> None:
        with merchant_rows(held_order.merchant_id):
            also = Order.objects.get(pk=held_order.pk)
            advance(order=held_order, to=OrderState.READY, reason="", now=NOON)
            with pytest.raises(AlreadyMoved):
                advance(order=also, to=OrderState.READY, reason="", now=NOON)
            assert OrderEvent.objects.filter(kind="order.released").count() == 1

    def test_the_database_knows_that_a_held_order_has_a_release_moment(self, held_order: Order) -> None:
        with merchant_rows(held_order.merchant_id), pytest.raises(IntegrityError), transaction.atomic():
            Order.objects.filter(pk=held_order.pk).update(release_at=None)


class TestMoves:
    @given(steps=st.lists(st.sampled_from(list(OrderState)), max_size=20))
    def test_never_lead_out_of_the_end(self, steps: list[OrderState]) -> None:
        state = OrderState.UNPAID
        ended = False
        for step in steps:
            if step in MOVES[state]:
                assert not ended
                state = step
            ended = state in (OrderState.CANCELLED, OrderState.COMPLETED)

    def test_never_lead_back_into_the_hold_once_released(self) -> None:
        assert all(OrderState.HELD not in MOVES[state] for state in OrderState if state is not OrderState.UNPAID)

    def test_are_what_the_drawing_shows(self) -> None:
        drawn = set(re.findall(r"^    (\w+) --> (\w+)$", (ROOT / "docs/order-lifecycle.md").read_text(), re.MULTILINE))
        table = {(state.value, to.value) for state, targets in MOVES.items() for to in targets}
        assert {pair for pair in drawn if pair[0] != "START"} == table

    def test_are_the_only_writers_of_a_state(self) -> None:
        for path in ROOT.glob("orders/**/*.py"):
            if path.name != "states.py" and "migrations" not in path.parts:
                assert not re.search(r"\border\.state = |Order\.objects.*\.update\([^)]*\bstate=", path.read_text()), (
                    path
                )
