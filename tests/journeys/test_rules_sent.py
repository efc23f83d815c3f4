"""Each rule of a route changes what its store receives, or the order says plainly that the store cannot."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.access import all_merchants, merchant_rows
from connectors.models import ConnectedStore
from connectors.speaking import speaking_to_destination
from orders.dryrun import dry_run
from orders.models import Concern, Mirror, OrderState, ProductLink, Route
from orders.shipping import save_mapping
from orders.versions import about_route, latest_number, saving
from tests.journeys.conftest import STORES, Journey
from tests.journeys.test_stores import route
from tests.journeys.test_tracking import drain_until_killed

AMOUNTS = ("shopify", "wix", "squarespace")
SALE = {"lines": [{"sku": "CND-FIG-08", "quantity": 2}], "shipping_fee": "5.99"}
SALE |= {"discounts": {"seller": "6.40", "platform": "5.00"}, "shipping_discounts": {"platform": "2.00"}}
BUNDLE = [("TIN-LAV-04", 2), ("GFT-MTC-01", 1)]
OPTION = "7091146663229654785"  # the sandbox's standard shipping in the US


def rule(journey: Journey, platform: str, **rules: Any) -> Route:
    """A default route to that store, with these rules saved as a version of the settings."""
    with all_merchants("a test looks"):
        is_there = ConnectedStore.objects.filter(platform=platform).exists()
    if not is_there:
        journey.connect(platform)
        journey.settle()
    made = route(journey, platform)
    about = about_route(made.source_store_id, made.destination_store_id)
    with (
        merchant_rows(made.merchant_id),
        saving(merchant_id=made.merchant_id, concern=Concern.RULES, about=about, author="Alice", now=journey.now()),
    ):
        made.rules = rules
        made.save(update_fields=["rules"])
    return made


def received(journey: Journey, platform: str, **wanted: Any) -> dict[str, Any]:
    """What the store has after a purchase."""
    return journey.order_in(platform, journey.buy_released(**wanted))


def remarks(journey: Journey, reference: str) -> str:
    with merchant_rows(journey.store("tiktok_shop").merchant_id):
        events = journey.order(reference).events.filter(kind="mirror.adapted")
        return " ".join(remark for event in events for remark in event.facts["remarks"])


def amounts(order: dict[str, Any]) -> dict[str, Decimal]:
    """The sums of an order, as its store shows them."""
    if "shipping_lines" not in order:
        return {name: Decimal(str(order[name] or 0)) for name in ("discount", "shipping_total", "tax", "total")}

    def first(bags: list[dict[str, Any]], name: str = "priceSet") -> Decimal:
        return Decimal(bags[0][name]["shopMoney"]["amount"]) if bags else Decimal(0)

    return {
        "discount": first([order["discount"]["itemFixedDiscountCode"]], "amountSet"),
        "shipping_total": first(order["shipping_lines"]),
        "tax": first(order["tax_lines"]),
        "total": Decimal(str(order["total"])),
    }


def money_rows(journey: Journey, reference: str) -> str:
    return journey.person.open(f"{journey.site}/orders/{journey.order(reference).pk}/").text


class TestWordForWord:
    """What the dry run shows, byte by byte: of a bundle, by a mapped method, under many rules; and under none."""

    EVERYTHING = {
        "number_prefix": "TT-",
        "tags": ["warm"],
        "note": "{order_id} {buyer_message}",
        "discounts": "SELLER_RECEIVES",
        "tax": "NONE",
        "email": "FIXED",
        "fixed_email": "orders@example.com",
        "stock": "KEEP",
        "unlinked": "CUSTOM_LINE",
        "unmapped_shipping": "FLAG",
        "default_location": "gid://shopify/Location/655441491",
    }
    LINES = [{"sku": "CND-FIG-08", "quantity": 2}, {"sku": "TPR-BEE-02", "quantity": 1}]

    @pytest.mark.parametrize("platform", STORES)
    @pytest.mark.parametrize("is_everything", [True, False])
    def test_the_dry_run_is_what_is_then_sent(self, journey: Journey, platform: str, is_everything: bool) -> None:
        made = rule(journey, platform, **(self.EVERYTHING if is_everything else {}))
        method = ("Expedited", "Expedited") if platform == "amazon" else ("Ground, 3 days", "GROUND-3")
        if is_everything:
            link_bundle(journey, journey.store(platform))
            with merchant_rows(made.merchant_id):
                save_mapping(store=made.destination_store, option_id=OPTION, name="Standard shipping", to=method)
        with merchant_rows(made.merchant_id):
            Route.objects.filter(pk=made.pk).update(hold_mode="EXTRA_HOLD", extra_hold_hours=1)
        order_id = journey.buy_released(**{**SALE, "lines": self.LINES}, message="Leave it at the door")
        journey.wait(60)
        (run,) = dry_run(order=journey.order(order_id), clock=journey.now)
        assert run.request is not None, (run.code, run.detail)
        page = journey.person.open(f"{journey.site}/orders/{journey.order(order_id).pk}/dry-run/").text
        assert "What is sent, word for word" in page
        journey.control("journal", bodies=True)
        journey.wait(3700)
        assert journey.order(order_id).state == OrderState.MIRRORED
        operation = "orderCreate" if platform == "shopify" else "orders.create"
        (sent,) = [entry for entry in journey.world.journal if entry["operation"] == operation]
        assert sent["body"] == run.request.body
        assert (method[0] in sent["body"]) == is_everything
        assert (sent["method"], sent["path"].endswith(run.request.path)) == (run.request.method, True)


class TestNumber:
    def test_is_the_orders_name_in_shopify(self, journey: Journey) -> None:
        rule(journey, "shopify", number_prefix="TT-")
        order = received(journey, "shopify")
        assert order["name"] == f"TT-{order['reference']}"
        assert journey.mirror(order["reference"]).name == order["name"]

    def test_is_on_amazons_packing_slip(self, journey: Journey) -> None:
        rule(journey, "amazon", number_prefix="TT-")
        order = received(journey, "amazon")
        assert order["raw"]["displayableOrderId"] == f"TT-{order['reference']}"

    def test_stands_among_the_fields_in_wix(self, journey: Journey) -> None:
        rule(journey, "wix", number_prefix="TT-")
        order = received(journey, "wix")
        assert order["fields"]["Order number"] == f"TT-{order['reference']}"

    def test_is_said_to_be_left_out_in_squarespace(self, journey: Journey) -> None:
        rule(journey, "squarespace", number_prefix="TT-")
        assert "numbers of its own" in remarks(journey, received(journey, "squarespace")["reference"])


class TestTagsAndNote:
    RULES = {"tags": ["warm", "gift wrap"], "note": "Order {order_id}\nSays: {buyer_message}\nBy {delivery_option}"}

    @pytest.mark.parametrize("platform", ["shopify", "wix"])
    def test_are_in_the_store(self, journey: Journey, platform: str) -> None:
        rule(journey, platform, **self.RULES)
        order = received(journey, platform)
        tags = order["tags"] if platform == "shopify" else order["fields"]["Tags"].split(", ")
        assert tags == ["TikTok Shop", "warm", "gift wrap"]
        assert order["note"] == f"Order {order['reference']}\nBy Standard shipping"

    @pytest.mark.parametrize("platform", ["amazon", "squarespace"])
    def test_are_said_to_be_left_out_where_there_is_no_place(self, journey: Journey, platform: str) -> None:
        rule(journey, platform, **self.RULES)
        said = remarks(journey, received(journey, platform)["reference"])
        assert "no place for tags" in said
        assert "no place for a note" in said


class TestEmail:
    @pytest.mark.parametrize("platform", AMOUNTS)
    @pytest.mark.parametrize(("email", "there"), [("FIXED", "orders@example.com"), ("NONE", "")])
    def test_is_what_the_rule_says(self, journey: Journey, platform: str, email: str, there: str) -> None:
        rule(journey, platform, email=email, fixed_email="orders@example.com")
        order = received(journey, platform)
        assert order["email"] == there
        if platform == "shopify":
            (made,) = journey.ledger("order.created", order["reference"])
            assert "customer" not in made["content"]

    @pytest.mark.parametrize("platform", AMOUNTS)
    def test_is_tiktoks_relay_address_unless_another_is_chosen(self, journey: Journey, platform: str) -> None:
        rule(journey, platform)
        order = received(journey, platform)
        assert order["email"] == journey.tiktok_order(order["reference"])["buyer_email"]

    def test_of_the_merchant_is_told_amazon_neither(self, journey: Journey) -> None:
        rule(journey, "amazon", email="FIXED", fixed_email="orders@example.com")
        order = received(journey, "amazon")
        assert "notificationEmails" not in order["raw"]
        assert "takes no e-mail" in remarks(journey, order["reference"])


class TestDiscountsAndTax:
    @pytest.mark.parametrize("platform", AMOUNTS)
    def test_as_the_buyer_paid(self, journey: Journey, platform: str) -> None:
        rule(journey, platform)
        order = received(journey, platform, **SALE)
        sums = amounts(order)
        assert (sums["discount"], sums["shipping_total"]) == (Decimal("11.40"), Decimal("3.99"))
        assert sums["total"] == Decimal(journey.tiktok_order(order["reference"])["payment"]["total_amount"])
        page = money_rows(journey, order["reference"])
        assert "Shipping discount by TikTok" in page
        assert "Balances to the cent" in page

    @pytest.mark.parametrize("platform", AMOUNTS)
    def test_as_the_seller_receives(self, journey: Journey, platform: str) -> None:
        rule(journey, platform, discounts="SELLER_RECEIVES")
        order = received(journey, platform, **SALE)
        sums = amounts(order)
        assert (sums["discount"], sums["shipping_total"]) == (Decimal("6.40"), Decimal("5.99"))
        paid = Decimal(journey.tiktok_order(order["reference"])["payment"]["total_amount"])
        assert sums["total"] == paid + Decimal("7.00")
        assert journey.order(order["reference"]).attention == ""
        page = money_rows(journey, order["reference"])
        assert "Paid back by TikTok" in page
        assert "Balances to the cent" in page

    @pytest.mark.parametrize("platform", AMOUNTS)
    @pytest.mark.parametrize("tax", ["NONE", "STORE"])
    def test_without_the_tax_that_tiktok_remits(self, journey: Journey, platform: str, tax: str) -> None:
        rule(journey, platform, tax=tax)
        order = received(journey, platform, **SALE)
        paid = journey.tiktok_order(order["reference"])["payment"]
        assert Decimal(paid["tax"]) > 0
        assert amounts(order)["tax"] == 0
        assert amounts(order)["total"] == Decimal(paid["total_amount"]) - Decimal(paid["tax"])
        assert ("reckons no tax" in remarks(journey, order["reference"])) == (tax == "STORE")
        page = money_rows(journey, order["reference"])
        assert "Tax that stays at TikTok" in page
        assert "Balances to the cent" in page

    @pytest.mark.parametrize("platform", AMOUNTS)
    @pytest.mark.parametrize("off", [Decimal("0.01"), Decimal("-0.01")])
    def test_with_a_line_for_rounding(self, journey: Journey, platform: str, off: Decimal) -> None:
        rule(journey, platform)
        order_id = journey.buy(**SALE)
        payment = journey.tiktok_order(order_id)["payment"]
        changed = {**payment, "total_amount": str(Decimal(payment["total_amount"]) + off)}
        journey.control("tiktok_shop/update_fields", order_id=order_id, fields={"payment": changed})
        journey.wait(journey.world.hold_seconds + 60)
        order = journey.order_in(platform, order_id)
        assert amounts(order)["total"] == Decimal(changed["total_amount"])
        page = money_rows(journey, order_id)
        assert "Rounding" in page
        assert "Balances to the cent" in page


class TestStock:
    def stock(self, journey: Journey, sku: str = "CND-FIG-08") -> int:
        found = journey.look("shopify")["variants"]
        return int(next(one["stock"] for one in found if one["sku"] == sku and one["shop"].startswith("alices")))

    @pytest.mark.parametrize(("stock", "taken"), [("DEDUCT", 2), ("OBEY", 2), ("KEEP", 0)])
    def test_of_shopify_follows_the_rule(self, journey: Journey, stock: str, taken: int) -> None:
        rule(journey, "shopify", stock=stock)
        before = self.stock(journey)
        received(journey, "shopify", **SALE)
        assert before - self.stock(journey) == taken

    def test_that_is_short_keeps_the_order_back_where_shopify_is_obeyed(self, journey: Journey) -> None:
        rule(journey, "shopify", stock="OBEY")
        journey.control("shopify/set_stock", shop="alices-candles.myshopify.com", sku="CND-FIG-08", quantity=1)
        order = journey.order(journey.buy_released(**SALE))
        assert order.attention == "OUT_OF_STOCK"

    @pytest.mark.parametrize(("warehoused", "taken"), [("MIRROR", 0), ("MIRROR_AND_DEDUCT", 2)])
    def test_of_shopify_is_taken_for_what_tiktoks_warehouse_ships_only_if_the_merchant_says_so(
        self, journey: Journey, warehoused: str, taken: int
    ) -> None:
        rule(journey, "shopify", warehoused=warehoused, stock="OBEY")
        before = self.stock(journey)
        order = received(journey, "shopify", fulfillment_type="FULFILLMENT_BY_TIKTOK", shipping_type="TIKTOK", **SALE)
        assert "tiktok-fbt" in order["tags"]
        assert before - self.stock(journey) == taken

    @pytest.mark.parametrize(("stock", "behavior"), [("DEDUCT", "SKIP"), ("OBEY", "DEDUCT"), ("KEEP", "SKIP")])
    def test_of_squarespace_follows_the_rule_before_the_stores_own_choice(
        self, journey: Journey, stock: str, behavior: str
    ) -> None:
        rule(journey, "squarespace", stock=stock)
        assert received(journey, "squarespace")["raw"]["inventoryBehavior"] == behavior

    @pytest.mark.parametrize("platform", ["amazon", "wix"])
    def test_is_said_to_be_the_stores_own_elsewhere(self, journey: Journey, platform: str) -> None:
        rule(journey, platform, stock="KEEP")
        assert "not available there" in remarks(journey, received(journey, platform)["reference"])


class TestUnlinkedItem:
    LINES = [{"sku": "CND-FIG-08", "quantity": 1}, {"sku": "CND-PINE-12", "quantity": 1}]

    @pytest.mark.parametrize("platform", ["shopify", "wix"])
    def test_becomes_a_custom_line(self, journey: Journey, platform: str) -> None:
        rule(journey, platform, unlinked="CUSTOM_LINE")
        order = received(journey, platform, lines=self.LINES)
        assert [line["sku"] for line in order["lines"]] == ["CND-FIG-08", "CND-PINE-12"]
        assert "Not linked, so without a product in the store: CND-PINE-12" in remarks(journey, order["reference"])
        journey.ship_from(platform, order["reference"])
        journey.wait(130)
        assert journey.order(order["reference"]).state == OrderState.FULFILLED

    @pytest.mark.parametrize("platform", ["amazon", "squarespace"])
    def test_waits_where_every_item_needs_a_product(self, journey: Journey, platform: str) -> None:
        rule(journey, platform, unlinked="CUSTOM_LINE")
        order_id = journey.buy_released(lines=self.LINES)
        assert journey.order(order_id).attention == "NOT_LINKED"
        assert journey.orders_in(platform, order_id) == []

    def test_with_several_products_is_still_a_question(self, journey: Journey) -> None:
        rule(journey, "wix", unlinked="CUSTOM_LINE")
        journey.control("wix/add_variant", sku="CND-FIG-08", title="Another candle")
        assert journey.order(journey.buy_released()).attention == "NOT_LINKED"


class TestUnmappedShipping:
    @pytest.mark.parametrize("platform", STORES)
    def test_is_flagged_on_the_order(self, journey: Journey, platform: str) -> None:
        rule(journey, platform, unmapped_shipping="FLAG")
        order_id = journey.buy_released()
        order = journey.order(order_id)
        assert (order.attention, order.state) == ("SHIPPING_UNMAPPED", OrderState.MIRRORED)
        assert len(journey.orders_in(platform, order_id)) == 1
        page = money_rows(journey, order_id)
        assert "with the default method" in page
        assert "Mark as settled" in page

    @pytest.mark.parametrize("platform", STORES)
    def test_waits_until_it_is_mapped(self, journey: Journey, platform: str) -> None:
        rule(journey, platform, unmapped_shipping="BLOCK")
        order_id = journey.buy_released()
        assert journey.order(order_id).attention == "SHIPPING_UNMAPPED"
        assert journey.orders_in(platform, order_id) == []
        store = journey.store(platform)
        with merchant_rows(store.merchant_id):
            option = journey.order(order_id).snapshot["delivery_option_id"]
            save_mapping(store=store, option_id=option, name="Standard shipping", to=("Standard", "Standard"))
        journey.person.open(f"{journey.site}/orders/{journey.order(order_id).pk}/")
        journey.person.submit(holding=f"/orders/{journey.order(order_id).pk}/retry/")
        journey.wait(10)
        assert '"Standard"' in json.dumps(journey.order_in(platform, order_id))


class TestSkuInAnotherCase:
    @pytest.mark.parametrize("platform", ["shopify", "wix", "squarespace"])
    def test_is_another_sku_if_case_matters(self, journey: Journey, platform: str) -> None:
        shop = {"shop": "alices-candles.myshopify.com"} if platform == "shopify" else {}
        journey.control(f"{platform}/add_variant", sku="cnd-pine-12", title="Pine Candle", **shop)
        rule(journey, platform, sku_case_matters=True)
        order_id = journey.buy_released(lines=[{"sku": "CND-PINE-12", "quantity": 1}])
        assert journey.order(order_id).attention == "NOT_LINKED"
        rule(journey, platform)
        journey.wait(310)
        # Wix itself looks a SKU up as it is written.
        assert len(journey.orders_in(platform, order_id)) == (0 if platform == "wix" else 1)


def link_bundle(journey: Journey, store: ConnectedStore) -> None:
    """One candle of TikTok's is two tins and a matchbox in the store."""
    with speaking_to_destination(store, clock=journey.now) as destination:
        found = destination.find_variants([sku for sku, _ in BUNDLE])
    components = [
        {"variant_id": found[sku][0].external_id, "sku": sku, "title": sku.title(), "quantity": quantity}
        for sku, quantity in BUNDLE
    ]
    with merchant_rows(store.merchant_id):
        ProductLink.objects.create(
            merchant_id=store.merchant_id,
            store=store,
            sku="cnd-fig-08",
            variant_id=components[0]["variant_id"],
            components=components,
            is_manual=True,
            checked_at=journey.now(),
        )


class TestBundle:
    @pytest.mark.parametrize("platform", STORES)
    def test_is_its_components_and_costs_the_same_to_the_cent(self, journey: Journey, platform: str) -> None:
        rule(journey, platform)
        link_bundle(journey, journey.store(platform))
        order = received(journey, platform, lines=[{"sku": "CND-FIG-08", "quantity": 2, "price": "20.00"}])
        units: dict[str, int] = {}
        for line in order["lines"]:
            units[line["sku"]] = units.get(line["sku"], 0) + line["quantity"]
        assert units == {"TIN-LAV-04": 4, "GFT-MTC-01": 2}
        if platform in AMOUNTS:
            assert sum(Decimal(line["price"]) * line["quantity"] for line in order["lines"]) == Decimal("40.00")
            assert {Decimal(line["price"]) for line in order["lines"]} == {Decimal("6.67"), Decimal("6.66")}
            assert journey.order(order["reference"]).attention == ""
            assert "Balances to the cent" in money_rows(journey, order["reference"])

    @pytest.mark.parametrize("platform", STORES)
    def test_is_told_tiktok_when_it_has_left_whole(self, journey: Journey, platform: str) -> None:
        rule(journey, platform)
        link_bundle(journey, journey.store(platform))
        order_id = journey.buy_released()
        journey.ship_from(platform, order_id)
        journey.wait(130)
        (kept,) = journey.fulfillments(order_id)
        assert (kept.state, len(kept.line_ids)) == ("ACCEPTED", 1)
        assert journey.order(order_id).state == OrderState.FULFILLED

    @pytest.mark.parametrize("platform", ["shopify", "wix"])
    def test_leaves_with_the_last_of_its_components(self, journey: Journey, platform: str) -> None:
        rule(journey, platform)
        link_bundle(journey, journey.store(platform))
        order_id = journey.buy_released(
            lines=[{"sku": "CND-FIG-08", "quantity": 2}, {"sku": "TIN-LAV-04", "quantity": 1}]
        )
        journey.ship_from(platform, order_id, number="9400111899562537866361", lines={"TIN-LAV-04": 5})
        journey.wait(130)
        (first,) = journey.fulfillments(order_id)
        assert (first.state, len(first.line_ids)) == ("ACCEPTED", 1)  # the tin that is a line of its own
        journey.ship_from(platform, order_id, number="9400111899562537866378", lines={"GFT-MTC-01": 1})
        journey.wait(130)
        journey.ship_from(platform, order_id, number="9400111899562537866385", lines={"GFT-MTC-01": 1})
        journey.wait(130)
        assert [len(kept.line_ids) for kept in journey.fulfillments(order_id)] == [1, 1, 1]
        order = journey.order(order_id)
        assert (order.state, order.attention) == (OrderState.FULFILLED, "")
        numbers = {line["tracking_number"] for line in journey.tiktok_order(order_id)["line_items"]}
        assert numbers == {"9400111899562537866361", "9400111899562537866378", "9400111899562537866385"}


class TestLocation:
    """The store's location of a TikTok Shop warehouse, or the default one."""

    @pytest.fixture
    def annex(self, journey: Journey) -> str:
        """The location that Shopify does not choose by itself."""
        _, second = journey.look("shopify")["shops"][0]["locations"]
        return str(second)

    def test_has_the_order_right_after_it_is_made(self, journey: Journey, annex: str) -> None:
        rule(journey, "shopify", default_location=annex)
        order_id = journey.buy_released()
        assert journey.order_in("shopify", order_id)["location"] == annex
        assert "Ship from" not in json.dumps(journey.order_in("shopify", order_id)["attributes"])
        assert [item.kind for item in journey.items(order_id)] == ["CREATE_ORDER", "MOVE_ORDER"]
        assert (journey.order(order_id).attention, journey.events(order_id)[-1]) == ("", "mirror.moved")
        journey.ship(order_id)
        journey.wait(60)
        assert journey.order(order_id).state == OrderState.FULFILLED

    def test_is_that_of_the_warehouse_before_the_default_one(self, journey: Journey, annex: str) -> None:
        first, _ = journey.look("shopify")["shops"][0]["locations"]
        warehouse = journey.order(journey.buy_released()).snapshot["warehouse_id"]
        rule(journey, "shopify", default_location=first, locations={warehouse: annex.rpartition("/")[2]})
        assert received(journey, "shopify")["location"] == annex

    def test_that_nobody_chose_costs_no_call(self, journey: Journey) -> None:
        rule(journey, "shopify")
        order_id = journey.buy_released()
        assert [item.kind for item in journey.items(order_id)] == ["CREATE_ORDER"]

    @pytest.mark.parametrize(("platform", "is_named"), [("wix", True), ("amazon", False), ("squarespace", False)])
    def test_is_named_on_the_order_where_the_store_has_none_but_a_place_for_it(
        self, journey: Journey, platform: str, is_named: bool
    ) -> None:
        rule(journey, platform, default_location="Shelf 7")
        order = received(journey, platform)
        assert ("Shelf 7" in json.dumps(order)) == is_named
        assert "chooses the location itself" in remarks(journey, order["reference"])

    def test_that_does_not_stock_it_is_asked_about_and_the_order_is_not_lost(
        self, journey: Journey, annex: str
    ) -> None:
        rule(journey, "shopify", default_location=annex)
        journey.control("shopify/never_stock", location=annex, sku="CND-FIG-08")
        order_id = journey.buy_released()
        order = journey.order(order_id)
        assert (order.state, order.attention) == (OrderState.MIRRORED, "NOT_SUPPORTED")
        page = money_rows(journey, order_id)
        assert "Not at the location that you chose" in page
        assert "isn&#x27;t stocked at this location" in page
        assert "Nothing was sent" not in page
        journey.control("shopify/never_stock", location=annex, sku="CND-FIG-08", stocks=True)
        journey.person.submit(holding=f"/orders/{order.pk}/retry/")
        journey.settle()
        assert journey.order_in("shopify", order_id)["location"] == annex
        assert journey.order(order_id).attention == ""

    def test_is_settled_once_the_parcel_left_from_elsewhere(self, journey: Journey, annex: str) -> None:
        rule(journey, "shopify", default_location=annex)
        journey.control("shopify/never_stock", location=annex, sku="CND-FIG-08")
        order_id = journey.buy_released()
        journey.ship(order_id)
        journey.wait(60)
        order = journey.order(order_id)
        assert (order.state, order.attention) == (OrderState.FULFILLED, "")
        assert {item.status for item in journey.items(order_id)} == {"DONE", "DROPPED"}

    def test_of_an_order_whose_creates_answer_was_lost_is_reached_too(self, journey: Journey, annex: str) -> None:
        rule(journey, "shopify", default_location=annex)
        journey.fault("shopify", "orderCreate", "reset_after")
        order_id = journey.buy_released()
        for _ in range(4):
            journey.wait(60)
        assert journey.order_in("shopify", order_id)["location"] == annex
        assert len(journey.ledger("order.created", order_id)) == 1

    @pytest.mark.parametrize("kind", ["reset_before", "reset_after", "error_after"])
    def test_is_reached_though_an_answer_was_lost_and_the_order_moved_once(
        self, journey: Journey, annex: str, kind: str
    ) -> None:
        rule(journey, "shopify", default_location=annex)
        journey.fault("shopify", "fulfillmentOrderMove", kind)
        order_id = journey.buy_released()
        for _ in range(4):
            journey.wait(60)
        assert journey.order_in("shopify", order_id)["location"] == annex
        assert len(journey.ledger("order.moved", order_id)) == 1
        assert journey.order(order_id).attention == ""

    @pytest.mark.parametrize("event", ["order.created", "order.moved"])
    def test_is_reached_by_the_next_process_where_one_was_killed_after_a_call(
        self, journey: Journey, annex: str, event: str
    ) -> None:
        rule(journey, "shopify", default_location=annex)
        order_id = journey.buy()
        journey.settle()
        journey.world.advance(journey.world.hold_seconds + 5)
        for _ in range(3):
            drain_until_killed(journey, lambda: bool(journey.ledger(event, order_id)))
        assert [item.status for item in journey.items(order_id)][-1] == "IN_FLIGHT"
        for _ in range(4):
            journey.wait(60)
        assert journey.order_in("shopify", order_id)["location"] == annex
        assert [len(journey.ledger(each, order_id)) for each in ("order.created", "order.moved")] == [1, 1]
        assert journey.order(order_id).attention == ""

    def test_is_not_sought_for_an_order_that_is_cancelled_meanwhile(self, journey: Journey, annex: str) -> None:
        rule(journey, "shopify", default_location=annex)
        journey.control("shopify/settings", routing_takes=600)
        order_id = journey.buy_released()
        journey.control("tiktok_shop/seller_cancel", order_id=order_id)
        journey.wait(10)
        assert journey.order_in("shopify", order_id)["is_cancelled"]
        assert journey.ledger("order.moved", order_id) == []

    def test_has_an_order_that_was_kept_back_once_it_is_let_go(self, journey: Journey, annex: str) -> None:
        made = rule(journey, "shopify", default_location=annex)
        with merchant_rows(made.merchant_id):
            Route.objects.filter(pk=made.pk).update(hold_mode="AT_ONCE")
        order_id = journey.buy()
        journey.wait(10)
        assert journey.order_in("shopify", order_id)["is_on_hold"]
        journey.wait(journey.world.hold_seconds)
        there = journey.order_in("shopify", order_id)
        assert (there["is_on_hold"], there["location"]) == (False, annex)
        kinds = [item.kind for item in journey.items(order_id)]
        assert kinds == ["CREATE_ORDER", "HOLD_ORDER", "RELEASE_ORDER", "MOVE_ORDER"]


class TestExtraHold:
    @pytest.mark.parametrize("platform", STORES)
    def test_keeps_the_order_from_the_store_for_so_many_hours_more(self, journey: Journey, platform: str) -> None:
        made = rule(journey, platform)
        with merchant_rows(made.merchant_id):
            Route.objects.filter(pk=made.pk).update(hold_mode="EXTRA_HOLD", extra_hold_hours=5)
        order_id = journey.buy_released()
        journey.wait(5 * 3600 - 600)
        assert journey.orders_in(platform, order_id) == []
        journey.wait(700)
        assert len(journey.orders_in(platform, order_id)) == 1


class TestHoldOfAnOrderThatTikTokNeverHeld:
    @pytest.mark.parametrize(("imposes", "is_there"), [("yes", False), ("no", True)])
    def test_is_imposed_unless_the_merchant_says_no(self, journey: Journey, imposes: str, is_there: bool) -> None:
        rule(journey, "shopify")
        shop = journey.store("tiktok_shop")
        with merchant_rows(shop.merchant_id):
            ConnectedStore.objects.filter(pk=shop.pk).update(options={"imposes_hold": imposes})
        order_id = journey.buy(hold=False)
        journey.wait(30)
        assert bool(journey.orders_in("shopify", order_id)) == is_there
        journey.wait(journey.world.hold_seconds)
        assert len(journey.orders_in("shopify", order_id)) == 1

    def test_is_counted_by_tiktok_shops_clock_when_ours_runs_ahead(self, journey: Journey) -> None:
        rule(journey, "shopify")
        journey.ahead = timedelta(seconds=25)  # TikTok Shop takes a call that is stamped up to 30 s ahead
        order_id = journey.buy(hold=False)
        journey.wait(journey.world.hold_seconds - 20)
        assert journey.order(order_id).release_at < journey.now()
        assert journey.orders_in("shopify", order_id) == []
        journey.wait(25)
        assert len(journey.orders_in("shopify", order_id)) == 1


class TestVersion:
    def test_that_made_an_order_is_kept_with_it(self, journey: Journey) -> None:
        rule(journey, "shopify", tags=["one"])
        first = journey.buy_released()
        made = rule(journey, "shopify", tags=["two"])
        second = journey.buy_released()
        with merchant_rows(made.merchant_id):
            numbers = [Mirror.objects.get(order__external_id=each).settings_number for each in (first, second)]
            assert numbers == [latest_number(made.merchant_id) - 1, latest_number(made.merchant_id)]  # type: ignore[operator]
        assert f"Version {numbers[0]}" in money_rows(journey, first)


class TestSample:
    @pytest.mark.parametrize("platform", ["shopify", "wix"])
    def test_is_tagged(self, journey: Journey, platform: str) -> None:
        rule(journey, platform)
        order = received(journey, platform, sample=True)
        tags = order["tags"] if platform == "shopify" else order["fields"]["Tags"]
        assert "tiktok-sample" in tags
        assert amounts(order)["total"] == 0
        assert "Balances to the cent" in money_rows(journey, order["reference"])


def test_the_journal_keeps_no_bodies_unless_asked(journey: Journey) -> None:
    journey.buy_released()
    assert not any("body" in entry for entry in journey.world.journal)
    assert json.dumps(list(journey.world.journal))
