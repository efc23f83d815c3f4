from __future__ import annotations

import json
import time
from typing import Any

import pytest
import requests

from sandbox.faults import Faults
from sandbox.tiktok_shop.state import SCOPES
from sandbox.world import World
from tests.sandbox.client import APP, UPS, Answer, Client

SEARCH = "/order/202309/orders/search"
Receiver = tuple[str, list[tuple[dict[str, str], bytes]], list[int]]


def break_(url: str, kind: str, operation: str = "*", **settings: Any) -> None:
    fault = {"platform": "tiktok_shop", "operation": operation, "kind": kind, **settings}
    answer = requests.post(f"{url}/_sandbox/faults", json=fault, timeout=5)
    assert answer.ok, answer.text


def search(client: Client) -> Answer:
    return client.call("POST", SEARCH, {}, page_size="5")


def events(world: World, event: str) -> int:
    return sum(entry["event"] == event for entry in world.ledger)


def last_note(world: World) -> str:
    """The client sees its connection dropped a moment before the sandbox writes its journal."""
    for _ in range(200):
        if note := str([entry for entry in world.journal if entry["direction"] == "in"][-1]["note"]):
            return note
        time.sleep(0.01)
    return ""


class TestFaultOfACall:
    @pytest.mark.parametrize(("status", "code"), [(429, 36009002), (500, 36009003), (503, 36009007), (401, 105002)])
    def test_status_is_told_in_the_platforms_shape(self, client: Client, status: int, code: int) -> None:
        break_(client.url, "status", "orders.search", status=status)
        answer = client.call("POST", SEARCH, {}, status, page_size="5")
        assert (answer["code"], answer["data"]) == (code, None)
        assert search(client)["code"] == 0

    def test_status_may_say_when_to_come_again(self, client: Client) -> None:
        break_(client.url, "status", status=429, retry_after=7)
        answer = requests.get(f"{client.url}/tiktok_shop/services/open/authorize", timeout=5)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")

    def test_is_counted(self, client: Client) -> None:
        break_(client.url, "status", "orders.search", status=500)
        client.call("POST", SEARCH, {}, 500, page_size="5")
        search(client)
        rows = requests.get(f"{client.url}/_sandbox/calls", timeout=5).json()["calls"]
        found = {row["fault"]: row["calls"] for row in rows if row["operation"] == "orders.search"}
        assert found == {"status": 1, "": 1}

    def test_stall_answers_late(self, client: Client) -> None:
        break_(client.url, "stall", seconds=0.15)
        before = time.monotonic()
        assert search(client)["code"] == 0
        assert time.monotonic() - before >= 0.15

    def test_reset_before_does_nothing(self, client: Client, world: World) -> None:
        order_id = client.buy(hold=False)
        break_(client.url, "reset_before", "orders.ship")
        with pytest.raises(requests.ConnectionError):
            client.ship(order_id)
        assert events(world, "package.shipped") == 0
        assert client.ship(order_id)["code"] == 0

    def test_reset_after_has_done_it(self, client: Client, world: World) -> None:
        order_id = client.buy(hold=False)
        break_(client.url, "reset_after", "orders.ship")
        with pytest.raises(requests.ConnectionError):
            client.ship(order_id)
        assert (events(world, "package.shipped"), last_note(world)) == (1, "fault reset_after, done with 200")
        assert client.ship(order_id)["code"] == 21011040

    def test_error_after_has_done_it(self, client: Client, world: World) -> None:
        order_id = client.buy(hold=False)
        break_(client.url, "error_after", "orders.ship")
        assert client.ship(order_id)["code"] == 36009003
        assert events(world, "package.shipped") == 1

    def test_silence_after_has_done_it(self, client: Client, world: World) -> None:
        order_id = client.buy(hold=False)
        break_(client.url, "silence_after", "orders.ship", seconds=0.15)
        before = time.monotonic()
        with pytest.raises(requests.ConnectionError):
            client.ship(order_id)
        assert time.monotonic() - before >= 0.15
        assert events(world, "package.shipped") == 1

    @pytest.mark.parametrize("seconds", [30, 900])
    def test_late_commit_does_it_behind_ones_back(self, client: Client, world: World, seconds: int) -> None:
        order_id = client.buy(hold=False)
        break_(client.url, "late_commit", "orders.ship", seconds=seconds)
        with pytest.raises(requests.ConnectionError):
            client.ship(order_id)
        world.advance(seconds - 1)
        assert client.order(order_id)["status"] == "AWAITING_SHIPMENT"
        world.advance(1)
        assert client.order(order_id)["status"] == "AWAITING_COLLECTION"

    def test_stale_lookup_does_not_know_yet(self, client: Client, world: World) -> None:
        order_id = client.buy()
        world.advance(10)
        break_(client.url, "stale_lookup", "orders.search", seconds=30)
        assert search(client)["data"]["orders"] == []
        assert [order["id"] for order in search(client)["data"]["orders"]] == [order_id]

    def test_garbage_is_no_json(self, client: Client) -> None:
        break_(client.url, "garbage", "orders.search")
        with pytest.raises(requests.JSONDecodeError):
            search(client)

    def test_leaves_the_next_connection_alone(self, client: Client) -> None:
        break_(client.url, "reset_after", "authorize")
        with requests.Session() as session:
            page = f"{client.url}/tiktok_shop/services/open/authorize"
            with pytest.raises(requests.ConnectionError):
                session.get(page, timeout=5)
            assert session.get(f"{page}?service_id=svc1", timeout=5).ok

    def test_is_for_its_own_operation_and_platform(self, client: Client) -> None:
        break_(client.url, "status", "orders.detail", status=500)
        requests.post(f"{client.url}/_sandbox/faults", json={"platform": "shopify", "kind": "status"}, timeout=5)
        assert search(client)["code"] == 0
        requests.delete(f"{client.url}/_sandbox/faults?platform=tiktok_shop", timeout=5)
        left = requests.get(f"{client.url}/_sandbox/faults", timeout=5).json()["faults"]
        assert [fault["platform"] for fault in left] == ["shopify"]

    def test_of_a_share_is_the_same_for_the_same_seed(self) -> None:
        def taken() -> list[bool]:
            faults = Faults()
            faults.seed(7)
            faults.add("*", kind="status", times=-1, probability=0.3)
            return [faults.take("x", "y") is not None for _ in range(200)]

        assert taken() == taken()
        assert 40 <= sum(taken()) <= 80


class TestDice:
    def fall(self, seed: int, *, others: bool) -> list[bool]:
        faults = Faults()
        faults.add("shopify", kind="status", times=-1, probability=0.5)
        faults.seed(seed)
        fell = []
        for _ in range(30):
            if others:
                faults.take("shopify", "orders")
            fell.append(faults.take("shopify", "orderCreate") is not None)
        return fell

    def test_fall_alike_for_one_seed(self) -> None:
        assert self.fall(1, others=False) == self.fall(1, others=False)

    def test_fall_otherwise_for_another(self) -> None:
        assert self.fall(1, others=False) != self.fall(2, others=False)

    def test_do_not_mind_calls_of_another_operation(self) -> None:
        assert self.fall(1, others=True) == self.fall(1, others=False)

    def test_share_out_the_seconds_where_told(self) -> None:
        faults = Faults()
        faults.add("wix", kind="late_commit", times=-1, seconds=30, is_up_to=True)
        taken = [faults.take("wix", "orders.create") for _ in range(20)]
        seconds = [fault.seconds for fault in taken if fault]
        assert len(set(seconds)) == 20
        assert all(0 <= each <= 30 for each in seconds)


class TestFaultOfAWebhook:
    @pytest.fixture
    def got(self, client: Client, receiver: Receiver) -> list[tuple[dict[str, str], bytes]]:
        client.control("webhook_settings", webhook_url=receiver[0])
        return receiver[1]

    def statuses(self, got: list[tuple[dict[str, str], bytes]]) -> list[str]:
        return [json.loads(raw)["data"]["order_status"] for _, raw in got]

    def test_loses_it_for_good(self, client: Client, world: World, got: Any) -> None:
        break_(client.url, "webhook_lose", "ORDER_STATUS_CHANGE")
        client.buy()
        world.advance(90_000)
        world.outgoing.drain()
        assert self.statuses(got) == ["ON_HOLD", "AWAITING_SHIPMENT"]

    def test_sends_it_as_often_as_told(self, client: Client, world: World, got: Any) -> None:
        break_(client.url, "webhook_duplicate", copies=3)
        client.control("buy", pay=False)
        world.outgoing.drain()
        assert len(got) == 3
        assert len({raw for _, raw in got}) == 1

    def test_scatters_it_over_time(self, client: Client, world: World, got: Any) -> None:
        requests.post(f"{client.url}/_sandbox/seed", json={"random": 3}, timeout=5)
        break_(client.url, "webhook_scatter", copies=5, seconds=600, times=-1)
        for _ in range(5):
            client.control("buy", pay=False)
        early = world.outgoing.drain()
        world.advance(600)
        world.outgoing.drain()
        assert early < len(got)
        assert len({raw for _, raw in got}) == 5
        assert 5 < len(got) <= 25

    def test_is_told_by_the_ledger_when_it_was_lost(self, client: Client, world: World, got: Any) -> None:
        break_(client.url, "webhook_lose", "ORDER_STATUS_CHANGE")
        order_id = client.control("buy", pay=False)["order_id"]
        lost = [entry for entry in world.ledger if entry["event"] == "webhook.lost"]
        assert [(entry["key"], entry["what"]) for entry in lost] == [(order_id, "ORDER_STATUS_CHANGE")]

    def test_delays_it(self, client: Client, world: World, got: Any) -> None:
        break_(client.url, "webhook_delay", seconds=600)
        client.buy()
        world.outgoing.drain()
        assert self.statuses(got) == ["ON_HOLD"]
        world.advance(600)
        world.outgoing.drain()
        assert self.statuses(got) == ["ON_HOLD", "UNPAID"]

    def test_lets_the_next_one_overtake(self, client: Client, world: World, got: Any) -> None:
        break_(client.url, "webhook_reorder")
        client.buy()
        world.outgoing.drain()
        assert self.statuses(got) == ["ON_HOLD", "UNPAID"]

    def test_lets_a_lonely_one_go_at_last(self, client: Client, world: World, got: Any) -> None:
        break_(client.url, "webhook_reorder")
        client.control("buy", pay=False)
        world.outgoing.drain()
        assert self.statuses(got) == ["UNPAID"]


class TestWebhook:
    def test_is_tried_five_times_on_the_platforms_schedule(
        self, client: Client, world: World, receiver: Receiver
    ) -> None:
        address, got, statuses = receiver
        statuses[:] = [500]
        client.control("webhook_settings", webhook_url=address)
        client.control("buy", pay=False)
        world.outgoing.drain()
        for tries, seconds in enumerate((120, 1800, 10_800, 43_200), start=1):
            world.advance(seconds - 1)
            assert (world.outgoing.drain(), len(got)) == (0, tries)
            world.advance(1)
            assert (world.outgoing.drain(), len(got)) == (1, tries + 1)
        world.advance(10 * 86_400)
        assert (world.outgoing.drain(), world.outgoing.waiting()) == (0, 0)
        assert "dropped for good" in [entry for entry in world.journal if entry["direction"] == "out"][-1]["note"]
        assert len({json.loads(raw)["tts_notification_id"] for _, raw in got}) == 1

    @pytest.mark.parametrize("status", [201, 204, 401, 404])
    def test_is_tried_again_after_anything_but_200(
        self, client: Client, world: World, receiver: Receiver, status: int
    ) -> None:
        address, got, statuses = receiver
        statuses[:] = [status, 200]
        client.control("webhook_settings", webhook_url=address)
        client.control("buy", pay=False)
        world.outgoing.drain()
        world.advance(120)
        world.outgoing.drain()
        assert (len(got), world.outgoing.waiting()) == (2, 0)

    def test_goes_to_loopback_only(self, client: Client, world: World) -> None:
        client.control("webhook_settings", webhook_url="http://192.0.2.1/hook")
        client.control("buy", pay=False)
        assert world.outgoing.waiting() == 0
        assert "not loopback" in world.journal[-1]["note"]

    def test_tells_of_address_package_farewell_and_expiry(
        self, client: Client, world: World, receiver: Receiver
    ) -> None:
        address, got, _ = receiver
        client.control("webhook_settings", webhook_url=address, muted=["ORDER_STATUS_CHANGE"])
        order_id = client.buy(hold=False, lines=[{"sku": "CND-FIG-08", "quantity": 2}])
        client.control("change_address", order_id=order_id, address={"postal_code": "07103"})
        line = client.order(order_id)["line_items"][0]["id"]
        package_id = client.ship(order_id, order_line_item_ids=[line])["data"]["package_id"]
        client.control("warn_expiry", seller="alice")
        client.control("deauthorize", seller="alice")
        world.outgoing.drain()
        bodies = [json.loads(raw) for _, raw in got]
        assert [body["type"] for body in bodies] == [3, 4, 7, 7, 7, 6, 6, 6]  # the last two once for each shop
        moved, split, expiring = (body["data"] for body in bodies[:3])
        assert set(moved) == {"order_id", "update_time"}
        assert "tts_notification_id" not in bodies[0]
        assert split["package_list"] == [{"package_id": package_id, "order_id_list": [order_id]}]
        assert (split["sc_type"], split["role_type"]) == ("SPLIT", "ROLE_SELLER")
        assert isinstance(expiring["expiration_time"], str)
        assert "deauthorized" in bodies[-1]["data"]["message"]

    def test_stops_with_the_approval(self, client: Client, world: World, receiver: Receiver) -> None:
        address, got, _ = receiver
        client.control("deauthorize", seller="alice")
        client.control("webhook_settings", webhook_url=address)
        client.buy()
        world.outgoing.drain()
        assert got == []
        assert client.call("POST", SEARCH, {}, 401, page_size="5")["code"] == 105002

    def test_warns_daily_within_thirty_days_of_the_end(self, client: Client, world: World, receiver: Receiver) -> None:
        address, got, _ = receiver
        client.control("webhook_settings", webhook_url=address)
        world.advance(334 * 86_400)
        world.outgoing.drain()
        assert got == []
        for _ in range(2):
            world.advance(86_400)
            world.outgoing.drain()
        assert [json.loads(raw)["type"] for _, raw in got] == [7] * 6


class TestTracking:
    def update(self, client: Client, package_id: str) -> int:
        path = f"/fulfillment/202309/packages/{package_id}/shipping_info/update"
        body = {"tracking_number": "1Z999AA10123456799", "shipping_provider_id": UPS}
        code: int = client.call("POST", path, body)["code"]
        return code

    def test_changes_until_the_seventy_second_hour(self, client: Client, world: World) -> None:
        in_time = client.ship(client.buy(hold=False))["data"]["package_id"]
        too_late = client.ship(client.buy(hold=False), "1Z999AA10123456785")["data"]["package_id"]
        world.advance(72 * 3600)
        assert self.update(client, in_time) == 0
        world.advance(1)
        assert self.update(client, too_late) == 21011049

    def test_does_not_change_before_shipping_or_after_delivery(self, client: Client) -> None:
        order_id = client.buy(hold=False)
        package_id = client.ship(order_id)["data"]["package_id"]
        client.control("deliver", order_id=order_id)
        assert self.update(client, package_id) == 21011030
        assert self.update(client, "115300000000000001") == 21011028


class TestScope:
    @pytest.mark.parametrize(
        ("lacking", "method", "path", "query"),
        [
            ("seller.order.info", "POST", SEARCH, {"page_size": "5"}),
            ("seller.fulfillment.basic", "POST", "/fulfillment/202309/orders/1/packages", {}),
            ("seller.logistics", "GET", "/logistics/202309/warehouses", {}),
            ("seller.return_refund.basic", "POST", "/return_refund/202309/cancellations/search", {}),
            ("seller.authorization.info", "GET", "/event/202309/webhooks", {}),
        ],
    )
    def test_that_is_lacking_refuses_the_call(
        self, client: Client, lacking: str, method: str, path: str, query: dict[str, str]
    ) -> None:
        app = {**APP, "scopes": [scope for scope in SCOPES if scope != lacking]}
        client.control("app", **app)
        code = client.allow()["code"][0]
        answer = client.tokens("get", auth_code=code, grant_type="authorized_code")["data"]
        assert lacking not in answer["granted_scopes"]
        client.token = answer["access_token"]
        assert client.call(method, path, None if method == "GET" else {}, **query)["code"] == 105005


class TestConnection:
    def test_serves_one_request_after_another(self, client: Client) -> None:
        """Also after an answer without a body, or a body that nobody asked for."""
        with requests.Session() as session:
            for method in ("GET", "HEAD", "POST", "DELETE", "GET"):
                url = f"{client.url}/tiktok_shop/api/nowhere"
                answer = session.request(method, url, data=b"x" * 70_000 if method == "POST" else None, timeout=5)
                assert answer.status_code == 404
                assert "close" not in answer.headers.get("Connection", "")
