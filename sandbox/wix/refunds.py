"""Order billing: what may be refunded, and refunding it. The money of these orders lies elsewhere: a refund that is not
external would go to a payment provider, which none of them has."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from sandbox.wix import refund_shapes as shapes
from sandbox.wix.errors import Refused
from sandbox.wix.notices import Notices
from sandbox.wix.orders import HIDDEN, has_failed, payment_status, refuse, restock, restocked
from sandbox.wix.payments import Payments, refunds_that_count, settled, sum_up
from sandbox.wix.state import Site, State

Row = dict[str, Any]


class Refunds:
    def __init__(self, state: State, notices: Notices, payments: Payments) -> None:
        self.state = state
        self.notices = notices
        self.payments = payments

    # What may be refunded

    def refundability(self, site: Site, order: Row, body: Row) -> Row:
        refuse(shapes.ABLE.check(body, ""))
        rows = [self._payment(site, order, payment) for payment in order["payments"]]
        sums = [row["payment"]["monetary"] for row in rows]
        names = ("paid", "refunded", "refundPending", "maxRefund")
        whole = {name: _price(sum((_amount(one[name]) for one in sums), Decimal(0))) for name in names}
        told: Row = {
            "payments": rows,
            "paymentsSummary": {"monetary": whole},
            "lineItems": _lines(order),
            "additionalFees": [_fee(order, fee) for fee in order.get("additionalFees") or []],
        }
        paid, back = _shipping(order), _back(order, "shipping")
        if paid:
            told["shipping"] = _part(paid, back)
        return told

    def _payment(self, site: Site, order: Row, payment: Row) -> Row:
        """What was paid offline is refundable by hand alone [guess], as `externalRefund` does."""
        is_offline = (payment.get("regularPaymentDetails") or {}).get("offlinePayment", False)
        paid, done, waiting = _amount(payment["amount"]), settled(order, payment), waits(order, payment)
        row: Row = {"refundable": True}
        if reason := _why_not(order, payment, paid, done, waiting):
            row = {"refundable": False, "nonRefundable": {"reason": reason}}
        elif is_offline and not site.offline_refundable:
            row = {"refundable": False, "manuallyRefundable": {"reason": "OFFLINE"}}
        most = Decimal(0) if "nonRefundable" in row else paid - done - waiting
        row["payment"] = {
            "paymentId": payment["id"],
            "offlinePayment": is_offline,
            "monetary": {
                "paid": payment["amount"],
                "refunded": _price(done),
                "refundPending": _price(waiting),
                "maxRefund": _price(most),
            },
        }
        return row

    def calculate(self, order: Row, body: Row) -> Row:
        """[guess] how a line's share of discount and tax is reckoned."""
        refuse(shapes.CALCULATE.check(body, ""))
        items = body.get("refundItems") or {}
        wrong = [_told_wrong(kind, part, text) for kind, part, text in _wrong_items(order, items)]
        if wrong:
            return {"available": False, "notAvailable": {"errors": wrong}}
        lines = [
            (one, _worth(order, one["lineItemId"], one.get("quantity", 1))) for one in items.get("lineItems") or []
        ]
        fees = [(one, _plain(_amount(one.get("amount")))) for one in items.get("additionalFees") or []]
        shipping = _plain(_amount((items.get("shipping") or {}).get("amount")))
        every = [*(summary for _, summary in lines), *(summary for _, summary in fees), shipping]
        whole = {
            name: sum((one[name] for one in every), Decimal(0)) for name in ("total", "tax", "discount", "subtotal")
        }
        found: Row = {
            "lineItems": [{"item": one, "summary": _priced(summary)} for one, summary in lines],
            "additionalFees": [{"additionalFee": one, "summary": _priced(summary)} for one, summary in fees],
        }
        if items.get("shipping"):
            found["shipping"] = {"shipping": items["shipping"], "summary": _priced(shipping)}
        subtotal = sum((summary["subtotal"] for _, summary in lines), Decimal(0))
        of_fees = sum((summary["total"] for _, summary in fees), Decimal(0))
        summary = {**_priced(whole), "lineItemsSubtotal": _price(subtotal), "additionalFeesTotal": _price(of_fees)}
        return {"available": True, "summary": summary, "calculatedRefundItems": found}

    # Refunding

    def refund(self, site: Site, order: Row, body: Row, *, by_app: bool) -> Row:
        refuse(shapes.REFUND.check(body, ""))
        if order["status"] in HIDDEN:
            raise Refused(400, "the order is not approved", code=f"ORDER_IS_{order['status']}")
        items, effects = body.get("refundItems") or {}, body.get("sideEffects") or {}
        for _, _, text in _wrong_items(order, items):
            raise Refused(400, text, code="INVALID_REFUND_ITEMS")
        back = _counted((effects.get("restock") or {}).get("lineItems") or [])
        self._check_restock(order, back)
        transactions = self._transactions(site, order, body["paymentRefunds"])
        before = payment_status(order)
        told = self._make(order, items, body.get("customerReason", ""), transactions)
        if has_failed(told):  # [guess] one that fails at once has no side effects
            back = {}
        if back:
            restock(self.state, site, order, back, why="refund")
        self._enter(order, told, back, by_app=by_app)
        if (effects.get("notifications") or {}).get("sendCustomerEmail"):
            self.state.world.ledger_add("wix", "buyer.mailed", order["id"], about="refund")
        self.payments.changed(site, order, [told], before, by_app=by_app, effects=effects)
        return {"refund": told, "orderTransactions": self.payments.told(order)}

    def _make(self, order: Row, items: Row, reason: str, transactions: list[Row]) -> Row:
        lines = [
            {"lineItemId": one, "quantity": count} for one, count in _counted(items.get("lineItems") or []).items()
        ]
        details: Row = {"reason": reason, "lineItems": lines, "shippingIncluded": bool(items.get("shipping"))}
        details |= {name: items[name] for name in ("additionalFees", "shipping") if items.get(name)}
        told: Row = {
            "id": str(uuid.uuid4()),
            "transactions": transactions,
            "details": details,
            "createdDate": self.state.iso(),
        }
        sum_up(told)
        order["refunds"].append({"told": told})
        order["modified"] = self.state.world.now()
        return told

    def _enter(self, order: Row, told: Row, back: Mapping[str, int], *, by_app: bool) -> None:
        skus = {line["id"]: line["physicalProperties"].get("sku", "") for line in order["lineItems"]}
        lines = {one["lineItemId"]: one["quantity"] for one in told["details"]["lineItems"]}
        self.state.world.ledger_add(
            "wix",
            "refund.created",
            told["id"],
            order=order["id"],
            reference=order["channelInfo"].get("externalOrderId", ""),
            amount=told["summary"]["requestedRefund"]["amount"],
            lines={skus[one]: count for one, count in lines.items()},
            restocked={skus[one]: count for one, count in back.items()},
            note=told["details"]["reason"],
            is_external=all(one["externalRefund"] for one in told["transactions"]),
            by="app" if by_app else "merchant",
        )

    def _check_restock(self, order: Row, back: Mapping[str, int]) -> None:
        """[guess] No unit is restocked twice."""
        left = {line["id"]: line["quantity"] - restocked(order, line["id"]) for line in order["lineItems"]}
        for line_id, count in back.items():
            if count > left.get(line_id, 0):
                raise Refused(400, "not that many of the line are left to restock", code="INVALID_RESTOCK_ITEMS")

    def _transactions(self, site: Site, order: Row, asked: list[Row]) -> list[Row]:
        transactions: list[Row] = []
        for one in asked:
            payment = next((each for each in order["payments"] if each["id"] == one["paymentId"]), None)
            if payment is None:
                raise Refused(404, "the payment was not found", code="PAYMENT_NOT_FOUND")
            paid, done = _amount(payment["amount"]), settled(order, payment) + waits(order, payment)
            before = sum((_amount(each["amount"]) for each in transactions if each["paymentId"] == payment["id"]), done)
            amount = _amount(one.get("amount") or payment["amount"])
            if amount <= 0 or amount + before > paid:
                raise Refused(400, "more than can be refunded", code="REFUND_AMOUNT_TOO_LARGE")
            is_open = not _why_not(order, payment, paid, settled(order, payment), waits(order, payment))
            if not one.get("externalRefund") or not is_open:
                raise Refused(400, "the payment has no provider to refund it", code="PAYMENT_NOT_REFUNDABLE")
            transactions.append(
                {
                    "paymentId": payment["id"],
                    "amount": _price(amount),
                    "refundStatus": site.refund_result,
                    "externalRefund": True,
                }
            )
        return transactions


def waits(order: Row, payment: Row) -> Decimal:
    return settled(order, payment, "PENDING")


def _why_not(order: Row, payment: Row, paid: Decimal, done: Decimal, waiting: Decimal) -> str:
    """NonRefundableReason, or nothing."""
    if order["status"] in HIDDEN:
        return f"ORDER_IS_{order['status']}"
    if payment["status"] not in ("APPROVED", "PARTIALLY_REFUNDED", "REFUNDED"):
        return "NOT_PAID"
    if payment["refundDisabled"]:
        return "DISABLED_BY_PROVIDER"
    if not paid:
        return "ZERO_PRICE"
    if done >= paid:
        return "ALREADY_REFUNDED"
    return "PENDING_REFUND" if done + waiting >= paid else ""


def _wrong_items(order: Row, items: Row) -> Iterable[tuple[str, Row, str]]:
    """(which field, what was given, why not) of everything of which not so much is left."""
    left = {one["lineItemId"]: one["availableRefundQuantity"] for one in _lines(order)}
    for line_id, count in _counted(items.get("lineItems") or []).items():
        if count > left.get(line_id, 0):
            yield "lineItem", {"lineItemId": line_id, "quantity": count}, "not that many of the line can be refunded"
    fees = {fee["id"]: _fee(order, fee) for fee in order.get("additionalFees") or []}
    for one in items.get("additionalFees") or []:
        most = _amount((fees.get(one["additionalFeeId"]) or {}).get("availableRefundAmount"))
        if one["additionalFeeId"] not in fees or not 0 <= _amount(one.get("amount")) <= most:
            yield "additionalFee", one, "not that much of the fee can be refunded"
    asked = items.get("shipping")
    if asked and not 0 <= _amount(asked.get("amount")) <= _shipping(order) - _back(order, "shipping"):
        yield "shipping", asked, "not that much of the shipping can be refunded"


def _told_wrong(kind: str, part: Row, text: str) -> Row:
    return {
        kind: part,
        "error": {"applicationError": {"code": "INVALID_REFUND_ITEMS", "description": text, "data": {}}},
    }


def _lines(order: Row) -> list[Row]:
    rows = []
    for line in order["lineItems"]:
        back = refunded_units(order, line["id"])
        rows.append(
            {
                "lineItemId": line["id"],
                "originalQuantity": line["quantity"],
                "refundedQuantity": back,
                "availableRefundQuantity": line["quantity"] - back,
            }
        )
    return rows


def refunded_units(order: Mapping[str, Any], line_id: str) -> int:
    rows = (one for refund in refunds_that_count(order) for one in refund["details"]["lineItems"])
    return sum(int(one["quantity"]) for one in rows if one["lineItemId"] == line_id)


def _fee(order: Row, fee: Row) -> Row:
    rows = (one for refund in refunds_that_count(order) for one in refund["details"].get("additionalFees") or [])
    back = sum((_amount(one.get("amount")) for one in rows if one["additionalFeeId"] == fee["id"]), Decimal(0))
    return {"additionalFeeId": fee["id"], **_part(_amount(fee.get("price")), back)}


def _part(amount: Decimal, back: Decimal) -> Row:
    return {"amount": _price(amount), "refundedAmount": _price(back), "availableRefundAmount": _price(amount - back)}


def _back(order: Row, name: str) -> Decimal:
    rows = (refund["details"].get(name) or {} for refund in refunds_that_count(order))
    return sum((_amount(one.get("amount")) for one in rows), Decimal(0))


def _shipping(order: Row) -> Decimal:
    return _amount(order["priceSummary"].get("shipping"))


def _worth(order: Row, line_id: str, count: int) -> dict[str, Decimal]:
    line = next(line for line in order["lineItems"] if line["id"] == line_id)
    products = sum((_amount(one["price"]) * one["quantity"] for one in order["lineItems"]), Decimal(0))
    subtotal = _amount(line["price"]) * count
    share = subtotal / products if products else Decimal(0)
    discount = (_amount(order["priceSummary"].get("discount")) * share).quantize(Decimal("0.01"))
    info = line.get("taxInfo") or {}
    tax = (_amount(info.get("taxAmount")) * count / line["quantity"]).quantize(Decimal("0.01"))
    added = Decimal(0) if info.get("taxIncludedInPrice") else tax
    return {"total": subtotal - discount + added, "tax": tax, "discount": discount, "subtotal": subtotal}


def _plain(amount: Decimal) -> dict[str, Decimal]:
    return {"total": amount, "tax": Decimal(0), "discount": Decimal(0), "subtotal": amount}


def _counted(rows: list[Row]) -> dict[str, int]:
    units: dict[str, int] = {}
    for one in rows:
        units[one["lineItemId"]] = units.get(one["lineItemId"], 0) + int(one.get("quantity", 1))
    return units


def _priced(sums: Mapping[str, Decimal]) -> Row:
    return {name: _price(amount) for name, amount in sums.items()}


def _price(amount: Decimal) -> Row:
    return {"amount": f"{amount:.2f}"}


def _amount(price: Any) -> Decimal:
    return Decimal(str((price or {}).get("amount") or 0))
