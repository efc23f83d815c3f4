"""An order in one of the four stores, and what buyer, seller, carrier and platform do about it afterwards."""

from __future__ import annotations

from typing import Any

from accounts.access import merchant_rows
from connectors.base.aftersales import Answer, Decision
from connectors.speaking import speaking_to_source
from orders import answering, reasons, returns, routing, saving, store_cancels
from orders.aftersale_rules import AftersaleRules
from orders.models import Cancellation, Order, OutboxItem, Return, ReturnRecord, Route
from tests.journeys.conftest import Journey

# What each of the stores can do, as its sheet says: the connectors' declarations are not asked.
HOLDS, CANCELS, PARTIAL = {"shopify"}, {"shopify", "amazon", "wix"}, {"shopify"}
REFUNDS, RETURNS = {"shopify", "wix"}, {"shopify"}
TWO = [{"sku": "CND-FIG-08", "quantity": 1}, {"sku": "TIN-LAV-04", "quantity": 2}]
NUMBERS = {"amazon": ("AMZN_US", "TBA303000000001")}


class Shop:
    """Alice's TikTok shop, its orders going to one store."""

    def __init__(self, journey: Journey, platform: str) -> None:
        self.journey, self.platform = journey, platform
        self.control, self.wait, self.settle = journey.control, journey.wait, journey.settle
        if platform != "shopify":
            journey.connect(platform)
            journey.settle()
        source, store = journey.store("tiktok_shop"), journey.store(platform)
        self.source, self.merchant_id = source, source.merchant_id
        with merchant_rows(self.merchant_id):
            Route.objects.filter(source_store=source).delete()
            routing.save_route(route=Route(source_store=source, destination_store=store))

    # What happens

    def buy(self, **wanted: Any) -> str:
        """An order that is in the store."""
        order_id = self.journey.buy_released(**{"lines": TWO, **wanted})
        assert len(self.journey.orders_in(self.platform, order_id)) == 1
        return order_id

    def ship(self, order_id: str, **more: Any) -> None:
        """It leaves the store, and TikTok Shop knows the number where nothing is in the way."""
        carrier, number = NUMBERS.get(self.platform, ("USPS", "9400111899562537866361"))
        self.journey.ship_from(self.platform, order_id, number, carrier=carrier, **more)
        self.wait(130)

    def ship_at_tiktok(self, order_id: str, line_ids: list[str]) -> None:
        """The seller sends these lines past the store, and enters the number in Seller Center."""
        with speaking_to_source(self.source, clock=self.journey.now) as source:
            option = self.journey.tiktok_order(order_id)["delivery_option_id"]
            carrier = next(each for each in source.carriers(option) if each.name == "USPS")
        more = {"tracking_number": "9400111899562537866378", "shipping_provider_id": carrier.external_id}
        self.tiktok("seller_ship", order_id=order_id, line_ids=line_ids, **more)

    def be_late_to_keep_back(self) -> None:
        """The warehouse is faster than the first try to keep an order back, where the store can do that."""
        if self.platform in HOLDS:
            self.journey.fault(self.platform, "fulfillmentOrderHold", "status", status=503, times=2)

    def deliver(self, order_id: str) -> None:
        """It is with the buyer."""
        self.ship(order_id)
        for verb in ("in_transit", "deliver"):
            self.control(f"tiktok_shop/{verb}", order_id=order_id)
            self.settle()

    def tiktok(self, verb: str, **body: Any) -> dict[str, Any]:
        """A verb of TikTok's half, and what follows it."""
        answer = self.control(f"tiktok_shop/{verb}", **body)
        self.settle()
        self.wait(5)
        return answer

    def open_return(self, order_id: str, **more: Any) -> str:
        """The buyer asks; the return's id."""
        return str(self.tiktok("open_return", order_id=order_id, **more)["return_id"])

    def come_back(self, return_id: str) -> None:
        """The goods travel and arrive."""
        for verb in ("hand_over", "return_arrives"):
            self.tiktok(verb, return_id=return_id)

    def return_all(self, order_id: str) -> str:
        """Delivered, sent back, received and found right; the case."""
        self.deliver(order_id)
        return_id = self.open_return(order_id)
        self.answer_return(return_id, Decision.APPROVE_RETURN)
        self.come_back(return_id)
        self.answer_return(return_id, Decision.APPROVE_GOODS)
        self.wait(200)
        return return_id

    def rules(self, **said: Any) -> None:
        """Alice saves her settings."""
        with merchant_rows(self.merchant_id):
            by = saving.Author(name="Alice", now=self.journey.now())
            saving.save_aftersales(source_store=self.source, rules=AftersaleRules(**said), by=by)

    # What a person does here

    def answer_cancel(self, order_id: str, *, accepts: bool) -> None:
        """Alice accepts or refuses, and it is told."""
        with merchant_rows(self.merchant_id):
            row = Cancellation.objects.get(order__external_id=order_id, status="REQUESTED")
        reason = "" if accepts else self.reason(row.external_id)
        with merchant_rows(self.merchant_id):
            answering.answer_cancellation(
                cancellation=row, accepts=accepts, reason=reason, by="Alice", now=self.journey.now()
            )
        self.settle()
        self.wait(5)

    def answer_return(self, return_id: str, decision: Decision, **more: Any) -> None:
        """Alice answers a return, and it is told."""
        if decision.is_rejection:
            more["reason"] = self.reason(return_id)
        with merchant_rows(self.merchant_id):
            answering.answer_return(
                return_=self.case(return_id), answer=Answer(decision, **more), by="Alice", now=self.journey.now()
            )
        self.settle()
        self.wait(5)

    def reason(self, external_id: str) -> str:
        """The first reason that TikTok Shop offers for a refusal."""
        offered = reasons.to_refuse(store=self.source, external_id=external_id, clock=self.journey.now)
        return offered[0].key

    def restock(self, return_id: str, *, restock: bool) -> None:
        """Alice decides about what came back."""
        with merchant_rows(self.merchant_id):
            case = self.case(return_id)
            returns.restock_decision(return_=case, restock=restock, by="Alice", now=self.journey.now())
        self.settle()

    def cancel(self, order_id: str, **more: Any) -> None:
        """Alice cancels as the seller."""
        with merchant_rows(self.merchant_id):
            said = {"reason": "out_of_stock", "by": "Alice", "now": self.journey.now(), **more}
            store_cancels.cancel_at_source(order=Order.objects.get(external_id=order_id), **said)
        self.settle()
        self.wait(5)

    # What there is

    def order(self, order_id: str) -> Order:
        """As it is kept."""
        return self.journey.order(order_id)

    def there(self, order_id: str) -> dict[str, Any]:
        """As it is in the store."""
        return self.journey.order_in(self.platform, order_id)

    def left(self, order_id: str) -> dict[str, int]:
        """What the store is still to send, by SKU."""
        lines = self.there(order_id)["lines"]
        return {line["sku"]: line["remaining"] for line in lines if line.get("remaining")}

    def line_ids(self, order_id: str, sku: str) -> list[str]:
        """TikTok's lines of that SKU."""
        lines = self.journey.tiktok_order(order_id)["line_items"]
        return [line["id"] for line in lines if line["seller_sku"] == sku]

    def case(self, return_id: str) -> Return:
        """A return as it is kept."""
        with merchant_rows(self.merchant_id):
            return Return.objects.select_related("order").get(external_id=return_id)

    def records(self, return_id: str) -> list[ReturnRecord]:
        """What became of it in the store."""
        with merchant_rows(self.merchant_id):
            return list(ReturnRecord.objects.filter(case__external_id=return_id))

    def cancellation(self, order_id: str) -> Cancellation:
        """The order's only cancellation as it is kept."""
        with merchant_rows(self.merchant_id):
            return Cancellation.objects.get(order__external_id=order_id)

    def stock(self, sku: str) -> int:
        """What the store has of it."""
        variants = self.journey.look(self.platform)["variants"]
        return int(next(one["stock"] for one in variants if one["sku"] == sku))

    def unsettled(self, order_id: str) -> list[OutboxItem]:
        """What is still to be done."""
        return [item for item in self.journey.items(order_id) if item.status not in ("DONE", "DROPPED")]
