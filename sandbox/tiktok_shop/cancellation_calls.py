"""The cancellations' API: create, search, approve, reject, and the reasons for rejecting."""

from __future__ import annotations

from typing import Any

from sandbox.tiktok_shop.calls import Call
from sandbox.tiktok_shop.cancellations import Cancellations, close_pending
from sandbox.tiktok_shop.choosing import chosen_lines, line_fields
from sandbox.tiktok_shop.eligibility import check_cancel, check_part
from sandbox.tiktok_shop.envelope import INT, OBJECTS, STRING, Refusal, bad_request, check_fields, query_int
from sandbox.tiktok_shop.reasons import check_rejection, check_seller_cancel, text_of
from sandbox.tiktok_shop.rows import Row, once, public, row_of, search
from sandbox.tiktok_shop.statuses import (
    CANCEL_COMPLETE,
    CANCEL_PENDING,
    CANCEL_STATUSES,
    CANCEL_SUCCESS,
    CANCEL_TYPES,
    CANCEL_WITHDRAWN,
    CANCEL_WITHDRAWN_TOO,
)

REJECTION = {"reject_reason": STRING, "comment": STRING, "images": OBJECTS}
IMAGE = {"image_id": STRING, "mime_type": STRING, "height": INT, "width": INT}


class CancellationCalls:
    def __init__(self, cancellations: Cancellations) -> None:
        self.cancellations, self.state = cancellations, cancellations.state

    def create(self, call: Call) -> dict[str, Any]:
        """Whole, or by line: then with the market's rules. No idempotency key."""
        types = {"order_id": STRING, "cancel_reason": STRING, **line_fields(call.version)}
        check_fields(call.body, types, ("order_id", "cancel_reason"))
        order = call.order(call.body["order_id"], code=25020005, unknown=25007006)
        check_cancel(self.state, order, user="SELLER")
        lines = chosen_lines(order, call.body)
        reason = call.body["cancel_reason"]
        check_seller_cancel(call.shop, order.status, reason)
        check_part(self.state, order, lines, reason)
        row = self.cancellations.by_seller(order, lines, reason)
        return {"cancel_id": row["cancel_id"], "cancel_status": row["cancel_status"]}

    def search(self, call: Call) -> dict[str, Any]:
        """A withdrawn one is found by either spelling."""
        spelled = {CANCEL_WITHDRAWN, CANCEL_WITHDRAWN_TOO}
        if spelled & set(call.body.get("cancel_status") or ()):
            call.body["cancel_status"] = [*call.body["cancel_status"], CANCEL_WITHDRAWN]
        return search(
            call,
            self.state.cancellations.values(),
            size=query_int(call.query, "page_size", 1, 50, 10),
            name="cancellations",
            filters={"cancel_ids": "cancel_id", "cancel_types": "cancel_type", "cancel_status": "cancel_status"},
            words={"cancel_types": CANCEL_TYPES, "cancel_status": CANCEL_STATUSES},
            shown=lambda row: self._shown(call, row),
        )

    def approve(self, call: Call) -> dict[str, Any]:
        check_fields(call.body, {})
        return once(call, call.args["cancel_id"], lambda: self._approve(call))

    def reject(self, call: Call) -> dict[str, Any]:
        check_fields(call.body, REJECTION, ("reject_reason",))
        check_images(call.body)
        row = row_of(call, self.state.cancellations, call.args["cancel_id"])
        if row["cancel_status"] != CANCEL_PENDING:
            raise Refusal(25011011, "The state cannot be rejected")
        if call.shop.region == "US" and not call.shop.rejects_by_api:
            raise Refusal(25011011, "The state cannot be rejected: ship the order instead")  # [guess] the code
        check_rejection("CANCEL", call.body["reject_reason"])
        order = self.state.orders[row["order_id"]]
        close_pending(self.cancellations.notices, order, row, why="rejected")
        return {}

    def _approve(self, call: Call) -> dict[str, Any]:
        row = row_of(call, self.state.cancellations, call.args["cancel_id"])
        if row["cancel_status"] in (CANCEL_SUCCESS, CANCEL_COMPLETE):
            raise Refusal(25020010, "The cancellation is already approved")
        if row["cancel_status"] != CANCEL_PENDING:
            raise Refusal(25011012, "The state cannot be approved")
        self.cancellations.settle(row, by="SELLER")
        return {}

    def _shown(self, call: Call, row: Row) -> Row:
        """As this version words it, in the language that was asked for."""
        view = public(row)
        view["cancel_reason_text"] = text_of(row["cancel_reason"], call.body.get("locale") or call.shop.locale)
        if row["cancel_status"] == CANCEL_WITHDRAWN and call.shop.cancelled_word == "CANCELLED":
            view["cancel_status"] = CANCEL_WITHDRAWN_TOO
        if call.version != "202309":
            view["should_replenish_stock"] = row["cancel_status"] in (CANCEL_SUCCESS, CANCEL_COMPLETE)  # [guess]
            view["seller_next_action_response"] = [
                {**one, "action": "SELLER_RESPOND_BUYER_CANCEL"} for one in row["seller_next_action_response"]
            ]
        return view


def check_images(body: dict[str, Any]) -> None:
    for image in body.get("images") or ():
        if not image.get("image_id"):
            raise bad_request("param body.images.image_id is missing")
        check_fields(image, IMAGE)
