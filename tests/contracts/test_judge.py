"""The judge finds what it is there to find."""

from __future__ import annotations

import json

import pytest

from tests.contracts.judge import CONTRACTS, Judge

pytestmark = pytest.mark.skipif(not CONTRACTS.is_dir(), reason="needs the contracts folder")


class TestJudge:
    @pytest.mark.parametrize(
        "order",
        [
            {"nope": 1},
            {"number": "5"},
            {"buyerNote": "x" * 1001},
            {"channelInfo": {"type": "TEMU"}},
            {"recipientInfo": {"address": {"postalCode": 7030}}},
            {"lineItems": []},
            {"lineItems": [{"quantity": 0}]},
            {"lineItems": [{"productName": {"original": ""}}]},
            {"lineItems": {"quantity": 1}},
            {"archived": "no"},
            {"checkoutId": "5"},
        ],
    )
    def test_refuses_what_wix_does_not_know(self, order: dict[str, object]) -> None:
        judge = Judge("wix")
        body = json.dumps({"order": order}).encode()
        judge.look("orders.create", path="/ecom/v1/orders", request=body, status=200, answer=b"{}")
        assert judge.wrong

    def test_refuses_a_request_of_wix_without_what_it_needs_and_an_answer_wix_would_not_give(self) -> None:
        judge = Judge("wix")
        said = json.dumps({"orderTransactions": {"payments": [{"status": "PAID"}], "refunds": [{"cause": "x"}]}})
        path = "/ecom/v1/payments/orders/5/add-payment"
        judge.look("payments.add", path=path, request=b"{}", status=200, answer=said.encode())
        assert [each.partition(":")[0] for each in judge.wrong] == [
            "payments.add.payments",
            "payments.add answer.orderTransactions.payments[0].status",
            "payments.add answer.orderTransactions.refunds[0].cause",
        ]

    def test_lets_wix_count_its_orders_in_numbers(self) -> None:
        judge = Judge("wix")
        judge.look("orders.get", path="", request=None, status=200, answer=b'{"order": {"number": 10133}}')
        assert judge.wrong == []

    def test_refuses_a_request_and_an_answer_that_amazons_model_does_not_allow(self) -> None:
        judge = Judge("amazon")
        judge.look("orders.create", path="", request=b'{"items": 5}', status=200, answer=b'{"errors": "no"}')
        assert [each.partition(":")[0] for each in judge.wrong] == ["orders.create request", "orders.create answer"]
