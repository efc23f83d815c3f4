"""The Amazon half refuses what Amazon refuses, and answers in the official model's shapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema_rs
import pytest
import requests

from sandbox.world import World

APP = {
    "app_id": "amzn1.sp.solution.test",
    "client_id": "amzn1.application-oa2-client.test",
    "client_secret": "amzn1.oa2-cs.v1.test",
    "redirect_urls": ["http://127.0.0.1:9/back"],
    "login_url": "http://127.0.0.1:9/login",
}
BACK = "http://127.0.0.1:9/back"
US = "ATVPDKIKX0DER"
OUTBOUND = "/na/fba/outbound/2020-07-01"
ADDRESS = {
    "name": "Jane Doe",
    "addressLine1": "12 Harbor Street",
    "city": "Hoboken",
    "stateOrRegion": "NJ",
    "postalCode": "07030",
    "countryCode": "US",
}


ITEM = {"sellerSku": "CND-FIG-08", "sellerFulfillmentOrderItemId": "1", "quantity": 2}


class Client:
    """Speaks to the half as an app would."""

    def __init__(self, url: str, world: World) -> None:
        self.url, self.world = url, world
        self.control("app", **APP)
        self.back = self.allow()
        self.pair = self.token(grant_type="authorization_code", code=self.back["spapi_oauth_code"]).json()

    def control(self, verb: str, **body: Any) -> dict[str, Any]:
        answer = requests.post(f"{self.url}/_sandbox/amazon/{verb}", json=body, timeout=5)
        assert answer.ok, answer.text
        return dict(answer.json())

    def consent(self, **changes: str) -> requests.Response:
        form = {"application_id": APP["app_id"], "redirect_uri": BACK, "state": "s1", "decision": "allow", **changes}
        return requests.post(f"{self.url}/amazon/consent", data=form, timeout=5, allow_redirects=False)

    def allow(self, **changes: str) -> dict[str, str]:
        query = parse_qs(urlsplit(self.consent(**changes).headers["Location"]).query)
        return {name: values[0] for name, values in query.items()}

    def token(self, **form: str) -> requests.Response:
        body = {"client_id": APP["client_id"], "client_secret": APP["client_secret"], "redirect_uri": BACK, **form}
        return requests.post(f"{self.url}/amazon/auth/o2/token", data=body, timeout=5)

    def call(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        headers = {"x-amz-access-token": self.pair["access_token"]}
        url = f"{self.url}/amazon/api{path}"
        answer = requests.request(method, url, json=body, headers=headers, timeout=5)
        assert answer.status_code == status, answer.text
        assert answer.headers["x-amzn-RequestId"]
        return answer.json()

    def order(self, **changes: Any) -> dict[str, Any]:
        made = {
            "marketplaceId": US,
            "sellerFulfillmentOrderId": "TT-5764",
            "displayableOrderId": "5764",
            "displayableOrderDate": "2026-01-01T00:00:00Z",
            "displayableOrderComment": "Thank you",
            "shippingSpeedCategory": "Standard",
            "destinationAddress": ADDRESS,
            "items": [ITEM],
            **changes,
        }
        return {name: value for name, value in made.items() if value is not ...}

    def create(self, status: int = 200, **changes: Any) -> Any:
        return self.call("POST", f"{OUTBOUND}/fulfillmentOrders", self.order(**changes), status)

    def get(self, order_id: str = "TT-5764") -> dict[str, Any]:
        return dict(self.call("GET", f"{OUTBOUND}/fulfillmentOrders/{order_id}")["payload"])

    def status(self, order_id: str = "TT-5764") -> str:
        return str(self.get(order_id)["fulfillmentOrder"]["fulfillmentOrderStatus"])


@pytest.fixture
def amazon(url: str, world: World) -> Client:
    return Client(url, world)


@pytest.fixture
def valid(contracts: Path) -> Any:
    """Whether a value has the shape of a definition of the official model."""

    def check(value: Any, definition: str, file: str = "fulfillmentOutbound_2020-07-01.json") -> None:
        definitions = json.loads((contracts / "amazon" / file).read_text())["definitions"]
        schema = {"$ref": f"#/definitions/{definition}", "definitions": definitions}
        jsonschema_rs.validator_for(schema).validate(value)

    return check


class TestConsent:
    def test_brings_the_seller_the_state_and_a_code_under_its_own_name(self, amazon: Client) -> None:
        assert set(amazon.back) == {"state", "selling_partner_id", "spapi_oauth_code"}

    def test_may_hop_over_the_apps_log_in(self, amazon: Client) -> None:
        amazon.control("settings", login_hop=True)
        location = amazon.consent().headers["Location"]
        assert location.startswith(str(APP["login_url"]))
        hop = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        query = {"amazon_state": hop["amazon_state"], "state": "ours", "redirect_uri": BACK}
        again = requests.get(hop["amazon_callback_uri"], params=query, timeout=5, allow_redirects=False)
        back = parse_qs(urlsplit(again.headers["Location"]).query)
        assert (back["state"], "spapi_oauth_code" in back) == (["ours"], True)
        late = requests.get(hop["amazon_callback_uri"], params=query, timeout=5, allow_redirects=False)
        assert late.status_code == 400

    def test_to_a_draft_is_asked_for_by_its_version(self, amazon: Client) -> None:
        amazon.control("app", **APP, is_draft=True)
        assert amazon.consent().status_code == 400
        assert amazon.consent(version="beta").status_code == 302

    @pytest.mark.parametrize("changes", [{"application_id": "x"}, {"redirect_uri": "http://evil.example"}])
    def test_is_not_asked_for_a_stranger(self, amazon: Client, changes: dict[str, str]) -> None:
        assert amazon.consent(**changes).status_code == 400


class TestToken:
    def test_of_a_code_works_once(self, amazon: Client) -> None:
        again = amazon.token(grant_type="authorization_code", code=amazon.back["spapi_oauth_code"])
        assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")

    def test_keeps_its_refresh_token(self, amazon: Client) -> None:
        fresh = amazon.token(grant_type="refresh_token", refresh_token=amazon.pair["refresh_token"]).json()
        assert fresh["refresh_token"] == amazon.pair["refresh_token"]
        assert fresh["access_token"] != amazon.pair["access_token"]

    def test_lapses_after_an_hour(self, amazon: Client, world: World) -> None:
        world.advance(3601)
        amazon.call("GET", f"{OUTBOUND}/features?marketplaceId={US}", status=403)

    def test_is_refused_without_the_secret(self, amazon: Client) -> None:
        assert amazon.token(grant_type="refresh_token", client_secret="x").status_code == 401

    def test_is_refused_at_another_region(self, amazon: Client) -> None:
        amazon.call("GET", f"/eu/fba/outbound/2020-07-01/features?marketplaceId={US}", status=403)


class TestCreate:
    def test_answers_an_empty_object(self, amazon: Client) -> None:
        assert amazon.create() == {}
        assert amazon.status() == "Received"

    @pytest.mark.parametrize(
        "name",
        [
            "sellerFulfillmentOrderId",
            "displayableOrderId",
            "displayableOrderDate",
            "displayableOrderComment",
            "shippingSpeedCategory",
            "destinationAddress",
            "items",
        ],
    )
    def test_needs_its_required_fields(self, amazon: Client, name: str) -> None:
        assert amazon.create(400, **{name: ...})["errors"][0]["code"] == "InvalidInput"

    @pytest.mark.parametrize(
        "changes",
        [
            {"sellerFulfillmentOrderId": "x" * 41},
            {"displayableOrderComment": "x" * 751},
            {"shippingSpeedCategory": "Overnight"},
            {"fulfillmentPolicy": "FillSome"},
            {"destinationAddress": {**ADDRESS, "city": ""}},
            {"destinationAddress": {**ADDRESS, "postalCode": 7030}},
            {"destinationAddress": {**ADDRESS, "name": "x" * 51}},
            {"destinationAddress": {**ADDRESS, "countryCode": "USA"}},
            {"items": []},
            {"items": [{"sellerSku": "NOPE", "sellerFulfillmentOrderItemId": "1", "quantity": 1}]},
            {"items": [{"sellerSku": "CND-FIG-08", "sellerFulfillmentOrderItemId": "1", "quantity": "1"}]},
            {"items": [{"sellerSku": "CND-FIG-08", "sellerFulfillmentOrderItemId": "1", "quantity": 251}]},
            {"items": [{"sellerSku": "CND-FIG-08", "sellerFulfillmentOrderItemId": "1", "quantity": 1}] * 2},
            {"featureConstraints": [{"featureName": "GOLD_BOX", "featureFulfillmentPolicy": "Required"}]},
            {"marketplaceId": "A1F83G8C2ARO7P"},
            {"shippingSpeedCategory": "ScheduledDelivery"},
            {"destinationAddress": {**ADDRESS, "phone": 12015550123}},
            {"items": [{**ITEM, "perUnitDeclaredValue": {"currencyCode": "USD", "value": 24.0}}]},
            {"items": [{**ITEM, "perUnitDeclaredValue": {"currencyCode": "USD", "value": "24,00"}}]},
        ],
    )
    def test_refuses_what_is_wrong(self, amazon: Client, changes: dict[str, Any]) -> None:
        amazon.create(400, **changes)

    def test_of_a_known_id_is_refused_or_does_nothing(self, amazon: Client, world: World) -> None:
        amazon.create()
        assert "already exists" in amazon.create(400)["errors"][0]["message"]
        amazon.control("settings", repeat_id="accept")
        assert amazon.create() == {}
        assert len([entry for entry in world.ledger if entry["event"] == "order.created"]) == 1

    def test_of_more_than_is_in_stock_cannot_be_fulfilled(self, amazon: Client) -> None:
        amazon.control("set_stock", sku="CND-FIG-08", quantity=1)
        amazon.create()
        assert amazon.status() == "Unfulfillable"

    def test_of_more_than_is_in_stock_is_shipped_in_part_if_that_is_wanted(self, amazon: Client) -> None:
        amazon.control("set_stock", sku="CND-FIG-08", quantity=1)
        amazon.create(fulfillmentPolicy="FillAllAvailable")
        amazon.control("ship", order="TT-5764", tracking_number="TBA1")
        assert amazon.status() == "CompletePartialled"
        amazon.create(sellerFulfillmentOrderId="TT-2", fulfillmentPolicy="FillAllAvailable")
        assert amazon.status("TT-2") == "Unfulfillable"

    def test_may_be_refused_with_a_200(self, amazon: Client) -> None:
        amazon.control("settings", refusal_status=200)
        assert amazon.create(200, items=[])["errors"]

    def test_may_not_get_a_blank_box(self, amazon: Client) -> None:
        amazon.control("settings", blank_box=False)
        constraint = [{"featureName": "BLANK_BOX", "featureFulfillmentPolicy": "Required"}]
        amazon.create(400, featureConstraints=constraint)


class TestLife:
    def test_goes_on_by_the_clock_until_picking(self, amazon: Client, world: World) -> None:
        amazon.control("settings", auto_plan_seconds=60)
        amazon.create()
        world.advance(2)
        assert amazon.status() == "Planning"
        world.advance(60)
        assert amazon.status() == "Processing"

    def test_on_hold_is_cancelled_after_two_weeks(self, amazon: Client, world: World) -> None:
        amazon.create(fulfillmentAction="Hold")
        world.advance(2)
        assert amazon.status() == "Received"
        world.advance(14 * 86_400)
        amazon.pair = amazon.token(grant_type="refresh_token", refresh_token=amazon.pair["refresh_token"]).json()
        assert amazon.status() == "Cancelled"

    def test_is_released_by_an_update(self, amazon: Client, world: World) -> None:
        amazon.create(fulfillmentAction="Hold")
        amazon.call("PUT", f"{OUTBOUND}/fulfillmentOrders/TT-5764", {"fulfillmentAction": "Ship"})
        world.advance(2)
        assert amazon.status() == "Planning"

    def test_ends_with_a_cancel_only_before_picking(self, amazon: Client) -> None:
        amazon.create()
        amazon.control("advance_order", order="TT-5764", status="Processing")
        amazon.call("PUT", f"{OUTBOUND}/fulfillmentOrders/TT-5764/cancel", status=400)
        amazon.control("advance_order", order="TT-5764", status="Planning")
        amazon.call("PUT", f"{OUTBOUND}/fulfillmentOrders/TT-5764/cancel")
        assert amazon.status() == "Cancelled"

    def test_gives_back_what_it_kept_when_it_is_cancelled(self, amazon: Client) -> None:
        amazon.control("set_stock", sku="CND-FIG-08", quantity=1)
        amazon.create(fulfillmentPolicy="FillAllAvailable")
        amazon.call("PUT", f"{OUTBOUND}/fulfillmentOrders/TT-5764/cancel")
        amazon.create(sellerFulfillmentOrderId="TT-2")
        assert amazon.status("TT-2") == "Unfulfillable"

    def test_cannot_be_read_under_an_id_with_a_space(self, amazon: Client) -> None:
        amazon.create(sellerFulfillmentOrderId="TT 5764")
        amazon.call("GET", f"{OUTBOUND}/fulfillmentOrders/TT%205764", status=403)

    def test_is_moved_by_the_sandboxes_own_call(self, amazon: Client) -> None:
        amazon.create()
        path = f"{OUTBOUND}/fulfillmentOrders/TT-5764/status"
        amazon.call("PUT", path, {"fulfillmentOrderStatus": "Invalid"})
        assert amazon.status() == "Invalid"


class TestShipping:
    def test_in_two_packages_makes_two_shipments(self, amazon: Client, valid: Any) -> None:
        amazon.create()
        for number in ("TBA1", "TBA2"):
            amazon.control("ship", order="TT-5764", tracking_number=number, lines={"CND-FIG-08": 1})
        told = amazon.get()
        assert told["fulfillmentOrder"]["fulfillmentOrderStatus"] == "Complete"
        assert len(told["fulfillmentShipments"]) == 2
        valid({"payload": told}, "GetFulfillmentOrderResponse")

    def test_is_pending_until_it_left(self, amazon: Client, valid: Any) -> None:
        amazon.create()
        amazon.control("ship", order="TT-5764", tracking_number="TBA1", is_only_packed=True)
        told = amazon.get()
        assert told["fulfillmentShipments"][0]["fulfillmentShipmentStatus"] == "PENDING"
        assert told["fulfillmentOrder"]["fulfillmentOrderStatus"] == "Processing"
        valid({"payload": told}, "GetFulfillmentOrderResponse")
        amazon.control("leave", order="TT-5764")
        assert amazon.status() == "Complete"

    def test_may_have_no_number_at_first_or_only_amazons_own(self, amazon: Client) -> None:
        amazon.create()
        amazon.control("ship", order="TT-5764", lines={"CND-FIG-08": 1})
        package = amazon.get()["fulfillmentShipments"][0]["fulfillmentShipmentPackage"][0]
        assert "trackingNumber" not in package
        amazon.control("settings", own_tracking_only=True)
        amazon.control("ship", order="TT-5764", tracking_number="TBA2")
        package = amazon.get()["fulfillmentShipments"][1]["fulfillmentShipmentPackage"][0]
        assert (package.get("trackingNumber"), package["amazonFulfillmentTrackingNumber"]) == (None, "TBA2")

    def test_is_tracked_by_package(self, amazon: Client, valid: Any) -> None:
        amazon.create()
        amazon.control("ship", order="TT-5764", tracking_number="TBA1")
        number = amazon.get()["fulfillmentShipments"][0]["fulfillmentShipmentPackage"][0]["packageNumber"]
        told = amazon.call("GET", f"{OUTBOUND}/tracking?packageNumber={number}")
        assert told["payload"]["trackingNumber"] == "TBA1"
        valid(told, "GetPackageTrackingDetailsResponse")


class TestList:
    def test_pages_and_ends_with_an_empty_token(self, amazon: Client, valid: Any) -> None:
        amazon.control("settings", page_size=1)
        for number in ("1", "2"):
            amazon.create(sellerFulfillmentOrderId=f"TT-{number}")
        page = amazon.call("GET", f"{OUTBOUND}/fulfillmentOrders?queryStartDate=2025-12-31T00:00:00Z")
        valid(page, "ListAllFulfillmentOrdersResponse")
        rest = amazon.call("GET", f"{OUTBOUND}/fulfillmentOrders?nextToken={page['payload']['nextToken']}")
        assert rest["payload"]["nextToken"] == ""
        ids = [
            each["sellerFulfillmentOrderId"]
            for each in (page["payload"], rest["payload"])
            for each in each["fulfillmentOrders"]
        ]
        assert ids == ["TT-1", "TT-2"]

    def test_may_shout_and_write_numbers_as_text(self, amazon: Client) -> None:
        amazon.control("settings", upper_case_statuses=True, string_integers=True)
        amazon.create()
        told = amazon.get()
        assert told["fulfillmentOrder"]["fulfillmentOrderStatus"] == "RECEIVED"
        assert told["fulfillmentOrderItems"][0]["quantity"] == "2"


class TestPace:
    def test_is_a_burst_of_thirty_refilled_by_two_a_second(self, amazon: Client, world: World) -> None:
        path = f"{OUTBOUND}/features?marketplaceId={US}"
        for _ in range(30):
            amazon.call("GET", path)
        assert amazon.call("GET", path, status=429)["errors"][0]["code"] == "QuotaExceeded"
        world.advance(0.5)
        amazon.call("GET", path)


class TestPreview:
    def test_tells_dates_and_fees_or_why_not(self, amazon: Client, valid: Any) -> None:
        items = amazon.order()["items"]
        told = amazon.call("POST", f"{OUTBOUND}/fulfillmentOrders/preview", {"address": ADDRESS, "items": items})
        valid(told, "GetFulfillmentPreviewResponse")
        assert [each["isFulfillable"] for each in told["payload"]["fulfillmentPreviews"]] == [True] * 3
        amazon.control("set_stock", sku="CND-FIG-08", quantity=0)
        told = amazon.call("POST", f"{OUTBOUND}/fulfillmentOrders/preview", {"address": ADDRESS, "items": items})
        valid(told, "GetFulfillmentPreviewResponse")
        assert told["payload"]["fulfillmentPreviews"][0]["orderUnfulfillableReasons"]


class TestStock:
    def test_is_told_for_a_marketplace_and_some_skus(self, amazon: Client, valid: Any) -> None:
        query = f"granularityType=Marketplace&granularityId={US}&marketplaceIds={US}&details=true"
        told = amazon.call("GET", f"/na/fba/inventory/v1/summaries?{query}&sellerSkus=CND-FIG-08,NOPE")
        (row,) = told["payload"]["inventorySummaries"]
        assert row["inventoryDetails"]["fulfillableQuantity"] == 100
        valid(told, "GetInventorySummariesResponse", "fbaInventory.json")
        amazon.call("GET", "/na/fba/inventory/v1/summaries", status=400)

    def test_is_told_in_pages(self, amazon: Client, valid: Any) -> None:
        amazon.control("settings", page_size=4)
        query = f"granularityType=Marketplace&granularityId={US}&marketplaceIds={US}"
        first = amazon.call("GET", f"/na/fba/inventory/v1/summaries?{query}")
        valid(first, "GetInventorySummariesResponse", "fbaInventory.json")
        token = first["pagination"]["nextToken"]
        second = amazon.call("GET", f"/na/fba/inventory/v1/summaries?{query}&nextToken={token}")
        skus = [row["sellerSku"] for page in (first, second) for row in page["payload"]["inventorySummaries"]]
        assert len(set(skus)) == 8
