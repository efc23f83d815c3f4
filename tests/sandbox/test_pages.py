from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, sync_playwright

from sandbox.cards import tag_of, ups_number
from sandbox.world import ControlError, World

JSON = {"Accept": "application/json"}
Answer = dict[str, Any]


class Store:
    """A half like a store's, as far as the pages look at it."""

    name = "shopify"

    def __init__(self) -> None:
        self.orders: list[Answer] = []
        self.done: list[tuple[str, Answer]] = []

    def operation_of(self, _request: object) -> None:
        return None

    def tick(self) -> None:
        return

    reset = seed = tick

    def snapshot(self) -> Answer:
        return {"orders": self.orders}

    def control(self, action: str, body: Answer) -> Answer:
        if body["order"] == "gone":
            raise ControlError("no such order")
        self.done.append((action, body))
        return {}

    def add(self, name: str, reference: str) -> None:
        line = {"sku": "MLT-SMP-06", "title": "Wax Melts", "quantity": 2}
        self.orders.append({"name": name, "gid": f"gid-{name}", "reference": reference, "shop": "a", "lines": [line]})


class Person:
    """Presses the pages' buttons."""

    def __init__(self, url: str, world: World) -> None:
        self.url, self.world = url, world

    def press(self, action: str, expect: int = 200, **form: str) -> str:
        answer = requests.post(f"{self.url}/do-{action}", data=form, headers=JSON, timeout=5)
        assert answer.status_code == expect, answer.text
        said: str = answer.json()["said"]
        return said

    def buy(self, **form: str) -> str:
        self.press("buy", **{"shop": "Alice's Candles", "one": "CND-FIG-08", **form})
        return self.orders()[-1]["id"]

    def orders(self) -> list[Answer]:
        orders: list[Answer] = self.world.halves["tiktok_shop"].snapshot()["orders"]
        return orders

    def live(self) -> Answer:
        answer: Answer = requests.get(f"{self.url}/live", timeout=5).json()
        return answer

    def row(self, order_id: str) -> str:
        return str(dict(self.live()["rows"])[f"order-{order_id}"])


@pytest.fixture
def person(url: str, world: World) -> Person:
    return Person(url, world)


@pytest.fixture
def store(world: World) -> Store:
    store = Store()
    world.halves["shopify"] = store
    return store


class TestPage:
    def test_shows_the_market_and_loads_only_its_own(self, url: str) -> None:
        answer = requests.get(f"{url}/", timeout=5)
        assert "nothing here is real" in answer.text
        assert "Fig &amp; Cedar Candle, 8 oz" in answer.text
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        addresses = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
        assert not [address for address in addresses if not address.startswith("assets/")]
        assert all(requests.get(f"{url}/{address}", timeout=5).ok for address in addresses)

    def test_leaves_no_place_unfilled(self, person: Person, url: str) -> None:
        person.buy()
        assert not re.findall(r"\{[a-z_]+\}", requests.get(f"{url}/", timeout=5).text)

    @pytest.mark.parametrize("path", ["/nowhere", "/assets/pages.py", "/assets/..%2fpages.py", "/assets/"])
    def test_has_nothing_else(self, url: str, path: str) -> None:
        assert requests.get(f"{url}{path}", timeout=5).status_code == 404

    def test_escapes_what_a_buyer_writes(self, person: Person) -> None:
        row = person.row(person.buy(message="<script>alert(1)</script>"))
        assert "&lt;script&gt;" in row
        assert "<script>" not in row

    def test_stays_the_same_while_only_time_passes(self, person: Person, world: World) -> None:
        person.buy()
        before = person.live()["rows"]
        world.advance(5)
        assert person.live()["rows"] == before


class TestOrigin:
    def test_of_another_site_is_refused(self, person: Person, url: str) -> None:
        form = {"shop": "", "one": "CND-FIG-08"}
        for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
            assert requests.post(f"{url}/do-buy", data=form, headers=headers, timeout=5).status_code == 403
            assert requests.post(f"{url}/_sandbox/reset", headers=headers, timeout=5).status_code == 403
        assert person.orders() == []

    def test_of_the_page_itself_is_fine(self, person: Person, url: str) -> None:
        form = {"shop": "", "one": "CND-FIG-08"}
        answer = requests.post(f"{url}/do-buy", data=form, headers={"Origin": url}, timeout=5, allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"][:7]) == (303, "/?said=")
        assert len(person.orders()) == 1

    def test_under_a_foreign_name_is_refused(self, url: str) -> None:
        assert requests.get(f"{url}/", headers={"Host": "rebound.example"}, timeout=5).status_code == 403


class TestBuyer:
    def test_fills_a_basket(self, person: Person) -> None:
        form = {"shop": "Alice's Candles", "sku:CND-FIG-08": "2", "sku:TIN-LAV-04": "1", "sku:TPR-BEE-02": "0"}
        person.press("buy", gift="yes", message="Hello", buyer="1", **form)
        order = person.orders()[-1]
        assert [line["seller_sku"] for line in order["line_items"]] == [
            "CND-FIG-08",
            "CND-FIG-08",
            "TIN-LAV-04",
            "GFT-MTC-01",
        ]
        assert (order["buyer_message"], order["recipient_address"]["name"]) == ("Hello", "Marcus Oyelaran")

    def test_needs_something_in_it(self, person: Person) -> None:
        assert person.press("buy", expect=400, shop="") == "the basket is empty"

    def test_buys_many_times(self, person: Person) -> None:
        person.buy(times="7", sample="yes")
        assert [order["is_sample_order"] for order in person.orders()] == [True] * 7

    def test_chooses_the_hold(self, person: Person, world: World) -> None:
        held, free, other = person.buy(hold="5"), person.buy(hold="no"), person.buy()
        world.advance(5)
        statuses = {order["id"]: order["status"] for order in person.orders()}
        assert [statuses[one] for one in (held, free)] == ["AWAITING_SHIPMENT", "AWAITING_SHIPMENT"]
        assert statuses[other] == "ON_HOLD"

    def test_pays_later_and_cancels(self, person: Person) -> None:
        order_id = person.buy(unpaid="yes")
        assert "Pay" in person.row(order_id)
        person.press("order", order_id=order_id, verb="pay")
        assert "On hold" in person.row(order_id)
        person.press("order", order_id=order_id, verb="buyer_cancel")
        assert "by buyer" in person.row(order_id)

    def test_cannot_press_what_is_no_button(self, person: Person) -> None:
        order_id = person.buy()
        assert "no such button" in person.press("order", expect=400, order_id=order_id, verb="set_status")
        assert "no such action" in person.press("explode", expect=400)
        assert "missing: order_id" in person.press("order", expect=400, verb="pay")

    def test_moves_house(self, person: Person) -> None:
        person.press("address", order_id=person.buy(), address_line1="1 New St", name="")
        address = person.orders()[-1]["recipient_address"]
        assert (address["address_line1"], address["name"]) == ("1 New St", "Dana Whitfield")


class TestSeller:
    def test_answers_a_request_to_cancel(self, person: Person) -> None:
        rejected, approved = person.buy(hold="no"), person.buy(hold="no")
        for order_id, approve in ((rejected, "no"), (approved, "yes")):
            person.press("order", order_id=order_id, verb="buyer_cancel")
            assert "asks to cancel" in person.row(order_id)
            person.press("answer", order_id=order_id, approve=approve)
        assert [order["status"] for order in person.orders()] == ["AWAITING_SHIPMENT", "CANCELLED"]

    def test_ships_by_hand_under_the_platforms_rules(self, person: Person) -> None:
        order_id = person.buy()
        form = {"order_id": order_id, "tracking_number": "1Z999AA10123456784", "carrier": "7117859084333745966"}
        assert "21011044" in person.press("seller_ship", expect=400, **form)
        person.press("order", order_id=order_id, verb="end_hold")
        person.press("seller_ship", **form)
        assert person.orders()[-1]["status"] == "AWAITING_COLLECTION"

    def test_sets_the_shop(self, person: Person) -> None:
        person.press("shop", shop="Alice Tokyo", masking="asterisks")
        shop = person.world.halves["tiktok_shop"].snapshot()["shops"][2]
        assert (shop["masking"], shop["is_hold"]) == ("asterisks", False)


class TestStore:
    def test_says_why_an_order_is_not_there(self, person: Person, store: Store, world: World) -> None:
        order_id = person.buy()
        assert "not made: on hold" in person.row(order_id)
        world.advance(3600)
        assert "not made yet" in person.row(order_id)
        person.press("break", platform="shopify", kind="status", status="503", times="-1")
        assert "waiting: you broke it" in person.row(order_id)

    def test_has_its_copy_beside_the_order(self, person: Person, store: Store) -> None:
        order_id = person.buy()
        store.add("#1001", f"TikTok Shop {order_id}")
        assert "#1001" in person.row(order_id)
        store.add("#1002", order_id)
        assert "made 2 times" in person.row(order_id)

    def test_shows_an_order_of_its_own(self, person: Person, store: Store) -> None:
        store.add("#1003", "")
        assert "no order of TikTok Shop" in dict(person.live()["rows"])["shopify-gid-#1003"]

    def test_ships(self, person: Person, store: Store) -> None:
        form = {"platform": "shopify", "order": "g", "shop": "a", "tracking_number": " 1Z ", "carrier": "UPS"}
        person.press("ship", **form)
        person.press("ship", **form, **{"line:S1": "2", "left:S1": "2"})
        person.press("ship", **form, **{"line:S1": "1", "left:S1": "2", "line:S2": "0", "left:S2": "1"})
        which = {"order": "g", "shop": "a", "tracking_number": "1Z", "carrier": "UPS"}
        assert store.done == [("ship", which), ("ship", which), ("ship", {**which, "lines": {"S1": 1}})]
        assert "no line" in person.press("ship", expect=400, **form, **{"line:S1": "0", "left:S1": "2"})

    def test_tells_what_it_refuses(self, person: Person, store: Store) -> None:
        form = {"platform": "shopify", "order": "gone", "verb": "cancel"}
        assert person.press("store", expect=400, **form) == "no such order"
        assert "no such platform" in person.press("store", expect=400, platform="x", order="1", verb="cancel")


class TestMachinery:
    def test_moves_the_clock(self, person: Person, world: World) -> None:
        before = world.now()
        person.press("clock", advance="3600")
        assert world.now() == before + 3600
        person.press("clock", freeze="no")
        assert not world.is_frozen
        person.press("clock", freeze="yes")
        assert world.is_frozen
        person.press("clock", hold_seconds="10")
        assert world.hold_seconds == 10
        assert "within" in person.press("clock", expect=400, hold_seconds="-1")

    def test_breaks_and_mends(self, person: Person, world: World) -> None:
        person.press("break", platform="tiktok_shop", kind="stall", seconds="2", times="3", percent="50", operation="")
        fault = world.faults.listing()[0]
        assert (fault["operation"], fault["seconds"], fault["times"], fault["probability"]) == ("*", 2.0, 3, 0.5)
        parts = person.live()["parts"]
        assert "is slow, then answers" in parts["faults"]
        assert "Broken" in parts["state-tiktok_shop"]
        person.press("mend", id=str(fault["id"]))
        assert world.faults.listing() == []
        assert "unknown kind" in person.press("break", expect=400, platform="tiktok_shop", kind="earthquake")

    def test_holds_webhooks_back(self, person: Person, world: World) -> None:
        person.press("webhooks", automatic="yes")
        assert world.outgoing.automatic
        person.press("webhooks", automatic="no")
        assert person.press("webhooks", drain="yes") == "0 webhooks sent"

    def test_shows_journal_and_ledger(self, person: Person, url: str) -> None:
        order_id = person.buy()
        requests.get(f"{url}/tiktok_shop/api/nowhere", timeout=5)
        parts = person.live()["parts"]
        assert "GET /tiktok_shop/api/nowhere" in parts["journal"]
        assert "order.placed" in parts["ledger"]
        assert order_id[-6:] in parts["ledger"]

    def test_starts_over(self, person: Person) -> None:
        person.buy()
        person.press("reset")
        assert person.orders() == []


class TestNames:
    def test_are_letters_like_a_spreadsheets(self) -> None:
        assert [tag_of(number) for number in (0, 25, 26, 27, 701, 702)] == ["A", "Z", "AA", "AB", "ZZ", "AAA"]

    def test_of_parcels_have_the_carriers_check_digit(self) -> None:
        # UPS: of the 15 characters after 1Z, every second one counts twice; the last digit fills up to ten.
        for key in ("a", "b", "576955728808419730"):
            digits = [int(digit) for digit in ups_number(key)[2:]]
            total = sum(digit * (2 if place % 2 else 1) for place, digit in enumerate(digits[:15]))
            assert (len(digits), (total + digits[15]) % 10) == (16, 0)


class TestInABrowser:
    @pytest.fixture
    def page(self, url: str) -> Iterator[Page]:
        program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        if program is None:
            pytest.skip("needs Chromium")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            page.set_default_timeout(10_000)
            page.goto(url)
            yield page
            browser.close()

    def test_keeps_what_is_being_typed_when_the_row_changes(self, person: Person, store: Store, page: Page) -> None:
        order_id = person.buy(hold="no")
        store.add("#1001", order_id)
        row = page.locator(f"[data-key='order-{order_id}']")
        row.locator(".shopify summary").click()
        number = row.locator(".shopify [name=tracking_number]")
        number.fill("ABCDE")
        page.evaluate("document.activeElement.setSelectionRange(2, 2)")
        store.orders[0]["total"] = "99.99"
        row.get_by_text("99.99").wait_for()
        page.keyboard.type("x")
        assert number.input_value() == "ABxCDE"
        number.press("Enter")
        page.locator("#said", has_text="Shipped").wait_for()
        assert store.done[0][1]["tracking_number"] == "ABxCDE"

    def test_buys_counts_down_and_follows_the_clock(self, person: Person, world: World, page: Page) -> None:
        page.locator("[name='sku:TIN-LAV-04']").fill("2")
        page.get_by_text("Buy the basket").last.click()
        row = page.locator("article.row").first
        row.get_by_text("On hold 1:00:00").wait_for()
        world.advance(3590)
        row.get_by_text("On hold 0:10").wait_for()
        page.get_by_text("+ 1 min").click()
        row.get_by_text("To ship").wait_for()
        assert page.locator("[name='sku:TIN-LAV-04']").input_value() == "2"

    @pytest.mark.parametrize("width", [1440, 390])
    def test_fits_the_window(self, person: Person, store: Store, page: Page, width: int) -> None:
        person.buy(message="w" * 200)
        store.add("#1001", person.buy(hold="no"))
        page.set_viewport_size({"width": width, "height": 844})
        page.reload()
        page.locator("details").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
