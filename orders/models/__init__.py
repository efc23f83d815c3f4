"""One file per idea; import the models from here."""

from orders.models.alerts import (
    Alert,
    AlertAddress,
    AlertChannel,
    AlertDelivery,
    AlertKind,
    AlertMessage,
    AlertWord,
    DeliveryState,
)
from orders.models.cancellations import CancelAnswer, Cancellation, CancellationStatus
from orders.models.deadlines import ReckonedDeadlines
from orders.models.events import OrderEvent
from orders.models.fulfillments import CarrierMapping, Fulfillment, FulfillmentState
from orders.models.lanes import Lane
from orders.models.mirrors import Mirror, MirrorState
from orders.models.orders import Attention, Order, OrderState, OrderVersion, SetAside
from orders.models.outbox import GiveUpReason, OutboxItem, OutboxKind, OutboxStatus
from orders.models.preferences import MerchantRules
from orders.models.products import Catalog, CatalogReading, CatalogVariant, ProductLink
from orders.models.returns import Restock, Return, ReturnKind, ReturnRecord, ReturnStatus
from orders.models.routes import HoldMode, Route, RouteRule, ShippingMapping
from orders.models.setups import Concern, SettingsVersion, Setup
from orders.models.tallies import OrderTally, SearchWord
from orders.models.workers import WorkerHost

__all__ = [
    "Alert",
    "AlertAddress",
    "AlertChannel",
    "AlertDelivery",
    "AlertKind",
    "AlertMessage",
    "AlertWord",
    "Attention",
    "CancelAnswer",
    "Cancellation",
    "CancellationStatus",
    "CarrierMapping",
    "Catalog",
    "CatalogReading",
    "CatalogVariant",
    "Concern",
    "DeliveryState",
    "Fulfillment",
    "FulfillmentState",
    "GiveUpReason",
    "HoldMode",
    "Lane",
    "MerchantRules",
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
    "ReckonedDeadlines",
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
