"""orderCreate and what follows it: what the platform refuses, and what it makes of the rest."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.shopify.errors import Errors, error
from sandbox.shopify.notices import Notices
from sandbox.shopify.state import Shop, State
from sandbox.shopify.units import received, unfulfilled

DIGITS = {"JPY": 0, "VND": 0}


class Selling:
    def __init__(self, state: State, notices: Notices) -> None:
        self.state = state
        self.notices = notices

    def create(self, shop: Shop, given: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """The payload of orderCreate. Any error: nothing is made."""
        errors = self._refusals(shop, given, options)
        if errors:
            return {"order": None, "userErrors": errors}
        order = self._make(shop, given)
        shop.keep(order)
        if options.get("inventoryBehaviour", "BYPASS") != "BYPASS":
            for line in order["lines"]:
                if variant := shop.variants.get(line["variant"]):
                    variant["inventoryQuantity"] -= line["quantity"]
                    line["is_claimed"] = True
        if customer := (given.get("customer") or {}).get("toUpsert"):
            shop.customers[customer.get("email") or order["email"]] = customer.get("phone") or ""
        self.state.world.ledger_add(
            "shopify",
            "order.created",
            order["id"],
            shop=shop.domain,
            name=order["name"],
            reference=order["sourceIdentifier"],
            total=str(order["total"]),
            lines=_units(order["lines"]),
            content=given,
        )
        self.notices.order(shop, "ORDERS_CREATE", order)
        return {"order": order, "userErrors": []}

    def _refusals(self, shop: Shop, given: dict[str, Any], options: dict[str, Any]) -> Errors:
        errors: Errors = []
        lines = given.get("lineItems") or []
        if not lines:
            errors.append(error("Line items must have at least one line item", "order", "lineItems"))
        if given.get("customer") and given.get("customerId"):
            code = "REDUNDANT_CUSTOMER_FIELDS"
            errors.append(error("Only one of customer and customerId", "order", "customerId", code=code))
        if given.get("taxLines") and any(line.get("taxLines") for line in lines):
            errors.append(error("Tax lines must be on the order or on line items, not on both", "order", "taxLines"))
        errors += self._line_refusals(shop, lines, options)
        errors += self._customer_refusals(shop, given)
        errors += _tag_refusals(given.get("tags") or [])
        errors += _money_refusals(shop, given)
        if not shop.duplicate_creates:
            errors += self._metafield_refusals(shop, given)
        if shop.orders_per_minute:
            now = self.state.world.now()
            recent = sum(1 for order in shop.orders.values() if order["created"] > now - 60)
            if recent >= shop.orders_per_minute:  # [guess] the words
                errors.append(error("You have reached the limit of orders created per minute. Try again later."))
        return errors

    def _line_refusals(self, shop: Shop, lines: list[dict[str, Any]], options: dict[str, Any]) -> Errors:
        errors: Errors = []
        obeys = options.get("inventoryBehaviour") == "DECREMENT_OBEYING_POLICY"
        for index, line in enumerate(lines):
            place = ("order", "lineItems", str(index))
            variant = shop.variants.get(line.get("variantId") or "")
            if line.get("variantId") and variant is None:
                errors.append(error("Variant does not exist", *place, "variantId"))
            elif variant is None and not line.get("title"):
                errors.append(error("Title can't be blank", *place, "title"))
            if line["quantity"] < 1:
                errors.append(error("Quantity must be greater than 0", *place, "quantity"))
            if obeys and variant and variant["inventoryQuantity"] < line["quantity"]:
                errors.append(error("Unable to reserve inventory", *place, code="INVENTORY_CLAIM_FAILED"))
        return errors

    def _customer_refusals(self, shop: Shop, given: dict[str, Any]) -> Errors:
        """A phone belongs to one customer of a shop; a taken one fails the whole order."""
        customer = (given.get("customer") or {}).get("toUpsert") or {}
        phone, email = customer.get("phone"), customer.get("email") or given.get("email")
        if phone and any(taken == phone and owner != email for owner, taken in shop.customers.items()):
            return [error("Customer phone has already been taken", "order", "customer", "toUpsert", "phone")]
        return []

    def _metafield_refusals(self, shop: Shop, given: dict[str, Any]) -> Errors:
        """[guess] a value that must be unique and is taken fails the order, with these words."""
        for index, field in enumerate(given.get("metafields") or []):
            key = (field.get("namespace") or "", field.get("key") or "")
            if not shop.definitions.get(key):
                continue
            if (key, str(field.get("value"))) in shop.by_metafield:
                place = ("order", "metafields", str(index), "value")
                return [error("Value has already been taken", *place)]
        return []

    def _make(self, shop: Shop, given: dict[str, Any]) -> dict[str, Any]:
        now, gid = self.state.world.now(), self.state.new_gid("Order")
        lines = [self._line(shop, line) for line in given["lineItems"]]
        sums = _sums(given, lines)
        name = given.get("name") or f"#{shop.next_number}"
        shop.next_number += 1
        customer = (given.get("customer") or {}).get("toUpsert") or {}
        return {
            "id": gid,
            "name": name,
            "shop": shop.domain,
            "created": now,
            "updated": now,
            "cancelled": None,
            "cancel_reason": None,
            "currency": given.get("currency") or shop.currency,
            "digits": DIGITS.get(given.get("currency") or shop.currency, 2),
            **sums,
            "transactions": [self._transaction(one) for one in given.get("transactions") or []],
            "financial": given.get("financialStatus") or "PENDING",
            "email": customer.get("email") or given.get("email") or "",
            "customer": customer,
            "note": given.get("note") or "",
            "tags": given.get("tags") or [],
            "attributes": given.get("customAttributes") or [],
            "metafields": {
                (field.get("namespace") or "", field.get("key") or ""): field.get("value")
                for field in given.get("metafields") or []
            },
            "sourceIdentifier": given.get("sourceIdentifier"),
            "sourceName": given.get("sourceName"),
            "shippingAddress": given.get("shippingAddress"),
            "shippingLines": given.get("shippingLines") or [],
            "taxLines": given.get("taxLines") or [],
            "taxesIncluded": bool(given.get("taxesIncluded")),
            "discountCode": given.get("discountCode"),
            "lines": lines,
            "fulfillments": [],
            "refunds": [],
            "returns": [],
            "holds": [],
            "location": next(iter(shop.locations)),
            "is_edited": False,
        }

    def _transaction(self, given: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": self.state.new_gid("OrderTransaction"),
            "kind": given.get("kind") or "SALE",
            "status": given.get("status") or "SUCCESS",
            "amount": _amount(given["amountSet"]),
            "gateway": given.get("gateway") or "manual",
            "parent": None,
            "created": self.state.world.now(),
        }

    def _line(self, shop: Shop, line: dict[str, Any]) -> dict[str, Any]:
        variant = shop.variants.get(line.get("variantId") or "")
        price = _amount(line["priceSet"]) if line.get("priceSet") else variant["price"] if variant else Decimal(0)
        return {
            "id": self.state.new_gid("LineItem"),
            "sku": line.get("sku") or (variant["sku"] if variant else None),
            "title": line.get("title") or (variant["product"]["title"] if variant else ""),
            "variantTitle": line.get("variantTitle"),
            "quantity": line["quantity"],
            "price": price,
            "properties": line.get("properties") or [],
            "requires_shipping": bool(line.get("requiresShipping")),
            "variant": line.get("variantId") or "",
            "is_claimed": False,
            "edited": 0,
            "cancelled": 0,
            "refunded": 0,
        }

    def ship(
        self, shop: Shop, order: dict[str, Any], wanted: dict[str, int] | None, tracking: dict[str, str]
    ) -> dict[str, Any]:
        """Fulfils lines by SKU, all that is open by default. Raises ValueError for more than is open."""
        if order["cancelled"]:
            raise ValueError("the order is cancelled")
        if order["holds"]:
            raise ValueError("the order is on hold")
        lines: dict[str, int] = {}
        for line in order["lines"]:
            open_units = unfulfilled(order, line) if line["requires_shipping"] else 0
            count = open_units if wanted is None else min(open_units, wanted.get(line["sku"], 0))
            if count:
                lines[line["id"]] = count
                if wanted is not None:
                    wanted = {**wanted, line["sku"]: wanted[line["sku"]] - count}
        if not lines or (wanted and any(wanted.values())):
            raise ValueError("nothing, or less than that, is open to ship")
        return self.record(shop, order, lines, tracking)

    def record(
        self, shop: Shop, order: dict[str, Any], lines: dict[str, int], tracking: dict[str, str]
    ) -> dict[str, Any]:
        """Fulfils so many units of these lines, by line id, that are open."""
        fulfillment: dict[str, Any] = {
            "id": self.state.new_gid("Fulfillment"),
            "status": "SUCCESS",
            "created": self.state.world.now(),
            "tracking": {"company": "", "number": "", "url": "", **tracking},
            "lines": lines,
            "items": {self.state.new_gid("FulfillmentLineItem"): line_id for line_id in lines},
        }
        order["fulfillments"].append(fulfillment)
        self.state.touch(order)
        facts = {"tracking_number": tracking.get("number", ""), "reference": order["sourceIdentifier"]}
        self.state.world.ledger_add("shopify", "fulfillment.created", fulfillment["id"], order=order["id"], **facts)
        self.notices.fulfillment(shop, "FULFILLMENTS_CREATE", order, fulfillment)
        self.notices.order(shop, "ORDERS_UPDATED", order)
        return fulfillment

    def update(self, shop: Shop, order: dict[str, Any], given: dict[str, Any]) -> None:
        """orderUpdate: only what is given; an address in part is taken."""
        names = ("email", "note", "tags", "shippingAddress")
        order.update({name: given[name] for name in names if given.get(name) is not None})
        self.state.touch(order)
        self.state.world.ledger_add("shopify", "order.updated", order["id"], content=given)
        self.notices.order(shop, "ORDERS_UPDATED", order)

    def pay(self, shop: Shop, order: dict[str, Any]) -> None:
        open_sum = order["total"] - received(order)
        order["transactions"].append(self._transaction({"amountSet": {"shopMoney": {"amount": open_sum}}}))
        order["financial"] = "PAID"
        self.state.touch(order)
        self.notices.order(shop, "ORDERS_UPDATED", order)


def _units(lines: list[dict[str, Any]]) -> dict[str, int]:
    units: dict[str, int] = {}
    for line in lines:
        units[line["sku"]] = units.get(line["sku"], 0) + line["quantity"]
    return units


def _amount(bag: dict[str, Any]) -> Decimal:
    return Decimal(bag["shopMoney"]["amount"])


def _sums(given: dict[str, Any], lines: list[dict[str, Any]]) -> dict[str, Decimal]:
    """What was sent, added up: the platform computes neither tax nor shipping for such orders.

    `tax` is what is added to the prices."""
    fixed = (given.get("discountCode") or {}).get("itemFixedDiscountCode")
    discount = _amount(fixed["amountSet"]) if fixed and fixed.get("amountSet") else Decimal(0)
    products = sum((line["price"] * line["quantity"] for line in lines), Decimal(0))
    shipping = sum((_amount(line["priceSet"]) for line in given.get("shippingLines") or []), Decimal(0))
    taxes = [*(given.get("taxLines") or [])]
    for line in given["lineItems"]:
        taxes += line.get("taxLines") or []
    tax = sum((_amount(line["priceSet"]) for line in taxes if line.get("priceSet")), Decimal(0))
    tax = Decimal(0) if given.get("taxesIncluded") else tax
    discount = min(discount, products)
    total = products - discount + shipping + tax
    return {"products": products, "discount": discount, "shipping": shipping, "tax": tax, "total": total}


def _tag_refusals(tags: list[str]) -> Errors:
    if len(tags) > 250 or any(len(tag) > 40 or "," in tag for tag in tags):
        return [error("Tags is invalid", "order", "tags")]
    return []


def _money_refusals(shop: Shop, given: dict[str, Any]) -> Errors:
    """Every amount in the order's one currency, with no more digits than it has."""
    errors: Errors = []

    def walk(value: Any, place: tuple[str, ...]) -> None:
        if isinstance(value, dict) and "shopMoney" in value:
            money = value["shopMoney"]
            if money["currencyCode"] != (given.get("currency") or shop.currency):
                errors.append(error("Currency does not match the order's", *place))
            exponent = Decimal(money["amount"]).as_tuple().exponent
            if isinstance(exponent, int) and -exponent > DIGITS.get(money["currencyCode"], 2):
                errors.append(error("Amount has too many decimals", *place))
        elif isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, (*place, key))
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                walk(inner, (*place, str(index)))

    walk({key: value for key, value in given.items() if key != "metafields"}, ("order",))
    return errors
