"""One factory per model; traits for states. Rows of a tenant are written as that tenant."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import factory

from accounts.access import all_merchants, merchant_rows
from accounts.models import Merchant, User
from connectors.base import snapshot
from connectors.base.types import PlatformOrder, SourceStatus
from connectors.models import ApiCall, ConnectedStore, StorePart
from orders.models import (
    Attention,
    Fulfillment,
    FulfillmentState,
    Mirror,
    MirrorState,
    Order,
    OrderEvent,
    OrderState,
    Setup,
)
from tests.orders.builders import HOUR, NOON, seen


class UserFactory(factory.django.DjangoModelFactory):
    """A person who can log in with the password "candle-light-42"."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.com")
    name = "A person"
    password = factory.django.Password("candle-light-42")


class MerchantFactory(factory.django.DjangoModelFactory):
    """A business without people; `accounts.access.open_merchant` makes one with its owner."""

    class Meta:
        model = Merchant

    name = factory.Sequence(lambda n: f"Business {n}")

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        with all_merchants("a tenant that does not exist yet"):
            return super()._create(model_class, *args, **kwargs)


class TenantFactory(factory.django.DjangoModelFactory):
    """Writes a row as its merchant, as the database demands."""

    class Meta:
        abstract = True

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        with merchant_rows(kwargs["merchant"].pk):
            return super()._create(model_class, *args, **kwargs)


class StoreFactory(TenantFactory):
    """A TikTok shop; with the trait `shopify` a storefront."""

    class Meta:
        model = ConnectedStore

    class Params:
        shopify = factory.Trait(
            platform="shopify",
            part=StorePart.DESTINATION,
            external_id=factory.Sequence(lambda n: f"store-{n}.myshopify.com"),
            domain=factory.SelfAttribute("external_id"),
            name=factory.Sequence(lambda n: f"store-{n}"),
            region="",
        )

    merchant = factory.SubFactory(MerchantFactory)
    platform = "tiktok_shop"
    part = StorePart.SOURCE
    external_id = factory.Sequence(lambda n: f"749512345678{n:07}")
    name = factory.LazyAttribute(lambda store: store.merchant.name)
    region = "US"
    currency = "USD"
    connected_at = NOON - timedelta(days=1)

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        store = super()._create(model_class, *args, **kwargs)
        if store.part == StorePart.SOURCE:
            switch_on(store)
        return store


def switch_on(store: ConnectedStore) -> Setup:
    """The shop with its sync switched on, as most tests want it; `readiness.switch_on` does it step by step."""
    with merchant_rows(store.merchant_id):
        setup, _ = Setup.objects.update_or_create(
            store=store, defaults={"merchant_id": store.merchant_id, "switched_on_at": store.connected_at}
        )
    return setup


class OrderFactory(TenantFactory):
    """An order on hold, as `source`, a PlatformOrder, tells it. Traits move it on; nothing is queued for it."""

    class Meta:
        model = Order
        exclude = ("source",)

    class Params:
        ready = factory.Trait(status=SourceStatus.AWAITING_SHIPMENT, state=OrderState.READY, is_released=True)
        mirrored = factory.Trait(status=SourceStatus.AWAITING_SHIPMENT, state=OrderState.MIRRORED, is_released=True)
        in_transit = factory.Trait(status=SourceStatus.IN_TRANSIT, state=OrderState.FULFILLED, is_released=True)
        completed = factory.Trait(status=SourceStatus.COMPLETED, state=OrderState.COMPLETED, is_released=True)
        cancelled = factory.Trait(status=SourceStatus.CANCELLED, state=OrderState.CANCELLED)
        skipped = factory.Trait(
            status=SourceStatus.AWAITING_SHIPMENT, state=OrderState.SKIPPED, skip_rule="Older than the connection"
        )
        unlinked = factory.Trait(
            status=SourceStatus.AWAITING_SHIPMENT,
            state=OrderState.READY,
            is_released=True,
            attention=Attention.NOT_LINKED,
            attention_detail={"sku": "CND-FIG-08", "title": "Fig & Cedar Candle, 8 oz", "label": "Shopify"},
        )
        status = SourceStatus.ON_HOLD
        is_released = False
        changes: dict[str, Any] = {}

    source: Any = factory.LazyAttribute(
        lambda order: seen(order.status, **{"external_id": order.external_id, **order.changes})
    )
    source_store = factory.SubFactory(StoreFactory)
    merchant = factory.SelfAttribute("source_store.merchant")
    external_id = factory.Sequence(lambda n: f"5764614130387{n:05}")
    state = OrderState.HELD
    source_status = factory.LazyAttribute(lambda order: order.source.status.value)
    source_status_text = factory.LazyAttribute(lambda order: order.source.status_text)
    source_updated_at = factory.LazyAttribute(lambda order: order.source.updated_at)
    read_at = factory.LazyAttribute(lambda order: order.source.updated_at)
    ordered_at = factory.LazyAttribute(lambda order: order.source.created_at)
    paid_at = factory.LazyAttribute(lambda order: order.source.paid_at)
    release_at = factory.LazyAttribute(lambda order: order.ordered_at + HOUR)
    released_at = factory.LazyAttribute(lambda order: order.release_at if order.is_released else None)
    ship_by = factory.LazyAttribute(lambda order: order.source.ship_by)
    auto_cancel_at = factory.LazyAttribute(lambda order: order.source.auto_cancel_at)
    cancel_requested_at = factory.LazyAttribute(lambda order: order.source.cancel_requested_at)
    is_sample = factory.LazyAttribute(lambda order: order.source.is_sample)
    is_preorder = factory.LazyAttribute(lambda order: order.source.is_preorder)
    is_on_hold_order = True
    shipper = factory.LazyAttribute(lambda order: order.source.shipper.value)
    currency = factory.LazyAttribute(lambda order: order.source.payment.currency)
    total = factory.LazyAttribute(lambda order: order.source.payment.total)
    buyer_name = factory.LazyAttribute(lambda order: order.source.address.name if order.source.address else "")
    buyer_place = factory.LazyAttribute(lambda order: _place(order.source))
    snapshot = factory.LazyAttribute(lambda order: snapshot.to_json(order.source))
    search_text = factory.LazyAttribute(lambda order: _words(order.source))


class MirrorFactory(TenantFactory):
    """The order's copy in a store, created there."""

    class Meta:
        model = Mirror

    order = factory.SubFactory(OrderFactory, mirrored=True)
    merchant = factory.SelfAttribute("order.merchant")
    store = factory.LazyAttribute(lambda mirror: StoreFactory(shopify=True, merchant=mirror.merchant))
    reference = factory.LazyAttribute(lambda mirror: f"tiktok-{mirror.order.external_id}")
    state = MirrorState.CREATED
    external_id = factory.Sequence(lambda n: f"gid://shopify/Order/{5_000_000 + n}")
    name = factory.Sequence(lambda n: f"#{1001 + n}")
    url = factory.LazyAttribute(
        lambda mirror: f"https://{mirror.store.domain}/admin/orders/{mirror.external_id.rpartition('/')[2]}"
    )
    money = factory.LazyAttribute(lambda mirror: {"total": mirror.order.total, "currency": mirror.order.currency})
    created_at = factory.LazyAttribute(lambda mirror: mirror.order.released_at)


class FulfillmentFactory(TenantFactory):
    """A parcel with all lines of its order, whose number TikTok Shop shows."""

    class Meta:
        model = Fulfillment

    mirror = factory.SubFactory(MirrorFactory)
    order = factory.SelfAttribute("mirror.order")
    merchant = factory.SelfAttribute("mirror.merchant")
    external_id = factory.Sequence(lambda n: f"gid://shopify/Fulfillment/{n}")
    carrier_text = "USPS"
    tracking_number = factory.Sequence(lambda n: f"94001118992238571{n:05}")
    line_ids = factory.LazyAttribute(lambda parcel: [line["external_id"] for line in parcel.order.snapshot["lines"]])
    state = FulfillmentState.ACCEPTED


class OrderEventFactory(TenantFactory):
    """One line of an order's history."""

    class Meta:
        model = OrderEvent

    order = factory.SubFactory(OrderFactory)
    merchant = factory.SelfAttribute("order.merchant")
    kind = "order.received"
    happened_at = factory.LazyAttribute(lambda event: event.order.ordered_at)


class ApiCallFactory(TenantFactory):
    """One call about an order, answered well."""

    class Meta:
        model = ApiCall
        exclude = ("order",)

    order: Any = factory.SubFactory(OrderFactory)
    store = factory.SelfAttribute("order.source_store")
    merchant = factory.SelfAttribute("store.merchant")
    subject = factory.SelfAttribute("order.external_id")
    operation = "orders.get"
    method = "GET"
    path = "/order/202507/orders"
    status = 200
    milliseconds = 164
    answer = '{"code": 0, "data": {"orders": [{"recipient_address": "[redacted]"}]}}'
    called_at = factory.SelfAttribute("order.ordered_at")


def _place(source: PlatformOrder) -> str:
    return f"{source.address.city}, {source.address.province_code}" if source.address else ""


def _words(source: PlatformOrder) -> str:
    words = [source.external_id, source.address.name if source.address else ""]
    for line in source.lines:
        words += [line.sku, line.title]
    return "\n".join(dict.fromkeys(word for word in words if word))
