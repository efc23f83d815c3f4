"""One file per idea; import the models from here."""

from orders.models.cancellations import CancelAnswer, Cancellation, CancellationStatus
from orders.models.events import OrderEvent
from orders.models.fulfillments import CarrierMapping, Fulfillment, FulfillmentState
from orders.models.lanes import Lane
from orders.models.mirrors import Mirror, MirrorState
from orders.models.orders import Attention, Order, OrderState, OrderVersion, SetAside
from orders.models.outbox import GiveUpReason, OutboxItem, OutboxKind, OutboxStatus
from orders.models.products import Catalog, CatalogReading, CatalogVariant, ProductLink
from orders.models.returns import Restock, Return, ReturnKind, ReturnRecord, ReturnStatus
from orders.models.routes import HoldMode, Route, RouteRule, ShippingMapping
from orders.models.setups import Concern, SettingsVersion, Setup
from orders.models.tallies import OrderTally, SearchWord
from orders.models.workers import WorkerHost

__all__ = [
    "Attention",
    "CancelAnswer",
    "Cancellation",
    "CancellationStatus",
    "CarrierMapping",
    "Catalog",
    "CatalogReading",
    "CatalogVariant",
    "Concern",
    "Fulfillment",
    "FulfillmentState",
    "GiveUpReason",
    "HoldMode",
    "Lane",
    "Mirror",
    "MirrorState",
    "Order",
    "OrderEvent",
    "OrderState",
    "OrderTally",
    "OrderVersion",
    "OutboxItem",
    "OutboxKind",
    "OutboxStatus",
    "ProductLink",
    "Restock",
    "Return",
    "ReturnKind",
    "ReturnRecord",
    "ReturnStatus",
    "Route",
    "RouteRule",
    "SearchWord",
    "SetAside",
    "SettingsVersion",
    "Setup",
    "ShippingMapping",
    "WorkerHost",
]
