"""What may stand in a request about refunds, and in an activity."""

from __future__ import annotations

from sandbox.wix.shapes import GUID_TEXT, PRICE, Anything, Flag, Many, Number, Shape, Text

LINE = Shape({"lineItemId": GUID_TEXT, "quantity": Number(1, 100_000)}, ("lineItemId",))
ITEMS = Shape(
    {
        "lineItems": Many(LINE, 300),
        "additionalFees": Many(Shape({"additionalFeeId": GUID_TEXT, "amount": PRICE}, ("additionalFeeId",)), 100),
        "shipping": Shape({"amount": PRICE}),
    }
)
ABLE = Shape({"orderId": GUID_TEXT}, ("orderId",))
CALCULATE = Shape({"orderId": GUID_TEXT, "refundItems": ITEMS}, ("orderId",))
REFUND = Shape(
    {
        "orderId": GUID_TEXT,
        "paymentRefunds": Many(
            Shape({"paymentId": GUID_TEXT, "amount": PRICE, "externalRefund": Flag()}, ("paymentId",)), 50, 1
        ),
        "refundItems": ITEMS,
        "sideEffects": Shape(
            {
                "restock": Shape({"lineItems": Many(LINE, 300)}),
                "notifications": Shape({"sendCustomerEmail": Flag(), "customMessage": Text(1000, 1)}),
            }
        ),
        "customerReason": Text(200),
    },
    ("orderId", "paymentRefunds"),
)
# [guess] the request's one key, and what a custom activity holds.
ACTIVITY = Shape(
    {
        "activity": Shape(
            {
                "merchantComment": Shape({"message": Text(5000, 1)}, ("message",)),
                "customActivity": Shape({"appId": Text(), "type": Text(0, 1), "additionalData": Anything()}, ("type",)),
            },
            one_of=("merchantComment", "customActivity"),
        )
    },
    ("activity",),
)
