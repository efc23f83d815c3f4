from __future__ import annotations

import json
import re
from html import unescape

import pytest

from sandbox.world import World
from tests.sandbox.client import Client
from tests.sandbox.test_pages import Person


@pytest.fixture
def person(url: str, world: World) -> Person:
    return Person(url, world)


def buttons(row: str) -> dict[str, tuple[str, str]]:
    """The returns' buttons in a row, by what they say: verb and body."""
    found = re.findall(
        r'action="do-after_sale">\s*<input type="hidden" name="verb" value="([^"]+)"><input type="hidden" name="body"'
        r' value="([^"]+)">\s*<button type="submit" class="[^"]*">([^<]+)</button>',
        row,
    )
    return {text: (verb, unescape(body)) for verb, body, text in found}


class TestAfterSales:
    def press(self, person: Person, order_id: str, text: str) -> None:
        verb, body = buttons(person.row(order_id))[text]
        person.press("after_sale", verb=verb, body=body)

    def test_cancels_some_units(self, person: Person, client: Client) -> None:
        order_id, _ = client.two_lines()
        assert "Cancel units" in person.row(order_id)
        sku = client.order(order_id)["line_items"][0]["sku_id"]
        form = {"order_id": order_id, f"line:{sku}": "1", f"left:{sku}": "2"}
        person.press("cancel_units", verb="buyer_cancel", **form)
        person.press("order", order_id=order_id, verb="withdraw_cancel")
        person.press("cancel_units", verb="seller_cancel", **form)
        statuses = [line["display_status"] for line in client.order(order_id)["line_items"]]
        assert statuses == ["CANCELLED", "AWAITING_SHIPMENT"]
        assert "no such button" in person.press("cancel_units", expect=400, verb="reset", **form)

    def test_walks_a_return_from_end_to_end(self, person: Person, client: Client) -> None:
        order_id = client.delivered()
        person.press("open_return", order_id=order_id, type="RETURN_AND_REFUND", reason="wrong")
        for text in ("Offer half", "Refuse it", "Grant the return", "Hand over", "Arrives", "Goods are fine"):
            self.press(person, order_id, text)
        row = person.row(order_id)
        assert "return or refund request success" in row
        assert buttons(row) == {}

    def test_judges_an_appeal(self, person: Person, client: Client) -> None:
        order_id = client.delivered()
        person.press("open_return", order_id=order_id, type="REFUND")
        for text in ("Reject", "Appeal", "Judge for the buyer"):
            self.press(person, order_id, text)
        assert client.row("returns")["arbitration_status"] == "SUPPORT_BUYER"

    def test_exchanges(self, person: Person, client: Client) -> None:
        order_id = client.delivered()
        person.press("open_return", order_id=order_id, type="EXCHANGE")
        self.press(person, order_id, "Exchange")
        new = person.orders()[-1]
        assert "exchange" in person.row(new["id"])

    def test_cannot_press_what_is_no_button(self, person: Person, client: Client) -> None:
        body = json.dumps({"order_id": client.buy()})
        assert "no such button" in person.press("after_sale", expect=400, verb="set_status", body=body)
        assert "no such return" in person.press("after_sale", expect=400, verb="appeal", body='{"return_id": "1"}')

    def test_leaves_no_place_unfilled(self, person: Person, client: Client) -> None:
        order_id = client.delivered()
        person.press("open_return", order_id=order_id, type="REPLACEMENT")
        assert not re.findall(r"\{[a-z_]+\}", person.row(order_id))
