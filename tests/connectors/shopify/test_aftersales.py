"""Cancelled items, refunds and returns at Shopify: what is sent, and over real HTTP in which order."""

import json
import re
from pathlib import Path

import pytest
from werkzeug.wrappers import Response

from connectors.base.aftersales import GoodsBack, Refund
from connectors.base.errors import OutcomeUnknown, PermanentError, ScopeMissing, UnsupportedFeature
from connectors.base.types import Credentials, StoreIdentity
from connectors.http import HttpClient
from connectors.platforms.shopify import aftersales, mapping
from connectors.platforms.shopify.connector import Shopify

PAYLOADS = Path(__file__).resolve().parents[2] / "payloads/shopify"
SHOP = "alices-candles.myshopify.com"
ORDER = "gid://shopify/Order/7"
RETURN = "gid://shopify/Return/9"
OPEN = json.loads((PAYLOADS / "return_open.json").read_text())
GOODS = GoodsBack({"301": 1}, "Damaged in transit", tracking_number="9400111", carrier="USPS", restock=True)


def line(number=5, *, ids="301,302", quantity=2, waits=2, left=2):
    pairs = [{"key": "_tiktok_line_ids", "value": ids}]
    made = {"id": f"gid://shopify/LineItem/{number}", "quantity": quantity, "customAttributes": pairs}
    return {**made, "unfulfilledQuantity": waits, "refundableQuantity": left}


def item(number, of, quantity=2):
    return {
        "quantity": quantity,
        "fulfillmentLineItem": {"id": f"gid://shopify/FulfillmentLineItem/{number}", "lineItem": of},
    }


def aftersale_variables():
    """Every kind of variables that are sent, for the official schema to judge."""
    units = aftersales.units_of([line()], {"301": 1})
    refund = aftersales.refund_input(ORDER, units, Refund(0, "USD", {}, "", restock=True, shipping=499), note="n")
    return {
        "REFUND_CREATE": {"input": refund, "key": "k"},
        "RETURN_CREATE": {"input": aftersales.return_input(ORDER, [item(51, line())], GOODS, "r1")},
        "RETURN_PROCESS": {
            "input": aftersales.process_input(
                OPEN, {"gid://shopify/FulfillmentLineItem/51": "gid://shopify/Location/3"}
            )
        },
        "ORDER_RETURNS": {"id": ORDER},
        "RETURNABLE": {"orderId": ORDER, "first": 2, "after": None},
    }


class TestUnits:
    def test_of_one_line_are_summed(self):
        (found,) = aftersales.units_of([line(quantity=3, ids="301,302,303")], {"301": 1, "303": 1})
        assert (found.quantity, found.source_ids) == (2, ("301", "303"))

    def test_of_a_bundle_are_those_of_every_component(self):
        lines = [line(5, ids="301", quantity=1), line(6, ids="301", quantity=4), line(7, ids="302", quantity=1)]
        found = aftersales.units_of(lines, {"301": 1})
        assert [(each.line["id"][-1], each.quantity) for each in found] == [("5", 1), ("6", 4)]

    @pytest.mark.parametrize("wanted", [{"301": 1, "999": 1}, {"999": 1}, {"301": 0}, {}])
    def test_that_are_not_there_fail_as_a_whole(self, wanted):
        with pytest.raises(PermanentError, match="no such items"):
            aftersales.units_of([line()], wanted)


class TestCancelInput:
    def test_takes_them_out_of_what_is_to_be_fulfilled_without_money(self):
        made = aftersales.cancel_input(ORDER, aftersales.units_of([line()], {"301": 1}), note="n [r]")
        (row,) = made["refundLineItems"]
        assert (row["quantity"], row["restockType"]) == (1, "CANCEL")
        assert (made["transactions"], made["notify"], made["note"]) == ([], False, "n [r]")

    def test_of_what_left_comes_too_late(self):
        with pytest.raises(PermanentError) as caught:
            aftersales.cancel_input(ORDER, aftersales.units_of([line(waits=0)], {"301": 1}), note="")
        assert caught.value.reason == "ALREADY_CANCELLED"


class TestRefundInput:
    def made(self, *, waits=0, left=2, restock=False, shipping=0):
        units = aftersales.units_of([line(waits=waits, left=left)], {"301": 1, "302": 1})
        refund = Refund(0, "USD", {}, "", restock=restock, shipping=shipping)
        return aftersales.refund_input(ORDER, units, refund, note="n")

    @pytest.mark.parametrize(
        ("waits", "restock", "kind"),
        [(0, True, "NO_RESTOCK"), (2, True, "CANCEL"), (2, False, "NO_RESTOCK"), (1, True, "NO_RESTOCK")],
    )
    def test_restocks_only_what_was_never_shipped(self, waits, restock, kind):
        assert self.made(waits=waits, restock=restock)["refundLineItems"][0]["restockType"] == kind

    def test_moves_no_money_and_names_the_shipping(self):
        made = self.made(shipping=499)
        assert (made["shipping"], made["transactions"]) == ({"amount": "4.99"}, [])
        assert "shipping" not in self.made()

    def test_of_more_than_is_left_is_refused(self):
        with pytest.raises(PermanentError, match="fewer"):
            self.made(left=1)

    def test_says_in_its_note_what_was_paid_back(self):
        note = aftersales.refund_note(Refund(1250, "USD", {}, "Damaged"), "ref-1")
        assert note == "12.50 USD paid back at TikTok Shop. Damaged [ref-1]"


class TestReturnInput:
    def test_names_the_item_the_reason_the_parcel_and_what_we_know_it_by(self):
        made = aftersales.return_input(ORDER, [item(51, line())], GOODS, "r1")
        assert made["returnLineItems"] == [
            {
                "fulfillmentLineItemId": "gid://shopify/FulfillmentLineItem/51",
                "quantity": 1,
                "returnReason": "DEFECTIVE",
                "returnReasonNote": "Damaged in transit USPS 9400111 [r1] lines 301",
            }
        ]

    def test_takes_units_out_of_several_parcels(self):
        whole = line(quantity=3, ids="301,302,303")
        goods = GoodsBack({"301": 1, "302": 1, "303": 1}, "")
        made = aftersales.return_input(ORDER, [item(51, whole, 2), item(52, whole, 1)], goods, "r1")
        assert [(row["fulfillmentLineItemId"][-2:], row["quantity"]) for row in made["returnLineItems"]] == [
            ("51", 2),
            ("52", 1),
        ]

    def test_of_more_than_was_shipped_fails_as_a_whole(self):
        with pytest.raises(PermanentError, match="fewer"):
            aftersales.return_input(ORDER, [item(51, line(), 1)], GoodsBack({"301": 1, "302": 1}, ""), "r1")
        with pytest.raises(PermanentError, match="no such items"):
            aftersales.return_input(ORDER, [], GOODS, "r1")

    def test_never_cuts_the_reference_nor_an_id_apart(self):
        ids = [str(577086512123755100 + number) for number in range(20)]
        whole = line(quantity=20, ids=",".join(ids))
        goods = GoodsBack(dict.fromkeys(ids, 1), "x" * 300)
        (row,) = aftersales.return_input(ORDER, [item(51, whole, 20)], goods, "r1")["returnLineItems"]
        note = row["returnReasonNote"]
        assert len(note) <= 255
        assert set(re.search(r"\[r1\] lines (\S+)$", note)[1].split(",")) < set(ids)

    @pytest.mark.parametrize(
        ("text", "word"),
        [
            ("Item is damaged", "DEFECTIVE"),
            ("Doesn't work", "DEFECTIVE"),
            ("Received the wrong item", "WRONG_ITEM"),
            ("Doesn't match description", "NOT_AS_DESCRIBED"),
            ("Too small", "SIZE_TOO_SMALL"),
            ("Size is too large", "SIZE_TOO_LARGE"),
            ("No longer needed", "UNWANTED"),
            ("Không còn nhu cầu", "OTHER"),
            ("", "OTHER"),
        ],
    )
    def test_says_the_reason_in_shopifys_word(self, text, word):
        assert aftersales.reason_of(text) == word


class TestKnownReturns:
    def returns(self, status="OPEN", note="Damaged [r1] lines 301,302"):
        return [{"id": RETURN, "status": status, "returnLineItems": {"nodes": [{"returnReasonNote": note}]}}]

    def test_are_known_by_the_reference(self):
        assert aftersales.return_with(self.returns(), "r1")["id"] == RETURN
        assert aftersales.return_with(self.returns(), "r2") is None
        assert aftersales.return_with([{"id": RETURN, "returnLineItems": None}], "r1") is None

    @pytest.mark.parametrize(
        ("status", "kept"), [("OPEN", {"301", "302"}), ("CLOSED", {"301", "302"}), ("CANCELED", set())]
    )
    def test_hold_their_lines_unless_they_came_to_nothing(self, status, kept):
        assert aftersales.returned_ids(self.returns(status)) == kept
        assert aftersales.returned_ids(self.returns(note="the merchant's own")) == set()


class TestProcessInput:
    def test_restocks_where_the_goods_left_from_and_no_more_than_is_open(self):
        place = {"gid://shopify/FulfillmentLineItem/51": "gid://shopify/Location/3"}
        first, second = aftersales.process_input(OPEN, place)["returnLineItems"]
        assert first["dispositions"] == [
            {
                "reverseFulfillmentOrderLineItemId": "gid://shopify/ReverseFulfillmentOrderLineItem/1",
                "quantity": 2,
                "dispositionType": "RESTOCKED",
                "locationId": "gid://shopify/Location/3",
            }
        ]
        assert [(each["quantity"], each["dispositionType"]) for each in second["dispositions"]] == [
            (1, "NOT_RESTOCKED")
        ]

    def test_asks_for_no_money_and_tells_nobody(self):
        made = aftersales.process_input(OPEN, {})
        assert "financialTransfer" not in made
        assert made["notifyCustomer"] is False

    def test_of_what_is_processed_is_nothing(self):
        done = {
            **OPEN,
            "returnLineItems": {"nodes": [{**OPEN["returnLineItems"]["nodes"][0], "unprocessedQuantity": 0}]},
        }
        assert aftersales.process_input(done, {})["returnLineItems"] == []
        assert not aftersales.has_unprocessed(done)

    def test_knows_the_places_by_the_parcels_lines(self):
        parcels = [
            {"location": {"id": "L3"}, "fulfillmentLineItems": {"nodes": [{"id": "F51"}]}},
            {"location": None, "fulfillmentLineItems": {"nodes": [{"id": "F52"}]}},
        ]
        assert aftersales.left_from({"fulfillments": parcels}) == {"F51": "L3"}


class Answers:
    """Answers by the document's name, each in its turn and the last one for ever. Remembers what was asked."""

    def __init__(self):
        self.of = {}
        self.asked = []

    def says(self, name, *datas):
        self.of[name] = list(datas)

    def answer(self, request):
        asked = json.loads(request.get_data())
        name = re.match(r"\s*(?:query|mutation) (\w+)", asked["query"])[1]
        self.asked.append((name, asked["variables"]))
        left = self.of[name]
        said = left.pop(0) if len(left) > 1 else left[0]
        if said is None:
            return Response("<html>Bad gateway</html>", status=502)
        body = said if "errors" in said else {"data": said}
        return Response(json.dumps(body), mimetype="application/json")

    def names(self):
        return [name for name, _ in self.asked]

    def sent(self, name):
        return [variables for each, variables in self.asked if each == name]


@pytest.fixture
def answers(httpserver):
    answers = Answers()
    httpserver.expect_request(re.compile(".*")).respond_with_handler(answers.answer)
    answers.url = httpserver.url_for("/shopify/{shop}")
    answers.says("Refundable", order())
    answers.says("RefundCreate", {"refundCreate": {"refund": {"id": "r"}, "userErrors": []}})
    answers.says("OrderReturns", {"order": {"returns": {"nodes": []}}})
    return answers


def order(*lines, notes=(), cancelled=None):
    nodes = list(lines) or [line()]
    page = {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}}
    refunds = [{"id": str(place), "note": note} for place, note in enumerate(notes)]
    return {"order": {"cancelledAt": cancelled, "refunds": refunds, "lineItems": page}}


@pytest.fixture
def shopify(answers):
    return speaking(answers)


def speaking(answers, *scopes):
    return Shopify(
        config={"CLIENT_ID": "id", "CLIENT_SECRET": "s", "API_VERSION": "2026-07", "BASE_URL": answers.url},
        http=HttpClient(private_keys=Shopify.private_keys),
        clock=lambda: None,
        store=StoreIdentity(SHOP, "Alice's Candles"),
        credentials=Credentials("token", scopes=scopes),
    )


class TestCancelLines:
    def cancel(self, shopify, wanted=None, *, restock=True):
        return shopify.cancel_lines(ORDER, wanted or {"301": 1}, reason="Out of stock", restock=restock, reference="c1")

    def test_is_a_refund_with_our_reference_under_a_key_that_stays(self, shopify, answers):
        assert self.cancel(shopify).is_cancelled
        assert self.cancel(shopify).is_cancelled
        first, second = answers.sent("RefundCreate")
        assert first == second
        assert first["input"]["note"] == "Out of stock [c1]"

    def test_that_was_done_is_not_done_again(self, shopify, answers):
        answers.says("Refundable", order(notes=["Out of stock [c1]"]))
        assert self.cancel(shopify).is_cancelled
        answers.says("Refundable", order(cancelled="2026-11-02T10:00:00Z"))
        assert self.cancel(shopify).is_cancelled
        assert answers.sent("RefundCreate") == []

    def test_without_restocking_says_that_shopify_restocks(self, shopify):
        assert "stock" in self.cancel(shopify, restock=False).detail
        assert self.cancel(shopify).detail == ""

    def test_looks_through_all_pages(self, shopify, answers):
        first = order(line(5, ids="301"))
        first["order"]["lineItems"]["pageInfo"] = {"hasNextPage": True, "endCursor": "c"}
        answers.says("Refundable", first, order(line(6, ids="302", quantity=1)))
        self.cancel(shopify, {"302": 1})
        assert answers.sent("RefundCreate")[0]["input"]["refundLineItems"][0]["lineItemId"].endswith("/6")
        assert [each["after"] for each in answers.sent("Refundable")] == [None, "c"]

    def test_that_is_refused_after_it_was_done_is_no_failure(self, shopify, answers):
        errors = {"refundCreate": {"refund": None, "userErrors": [{"field": None, "message": "No"}]}}
        answers.says("RefundCreate", errors)
        answers.says("Refundable", order(), order(notes=["x [c1]"]))
        assert self.cancel(shopify).is_cancelled

    def test_that_is_refused_fails(self, shopify, answers):
        errors = {"refundCreate": {"refund": None, "userErrors": [{"field": None, "message": "No"}]}}
        answers.says("RefundCreate", errors)
        with pytest.raises(PermanentError, match="refused the refund"):
            self.cancel(shopify)

    @pytest.mark.parametrize(
        "said", [None, {"refundCreate": {"refund": None, "userErrors": []}}, {"refundCreate": None}]
    )
    def test_whose_answer_was_lost_is_a_question(self, shopify, answers, said):
        answers.says("RefundCreate", said)
        with pytest.raises(OutcomeUnknown):
            self.cancel(shopify)


class TestRecordRefund:
    REFUND = Refund(2899, "USD", {"301": 1}, "Damaged", shipping=499)

    def test_records_goods_and_shipping(self, shopify, answers):
        shopify.record_refund(ORDER, self.REFUND, reference="ref-1")
        made = answers.sent("RefundCreate")[0]["input"]
        assert (made["shipping"], made["transactions"]) == ({"amount": "4.99"}, [])
        assert made["note"].endswith("Damaged [ref-1]")

    def test_that_is_noted_already_is_not_made_again(self, shopify, answers):
        answers.says("Refundable", order(notes=["n [ref-1]"]))
        shopify.record_refund(ORDER, self.REFUND, reference="ref-1")
        assert answers.names() == ["Refundable"]

    def test_of_what_a_return_holds_records_the_rest_alone(self, shopify, answers):
        kept = {"status": "OPEN", "returnLineItems": {"nodes": [{"returnReasonNote": "x [r1] lines 301"}]}}
        answers.says("OrderReturns", {"order": {"returns": {"nodes": [kept]}}})
        shopify.record_refund(ORDER, self.REFUND, reference="ref-1")
        made = answers.sent("RefundCreate")[0]["input"]
        assert (made["refundLineItems"], made["shipping"]) == ([], {"amount": "4.99"})
        shopify.record_refund(ORDER, Refund(2400, "USD", {"301": 1}, "Damaged"), reference="ref-2")
        assert len(answers.sent("RefundCreate")) == 1

    def test_of_more_shipping_than_is_left_is_of_the_goods_alone(self, shopify, answers):
        errors = [{"field": ["input", "shipping", "amount"], "message": "is more than what is left"}]
        done = {"refundCreate": {"refund": {"id": "r"}, "userErrors": []}}
        answers.says("RefundCreate", {"refundCreate": {"refund": None, "userErrors": errors}}, done)
        shopify.record_refund(ORDER, self.REFUND, reference="ref-1")
        first, second = answers.sent("RefundCreate")
        assert "shipping" not in second["input"]
        assert first["key"] != second["key"]

    def test_that_is_refused_for_another_reason_fails(self, shopify, answers):
        errors = [{"field": ["input", "refundLineItems"], "message": "No"}]
        answers.says("RefundCreate", {"refundCreate": {"refund": None, "userErrors": errors}})
        with pytest.raises(PermanentError):
            shopify.record_refund(ORDER, self.REFUND, reference="ref-1")
        assert len(answers.sent("RefundCreate")) == 1

    def test_of_money_alone_is_said_to_be_impossible(self, shopify, answers):
        with pytest.raises(UnsupportedFeature):
            shopify.record_refund(ORDER, Refund(100, "USD", {}, "Sorry"), reference="ref-1")

    def test_goes_on_for_a_shop_that_did_not_allow_returns(self, answers):
        shopify = speaking(answers, "write_orders")
        shopify.record_refund(ORDER, Refund(2400, "USD", {"301": 1}, "Damaged"), reference="ref-1")
        assert "OrderReturns" not in answers.names()


class TestRecordReturn:
    def parcels(self, answers, *items):
        nodes = [{"returnableFulfillmentLineItems": {"nodes": list(items)}}]
        page = {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}}
        answers.says("Returnable", {"returnableFulfillments": page})
        made = {"id": RETURN, "name": "#1001-R1", "status": "OPEN"}
        answers.says("ReturnCreate", {"returnCreate": {"return": made, "userErrors": []}})

    def test_answers_its_name_and_the_orders_page(self, shopify, answers):
        self.parcels(answers, item(51, line()))
        receipt = shopify.record_return(ORDER, GOODS, reference="r1")
        assert (receipt.external_id, receipt.name) == (RETURN, "#1001-R1")
        assert receipt.url.endswith("/admin/orders/7")

    def test_that_is_there_is_not_made_again(self, shopify, answers):
        there = {"id": RETURN, "name": "#1001-R1", "status": "OPEN"}
        lines = {"returnLineItems": {"nodes": [{"returnReasonNote": "x [r1] lines 301"}]}}
        answers.says("OrderReturns", {"order": {"returns": {"nodes": [{**there, **lines}]}}})
        assert shopify.record_return(ORDER, GOODS, reference="r1").external_id == RETURN
        assert answers.names() == ["OrderReturns"]

    def test_that_was_not_allowed_says_so(self, shopify, answers):
        answers.says("OrderReturns", {"errors": [{"extensions": {"code": "ACCESS_DENIED"}}]})
        with pytest.raises(ScopeMissing):
            shopify.record_return(ORDER, GOODS, reference="r1")

    def test_that_is_refused_fails(self, shopify, answers):
        self.parcels(answers, item(51, line()))
        errors = [{"field": ["returnInput"], "message": "No", "code": "INVALID"}]
        answers.says("ReturnCreate", {"returnCreate": {"return": None, "userErrors": errors}})
        with pytest.raises(PermanentError, match="refused the return"):
            shopify.record_return(ORDER, GOODS, reference="r1")

    def test_whose_answer_was_lost_is_a_question(self, shopify, answers):
        self.parcels(answers, item(51, line()))
        answers.says("ReturnCreate", None)
        with pytest.raises(OutcomeUnknown):
            shopify.record_return(ORDER, GOODS, reference="r1")


class TestCloseReturn:
    def ready(self, answers, *statuses, processed=False):
        lines = {"nodes": [] if processed else OPEN["returnLineItems"]["nodes"]}
        answers.says("Return", *({"return": {**OPEN, "status": each, "returnLineItems": lines}} for each in statuses))
        for mutation in ("returnProcess", "returnClose", "returnCancel"):
            said = {"return": {"id": RETURN, "status": "CLOSED"}, "userErrors": []}
            answers.says(mutation[0].upper() + mutation[1:], {mutation: said})
        parcel = {
            "location": {"id": "L3"},
            "fulfillmentLineItems": {"nodes": [{"id": "gid://shopify/FulfillmentLineItem/51"}]},
        }
        answers.says("LeftFrom", {"order": {"fulfillments": [parcel]}})

    def test_that_arrived_is_processed_with_its_goods_and_closed(self, shopify, answers):
        self.ready(answers, "OPEN", "OPEN", "CLOSED")
        receipt = shopify.close_return(ORDER, RETURN, has_arrived=True, restock=True)
        assert (receipt.external_id, receipt.detail) == (RETURN, "")
        assert answers.names() == ["Return", "LeftFrom", "ReturnProcess", "Return", "ReturnClose", "Return"]
        rows = answers.sent("ReturnProcess")[0]["input"]["returnLineItems"]
        assert rows[0]["dispositions"][0]["locationId"] == "L3"

    def test_that_is_processed_already_is_only_closed(self, shopify, answers):
        self.ready(answers, "OPEN", "OPEN", "CLOSED", processed=True)
        shopify.close_return(ORDER, RETURN, has_arrived=True, restock=False)
        assert answers.names() == ["Return", "Return", "ReturnClose", "Return"]

    def test_that_came_to_nothing_is_cancelled(self, shopify, answers):
        self.ready(answers, "OPEN", "CANCELED")
        shopify.close_return(ORDER, RETURN, has_arrived=False, restock=False)
        assert answers.names() == ["Return", "ReturnCancel", "Return"]

    @pytest.mark.parametrize("status", ["CLOSED", "CANCELED"])
    @pytest.mark.parametrize("has_arrived", [True, False])
    def test_that_is_over_is_left_alone(self, shopify, answers, status, has_arrived):
        self.ready(answers, status)
        assert shopify.close_return(ORDER, RETURN, has_arrived=has_arrived, restock=True).external_id == RETURN
        assert set(answers.names()) == {"Return"}

    def test_of_goods_from_nowhere_says_that_they_were_not_restocked(self, shopify, answers):
        self.ready(answers, "OPEN", "OPEN", "CLOSED")
        answers.says("LeftFrom", {"order": {"fulfillments": []}})
        receipt = shopify.close_return(ORDER, RETURN, has_arrived=True, restock=True)
        assert "not put into stock" in receipt.detail

    def test_of_nothing_is_nothing(self, shopify, answers):
        assert shopify.close_return(ORDER, "", has_arrived=True, restock=True).external_id == ""
        assert answers.names() == []

    def test_that_is_refused_fails_unless_it_stands_there(self, shopify, answers):
        self.ready(answers, "OPEN", "CANCELED")
        errors = [{"field": None, "message": "No", "code": "INVALID_STATE"}]
        answers.says("ReturnCancel", {"returnCancel": {"return": None, "userErrors": errors}})
        shopify.close_return(ORDER, RETURN, has_arrived=False, restock=False)
        self.ready(answers, "OPEN")
        answers.says("ReturnCancel", {"returnCancel": {"return": None, "userErrors": errors}})
        with pytest.raises(PermanentError, match="change of the return"):
            shopify.close_return(ORDER, RETURN, has_arrived=False, restock=False)

    def test_whose_answer_was_lost_is_a_question(self, shopify, answers):
        self.ready(answers, "OPEN")
        answers.says("ReturnProcess", None)
        with pytest.raises(OutcomeUnknown):
            shopify.close_return(ORDER, RETURN, has_arrived=True, restock=False)


class TestResume:
    def held(self, status="ON_HOLD", *holds):
        node = {"id": "f", "status": status, "fulfillmentHolds": list(holds)}
        return {
            "order": {"cancelledAt": None, "displayFinancialStatus": "PAID", "fulfillmentOrders": {"nodes": [node]}}
        }

    def test_ends_our_hold_alone_and_changes_nothing_else(self, shopify, answers):
        ours = {"id": "h1", "handle": mapping.HOLD_HANDLE, "heldByRequestingApp": True}
        theirs = {"id": "h2", "handle": "fraud", "heldByRequestingApp": False}
        answers.says("Held", self.held("ON_HOLD", ours, theirs), self.held("ON_HOLD", theirs))
        answers.says("ReleaseHold", {"fulfillmentOrderReleaseHold": {"userErrors": []}})
        for _ in range(2):
            shopify.resume_order(ORDER)
        assert answers.names() == ["Held", "ReleaseHold", "Held"]
        assert answers.sent("ReleaseHold") == [{"id": "f", "holdIds": ["h1"]}]

    def test_of_what_the_warehouse_works_on_a_hold_is_said_to_be_too_late(self, shopify, answers):
        answers.says("Held", self.held("IN_PROGRESS"))
        with pytest.raises(PermanentError, match="works on it already"):
            shopify.hold_order(ORDER)
