"""The reference's own samples of after-sales calls, against what is asked and answered here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.world import World
from tests.sandbox.client import Answer, Client

ODD = {"is_combined_return"}  # the sample has "true " as a text


@pytest.fixture
def samples(contracts: Path) -> Path:
    return contracts / "samples/tiktok"


def sample(samples: Path, name: str) -> Answer:
    found: Answer = json.loads((samples / f"doc-{name}.json").read_text())
    return found


def differences(theirs: Any, ours: Any, place: str = "") -> Iterator[str]:
    """What ours has that theirs does not know, or has as another kind of value."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name, value in ours.items():
            if name not in theirs:
                yield f"{place}.{name} is unknown"
            elif name not in ODD:
                yield from differences(theirs[name], value, f"{place}.{name}")
    elif isinstance(ours, list) and isinstance(theirs, list):
        for one in ours:
            yield from differences(theirs[0], one, f"{place}[]")
    elif type(ours) is not type(theirs):
        yield f"{place} is {type(ours).__name__}, not {type(theirs).__name__}"


def call(client: Client, request: Answer, **args: str) -> Answer:
    return client.call(request["method"], request["path"].format(**args), request.get("request_body"))


class TestRequests:
    @pytest.mark.parametrize("name", ["cancellations-search", "returns-search"])
    def test_to_search_are_understood(self, client: Client, samples: Path, name: str) -> None:
        assert call(client, sample(samples, name))["code"] == 0

    @pytest.mark.parametrize("name", ["cancel-order", "calculate-refund"])
    def test_about_an_order_find_none(self, client: Client, samples: Path, name: str) -> None:
        assert call(client, sample(samples, name))["code"] == 25007006


class TestAnswers:
    def test_of_cancellations_have_the_samples_fields(self, client: Client, samples: Path) -> None:
        theirs = sample(samples, "cancellations-search")["response_body"]["data"]
        order_id = client.buy(hold=False)
        client.control("buyer_cancel", order_id=order_id)
        ours = client.call("POST", "/return_refund/202309/cancellations/search", {})["data"]
        assert list(differences(theirs, ours)) == []
        assert set(theirs["cancellations"][0]) == set(ours["cancellations"][0])

    def test_of_returns_have_the_samples_fields(self, client: Client, samples: Path) -> None:
        theirs = sample(samples, "returns-search")["response_body"]["data"]
        first = client.control("open_return", order_id=client.delivered())["return_id"]
        offer = {"amount": "1", "currency": "USD"}
        client.control("seller_decides", return_id=first, decision="OFFER_PARTIAL_REFUND", partial_refund=offer)
        client.control("answer_offer", return_id=first, accept=False)
        changed = client.control("change_return", return_id=first)["return_id"]
        client.control("seller_decides", return_id=changed, decision="REJECT_RETURN")
        client.control("appeal", return_id=changed)
        other = client.control("open_return", order_id=client.delivered(), combine_with=changed)["return_id"]
        client.control("seller_decides", return_id=other, decision="APPROVE_RETURN")
        client.control("hand_over", return_id=other)
        ours = client.call("POST", "/return_refund/202309/returns/search", {})["data"]
        assert list(differences(theirs, ours)) == []
        met = {name for row in ours["return_orders"] for name in row}
        assert set(theirs["return_orders"][0]) - met == {"return_shipping_document_type"}

    def test_of_eligibility_sums_and_reasons_have_the_samples_fields(self, client: Client, samples: Path) -> None:
        order_id = client.buy(hold=False)
        cancel_id = client.control("buyer_cancel", order_id=order_id)["cancel_id"]
        base = "/return_refund/202309"
        calculation = {
            "order_id": client.buy(),
            "request_type": "CANCEL",
            "reason_name": "seller_cancel_reason_out_of_stock",
        }
        for name, ours in (
            ("aftersale-eligibility", client.call("GET", f"{base}/orders/{order_id}/aftersale_eligibility")),
            ("calculate-refund", client.call("POST", f"{base}/refunds/calculate", calculation)),
            ("reject-reasons", client.call("GET", f"{base}/reject_reasons", return_or_cancel_id=cancel_id)),
        ):
            assert ours["code"] == 0
            assert list(differences(sample(samples, name)["response_body"], ours)) == []


class TestWebhooks:
    @pytest.mark.parametrize(
        ("kind", "name"), [(11, "cancellation-status-change"), (12, "return-status-change"), (1, "order-status-change")]
    )
    def test_have_the_samples_fields(
        self, client: Client, world: World, samples: Path, receiver: Any, kind: int, name: str
    ) -> None:
        address, got, _ = receiver
        client.control("webhook_settings", webhook_url=address)
        client.control("buyer_cancel", order_id=client.buy())
        client.control("open_return", order_id=client.delivered())
        world.outgoing.drain()
        theirs = sample(samples, f"webhook-{kind}-{name}")
        ours = [body for body in (json.loads(raw) for _, raw in got) if body["type"] == kind]
        assert ours
        for body in ours:
            assert (list(differences(theirs, body)), set(body["data"])) == ([], set(theirs["data"]))
