"""Returns of a fulfillment order: Amazon's items, and what its answers say of them."""

import json
import re
from datetime import UTC, datetime

import pytest
from werkzeug.wrappers import Response

from connectors.base.aftersales import GoodsBack
from connectors.base.errors import OutcomeUnknown, PermanentError
from connectors.base.types import Credentials, StoreIdentity
from connectors.http import HttpClient
from connectors.platforms.amazon import aftersales
from connectors.platforms.amazon.connector import Amazon

ORDER = "TT-5764"
GOODS = GoodsBack({"301": 1}, "Item is defective")
# From the model's example of listReturnReasonCodes.
REASONS = [
    {"returnReasonCode": code, "description": "In words"}
    for code in ("CR-UNWANTED_ITEM", "AMZ-PG-BAD-DESC", "CR-DEFECTIVE", "CR-DAMAGED_BY_CARRIER", "CR-SWITCHEROO")
]
# From the model's example of createFulfillmentReturn, with what its own schema requires.
SLIP = {
    "returnAuthorizationId": "RMA3JTIPBJM42UU6",
    "fulfillmentCenterId": "TUS1",
    "returnToAddress": {"name": "Returns Department", "addressLine1": "5333 W. Lower Buckeye Road"},
    "amazonRmaId": "D50WttPHRRMA",
    "rmaPageURL": "https://www.amazon.com/gp/orc/rml/D50WttPHRRMA",
}


def announced(place=1, *, item="301.302", reference="r1", **more):
    return {
        "sellerReturnItemId": f"{reference}-{place}",
        "sellerFulfillmentOrderItemId": item,
        "amazonShipmentId": "D1",
        "sellerReturnReasonCode": "CR-DEFECTIVE",
        "status": "New",
        "statusChangedDate": "2026-11-07T04:14:38Z",
        "returnAuthorizationId": "RMA3JTIPBJM42UU6",
        **more,
    }


def payload(*returned, status="SHIPPED", shipped=2, item="301.302", quantity=2):
    left = {"sellerFulfillmentOrderItemId": item, "sellerSku": "CND", "quantity": str(shipped)}
    return {
        "fulfillmentOrder": {"sellerFulfillmentOrderId": ORDER, "fulfillmentOrderStatus": "Complete"},
        "fulfillmentOrderItems": [
            {"sellerFulfillmentOrderItemId": item, "sellerSku": "CND", "quantity": quantity},
        ],
        "fulfillmentShipments": [
            {"amazonShipmentId": "D1", "fulfillmentShipmentStatus": status, "fulfillmentShipmentItem": [left]},
        ],
        "returnItems": list(returned),
        "returnAuthorizations": [SLIP] if returned else [],
    }


class TestUnits:
    def test_are_found_in_the_shipments_that_they_left_in(self):
        units = aftersales.units_of(payload(), {"301": 1, "302": 1})
        assert [(unit.item_id, unit.shipment_id, unit.sku) for unit in units] == [("301.302", "D1", "CND")] * 2

    def test_of_a_bundle_are_all_of_its_components(self):
        assert len(aftersales.units_of(payload(item="301", quantity=2), {"301": 1})) == 2

    @pytest.mark.parametrize(
        "there", [payload(announced(1), announced(2)), payload(status="PENDING"), payload(shipped=0)]
    )
    def test_that_came_back_or_never_left_cannot_come_back(self, there):
        with pytest.raises(PermanentError, match="fewer"):
            aftersales.units_of(there, {"301": 1})

    @pytest.mark.parametrize("there", [payload(item="L1:CND"), payload(item="999")])
    def test_that_the_order_does_not_tell_are_left_to_the_merchant(self, there):
        with pytest.raises(PermanentError, match="Seller Central"):
            aftersales.units_of(there, {"301": 1})


class TestItems:
    def test_are_one_for_each_unit_under_ids_of_their_own(self):
        units = aftersales.units_of(payload(), {"301": 1, "302": 1})
        items = aftersales.return_items(units, GOODS, "r1", {"CND": "CR-DEFECTIVE"})
        assert [item["sellerReturnItemId"] for item in items] == ["r1-1", "r1-2"]
        assert items[0]["returnComment"] == "Item is defective"
        with pytest.raises(PermanentError):
            aftersales.return_items(units, GOODS, "r" * 80, {"CND": "CR-DEFECTIVE"})


class TestReason:
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("Item is defective", "CR-DEFECTIVE"),
            ("Damaged in transit", "CR-DAMAGED_BY_CARRIER"),
            ("Received the wrong item", "CR-SWITCHEROO"),
            ("Doesn't match the description", "AMZ-PG-BAD-DESC"),
            ("Parts are missing", "CR-UNWANTED_ITEM"),
            ("", "CR-UNWANTED_ITEM"),
        ],
    )
    def test_is_one_of_those_that_are_offered(self, text, code):
        assert aftersales.reason_code(REASONS, text) == code

    def test_is_the_first_where_none_fits_and_none_where_there_is_none(self):
        assert aftersales.reason_code([{"returnReasonCode": "X"}], "") == "X"
        assert aftersales.reason_code([], "") == ""


class TestReceipt:
    def test_leads_to_the_label(self):
        found = aftersales.receipt(payload(announced()), "r1")
        assert (found.external_id, found.name, found.url) == ("r1", "D50WttPHRRMA", SLIP["rmaPageURL"])

    def test_counts_its_own_items_alone(self):
        assert aftersales.announced(payload(announced(reference="r10")), "r1") == []

    def test_tells_what_became_of_the_goods(self):
        back = announced(status="Processed", returnReceivedCondition="CustomerDamaged")
        found = aftersales.receipt(payload(back, announced(2)), "r1", missing=1)
        assert found.detail == "Amazon did not take 1 of the items; Amazon received 1 of 2: 1 CustomerDamaged"


@pytest.fixture
def calls():
    return []


@pytest.fixture
def said():
    return {"order": payload(), "return": {"returnItems": [announced()], "returnAuthorizations": [SLIP]}}


@pytest.fixture
def speak(httpserver, calls, said):
    def answer(request):
        calls.append((request.method, request.path, dict(request.args), json.loads(request.get_data() or b"null")))
        if request.path.endswith("/return"):
            body = said["return"]
            return Response("", status=503) if body is None else Response(json.dumps({"payload": body}))
        found = {"reasonCodeDetails": REASONS} if request.path.endswith("returnReasonCodes") else said["order"]
        return Response(json.dumps({"payload": found}))

    httpserver.expect_request(re.compile(".*")).respond_with_handler(answer)

    def speak(**options):
        return Amazon(
            config={"API_URL": httpserver.url_for("").rstrip("/")},
            http=HttpClient(),
            clock=lambda: datetime(2026, 11, 2, 12, tzinfo=UTC),
            store=StoreIdentity(
                "A1",
                "Alice",
                extra={"marketplace_id": "ATVPDKIKX0DER"},
                options={"returns_to": "amazon", **options},
            ),
            credentials=Credentials("token"),
        )

    return speak


class TestRecordReturn:
    def test_asks_for_the_reasons_of_the_item_and_announces_it(self, speak, calls):
        found = speak().record_return(ORDER, GOODS, reference="r1")
        assert (found.external_id, found.name) == ("r1", "D50WttPHRRMA")
        _, reasons, made = calls
        assert reasons[2] == {"sellerSku": "CND", "marketplaceId": "ATVPDKIKX0DER", "sellerFulfillmentOrderId": ORDER}
        assert made[0] == "PUT"
        (item,) = made[3]["items"]
        assert (item["sellerReturnItemId"], item["returnReasonCode"]) == ("r1-1", "CR-DEFECTIVE")

    def test_that_is_there_is_not_announced_again(self, speak, calls, said):
        said["order"] = payload(announced())
        assert speak().record_return(ORDER, GOODS, reference="r1").name == "D50WttPHRRMA"
        assert len(calls) == 1

    def test_of_goods_that_come_back_to_the_merchant_records_nothing_and_says_so(self, speak, calls):
        found = speak(returns_to="seller").record_return(ORDER, GOODS, reference="r1")
        assert (found.external_id, calls) == ("", [])
        assert "come back to you" in found.detail

    def test_that_is_refused_with_a_200_fails_in_plain_words(self, speak, said):
        reason = {"invalidItemReasonCode": "NoReturnableQuantity", "description": "…"}
        said["return"] = {"returnItems": [], "invalidReturnItems": [{"invalidItemReason": reason}]}
        with pytest.raises(PermanentError, match="fewer of these items"):
            speak().record_return(ORDER, GOODS, reference="r1")

    @pytest.mark.parametrize("answer", [None, "x"])
    def test_whose_answer_was_lost_is_a_question(self, speak, said, answer):
        said["return"] = answer
        with pytest.raises(OutcomeUnknown):
            speak().record_return(ORDER, GOODS, reference="r1")


class TestCloseReturn:
    def test_changes_nothing_and_tells_what_amazon_received(self, speak, calls, said):
        said["order"] = payload(announced(status="PROCESSED", returnReceivedCondition="Sellable"))
        found = speak().close_return(ORDER, "r1", has_arrived=True, restock=True)
        assert found.detail == "Amazon received 1 of 1: 1 Sellable"
        assert [method for method, *_ in calls] == ["GET"]
        assert speak().close_return(ORDER, "", has_arrived=True, restock=True).external_id == ""
