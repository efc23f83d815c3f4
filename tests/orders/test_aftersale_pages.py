"""The pages on which a person answers a buyer, has orders cancelled, and says what is answered without them."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.access import merchant_rows
from connectors.base.aftersales import CancelStatus, Decision, ReturnStatus
from connectors.base.types import SourceStatus
from connectors.models import ConnectedStore
from orders import requests, returns
from orders.aftersale_rules import AftersaleRules, Reply, Restocking
from orders.models import Cancellation, Concern, Order, OrderState, OutboxItem, Restock, Return, SettingsVersion
from orders.versions import state_of
from tests.factories import OrderFactory
from tests.orders.aftersale_builders import cancellation, mirrored, returned, shipped
from tests.orders.builders import HOUR, line

DECISIONS = (Decision.APPROVE_RETURN, Decision.OFFER_PART, Decision.REJECT_RETURN)


@pytest.fixture
def order(tiktok: ConnectedStore, shopify: ConnectedStore) -> Order:
    return mirrored(tiktok, shopify)[0]


@pytest.fixture
def delivered(tiktok: ConnectedStore, shopify: ConnectedStore) -> Order:
    made, mirror = mirrored(tiktok, shopify, status=SourceStatus.DELIVERED)
    shipped(mirror)
    return made


def asked(order: Order, *, cancels: Any = (), cases: Any = ()) -> None:
    now = timezone.now()
    with merchant_rows(order.merchant_id):
        locked = Order.objects.select_related("source_store").get(pk=order.pk)
        requests.keep(order=locked, seen=cancels, now=now)
        returns.keep(order=locked, seen=cases, now=now)


def a_request(order: Order) -> Cancellation:
    asked(order, cancels=[cancellation(answer_by=timezone.now() + 20 * HOUR)])
    with merchant_rows(order.merchant_id):
        return Cancellation.objects.get(order=order)


def a_return(order: Order, **changes: Any) -> Return:
    said = {"decisions": DECISIONS, "answer_by": timezone.now() + 20 * HOUR, **changes}
    asked(order, cases=[returned(**said)])
    with merchant_rows(order.merchant_id):
        return Return.objects.get(order=order)


def again(row: Any) -> Any:
    with merchant_rows(row.merchant_id):
        return type(row).objects.get(pk=row.pk)


def kinds(order: Order) -> list[str]:
    with merchant_rows(order.merchant_id):
        return list(OutboxItem.objects.filter(order=order).values_list("kind", flat=True))


def page(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


class TestRequest:
    def test_stands_on_the_orders_page_with_its_buttons(self, alice: Client, order: Order) -> None:
        row = a_request(order)
        text = page(alice, f"/orders/{order.pk}/")
        assert "Cancellation requested · whole order" in text
        assert "No longer needed" in text
        assert f"/cancellations/{row.pk}/accept/" in text
        assert f"/cancellations/{row.pk}/refuse/" in text

    def test_is_accepted_by_one_press(self, alice: Client, order: Order) -> None:
        row = a_request(order)
        answer = alice.post(f"/cancellations/{row.pk}/accept/", follow=True)
        assert "told to TikTok Shop" in answer.content.decode()
        assert again(row).answer == "ACCEPTED"
        assert "ANSWER_CANCEL" in kinds(order)
        assert f"/cancellations/{row.pk}/accept/" not in page(alice, f"/orders/{order.pk}/")

    def test_is_refused_for_one_of_tiktoks_reasons(self, alice: Client, order: Order) -> None:
        row = a_request(order)
        cache.set(f"reasons:{order.source_store_id}:{row.external_id}", [("packed", "Product has been packed")])
        assert "Product has been packed" in page(alice, f"/cancellations/{row.pk}/refuse/")
        alice.post(f"/cancellations/{row.pk}/refuse/", {"reason": "packed", "comment": "It is on the truck."})
        kept = again(row)
        assert (kept.answer, kept.answer_reason, kept.answer_comment) == ("REFUSED", "packed", "It is on the truck.")

    def test_is_not_refused_without_a_reason(self, alice: Client, order: Order) -> None:
        row = a_request(order)
        cache.set(f"reasons:{order.source_store_id}:{row.external_id}", [("packed", "Product has been packed")])
        answer = alice.post(f"/cancellations/{row.pk}/refuse/", {"reason": ""}, follow=True)
        assert "Choose a reason" in answer.content.decode()
        assert answer.redirect_chain[-1][0] == f"/cancellations/{row.pk}/refuse/"
        assert again(row).answer == ""

    def test_that_was_refused_gives_no_money_back(self, alice: Client, order: Order) -> None:
        row = a_request(order)
        alice.post(f"/cancellations/{row.pk}/refuse/", {"reason": "packed"})
        asked(order, cancels=[cancellation(CancelStatus.WITHDRAWN, updated_at=timezone.now())])
        text = page(alice, f"/orders/{order.pk}/")
        assert "Refused by" in text
        assert "back to the buyer" not in text

    def test_is_asked_in_one_place(self, alice: Client, order: Order) -> None:
        a_request(order)
        assert alice.get(f"/orders/{order.pk}/").context["order"]["attention"] is None


class TestReturn:
    def test_is_listed_by_what_is_due_first(self, alice: Client, delivered: Order) -> None:
        a_return(delivered)
        text = page(alice, "/returns/")
        assert delivered.external_id[-6:] in text
        assert "Wrong item" in text
        assert "A refund that you make in a store is not told to TikTok Shop" in text
        assert "No return here" in page(alice, "/returns/?tab=completed")

    def test_is_answered_by_one_press_where_nothing_more_is_asked(self, alice: Client, delivered: Order) -> None:
        case = a_return(delivered)
        assert f"/returns/{case.pk}/answer/APPROVE_RETURN/" in page(alice, f"/orders/{delivered.pk}/")
        alice.post(f"/returns/{case.pk}/answer/APPROVE_RETURN/")
        assert again(case).answer["decision"] == "APPROVE_RETURN"
        assert "ANSWER_RETURN" in kinds(delivered)

    @pytest.mark.parametrize(
        ("amount", "kept"), [("5.00", 500), ("24.00", None), ("0", None), ("much", None), ("", None)]
    )
    def test_is_answered_with_a_part_of_the_money(
        self, alice: Client, delivered: Order, amount: str, kept: int | None
    ) -> None:
        case = a_return(delivered)
        assert "Amount in USD" in page(alice, f"/returns/{case.pk}/answer/OFFER_PART/")
        alice.post(f"/returns/{case.pk}/answer/OFFER_PART/", {"amount": amount})
        assert ((again(case).answer or {}).get("amount")) == kept

    def test_takes_no_answer_that_tiktok_does_not_ask_for(self, alice: Client, delivered: Order) -> None:
        case = a_return(delivered)
        answer = alice.post(f"/returns/{case.pk}/answer/APPROVE_GOODS/", follow=True)
        assert "does not take that answer now" in answer.content.decode()
        assert alice.get(f"/returns/{case.pk}/answer/REJECT_GOODS/").status_code == 302
        assert alice.get(f"/returns/{case.pk}/answer/NONSENSE/").status_code == 404

    def test_asks_what_becomes_of_the_goods(self, alice: Client, delivered: Order) -> None:
        case = a_return(delivered, status=ReturnStatus.COMPLETED, decisions=(), answer_by=None)
        with merchant_rows(delivered.merchant_id):
            Return.objects.filter(pk=case.pk).update(restock=Restock.ASKED)
        assert "Put back into stock" in page(alice, f"/orders/{delivered.pk}/")
        alice.post(f"/returns/{case.pk}/restock/", {"restock": "no"})
        assert again(case).restock == "NO"


class TestCancel:
    def test_of_what_has_left_is_refused_in_plain_words(self, alice: Client, delivered: Order) -> None:
        assert "A parcel of it has left" in page(alice, f"/orders/{delivered.pk}/cancel/")

    def test_is_said_once(self, alice: Client, order: Order) -> None:
        for _ in range(2):
            alice.post(f"/orders/{order.pk}/cancel/", {"reason": "out_of_stock", "what": "all"})
        assert kinds(order).count("CANCEL_AT_SOURCE") == 1

    @pytest.mark.parametrize(("wanted", "lines"), [(1, {"1": 1}), (2, {"1": 1, "2": 1})])
    def test_of_some_counts_equal_items_together(
        self, alice: Client, tiktok: ConnectedStore, wanted: int, lines: dict[str, int]
    ) -> None:
        three = (line("1"), line("2"), line("3", sku="TIN-LAV-04"))
        order = OrderFactory(source_store=tiktok, mirrored=True, changes={"lines": three})
        alice.post(f"/orders/{order.pk}/cancel/", {"reason": "out_of_stock", "what": "some", "units-1": str(wanted)})
        with merchant_rows(order.merchant_id):
            assert OutboxItem.objects.get(order=order, kind="CANCEL_AT_SOURCE").facts["lines"] == lines

    def test_of_several_answers_for_each(self, alice: Client, order: Order) -> None:
        assert order.external_id[-6:] in page(alice, "/orders/cancel/")
        answer = alice.post("/orders/cancel/", {"order": [order.pk, 999999, "x"], "reason": "out_of_stock"})
        assert answer.content.decode().count("Told to TikTok Shop") == 1
        assert kinds(order).count("CANCEL_AT_SOURCE") == 1

    def test_of_the_chosen_says_which_cannot_be(self, alice: Client, order: Order, tiktok: ConnectedStore) -> None:
        over = OrderFactory(source_store=tiktok, mirrored=True)
        with merchant_rows(order.merchant_id):
            Order.objects.filter(pk=over.pk).update(state=OrderState.CANCELLED)
        shown = alice.get(f"/orders/cancel/?order={order.pk}&order={over.pk}&order=x&order=999999").context
        assert [row["id"] for row in shown["rows"]] == [order.pk]
        assert [(row["id"], row["why"]) for row in shown["left_out"]] == [(over.pk, "The order is cancelled already.")]

    def test_of_several_leaves_out_what_has_left(self, alice: Client, delivered: Order) -> None:
        assert alice.get("/orders/cancel/").context["rows"] == []
        (row,) = alice.get(f"/orders/cancel/?order={delivered.pk}").context["left_out"]
        assert "parcel of it has left" in row["why"]

    def test_of_several_without_a_reason_does_nothing(self, alice: Client, order: Order) -> None:
        answer = alice.post("/orders/cancel/", {"order": [order.pk], "reason": ""})
        assert "Choose a reason." in answer.content.decode()
        assert "CANCEL_AT_SOURCE" not in kinds(order)


class TestSettings:
    SAID: dict[str, str] = {
        "answer_rules-0-name": "Mistakes",
        "answer_rules-0-reply": "ACCEPT",
        "answer_rules-0-reasons": "mistake, no longer needed",
        "answer_rules-0-at_most": "50.00",
        "answer_rules-0-within_hours": "2",
        "answer_rules-0-reason": "",
        "restock_cancelled": "yes",
        "cancels_at_source": "no",
        "cancel_reason": "out_of_stock",
        "store_reasons-0-word": "inventory",
        "store_reasons-0-reason": "out_of_stock",
        "restock_returns": "NEVER",
    }

    def save(self, alice: Client, shop: ConnectedStore, **changes: str) -> Any:
        path, said = f"/settings/aftersales/{shop.pk}/", {**self.SAID, **changes}
        look = alice.post(path, {**said, "step": "look"})
        found = look.context["look"]
        return alice.post(path, {**said, "step": "save", "seen": found.digest}, follow=True) if found else look

    def test_are_kept_as_a_version_after_a_look(self, alice: Client, tiktok: ConnectedStore) -> None:
        assert "Mistakes" in self.save(alice, tiktok).content.decode()
        with merchant_rows(tiktok.merchant_id):
            assert SettingsVersion.objects.filter(concern=Concern.AFTERSALES).count() == 1
            kept = AftersaleRules.from_json(state_of(concern=Concern.AFTERSALES, about=str(tiktok.pk)))
        (rule,) = kept.answer_rules
        assert (rule.reply, rule.at_most, rule.within_hours) == (Reply.ACCEPT, 5000, 2)
        assert rule.reasons == ("mistake", "no longer needed")
        assert (kept.restock_returns, list(kept.store_reasons)) == (Restocking.NEVER, ["INVENTORY"])

    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [
            ("answer_rules-0-reply", "REFUSE", "no refusal without a reason"),
            ("answer_rules-0-within_hours", "soon", "whole hours"),
            ("answer_rules-0-at_most", "much", "Rule 1"),
        ],
    )
    def test_that_make_no_sense_are_refused(
        self, alice: Client, tiktok: ConnectedStore, name: str, value: str, said: str
    ) -> None:
        answer = self.save(alice, tiktok, **{name: value})
        assert answer.status_code == 400
        assert said in answer.content.decode()
