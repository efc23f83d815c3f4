"""Reporting parcels to TikTok Shop, which each market does in its own way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from connectors.base.errors import OutcomeUnknown, PermanentError
from connectors.base.types import Carrier, PlatformOrder, ShippingSetup, Tracking, TrackingReceipt
from connectors.platforms.tiktok_shop import logistics
from connectors.platforms.tiktok_shop.reading import rows_of
from connectors.platforms.tiktok_shop.wire import Wire

# "Already done": believed only after the order was read again and shows it.
_SHIPPED_BEFORE = frozenset(["21008099", "21011006", "21011020", "21011040", "11006021", "21042056"])
# Where a parcel is reported by order and lines; elsewhere each package is shipped.
# https://partner.tiktokshop.com/docv2/page/mark-package-as-shipped-202309 (read 2026-11)
_MARKS_LINES = frozenset(["US", "GB", "ES", "IE", "IT", "DE", "FR", "JP"])


class Shipping(Wire):
    """Parcels, their carriers, and who ships."""

    def push_tracking(self, order: PlatformOrder, tracking: Tracking) -> TrackingReceipt:
        """Report one parcel. There is no idempotency key: a refusal as "already shipped" counts as done only if the
        order, read again, shows the number. Raises PlatformError with a stable `reason` where one fits."""
        region = self.store.region if self.store else ""
        try:
            if region in _MARKS_LINES:
                return self._mark_shipped(order, tracking)
            return self._ship_packages(order, tracking)
        except PermanentError as error:
            if error.code not in _SHIPPED_BEFORE:
                raise
            receipt = self._receipt_of(order.external_id, tracking.tracking_number)
            if receipt is None:
                raise PermanentError(
                    "TikTok Shop says it was shipped before, under another number",
                    code=error.code,
                    reason="TRACKING_EDIT_SPENT",
                ) from error
            return receipt

    def carriers(self, delivery_option_id: str) -> list[Carrier]:
        """The carriers that may be named for this delivery option."""
        path = f"/logistics/202309/delivery_options/{quote(delivery_option_id, safe='')}/shipping_providers"
        data = self._call("GET", path, operation="carriers.list")
        rows = rows_of(data.get("shipping_providers"))
        return [Carrier(external_id=str(row.get("id")), name=str(row.get("name"))) for row in rows]

    def shipping_setup(self) -> ShippingSetup:
        """Who ships this shop's orders. There is no field for it: the default warehouse's delivery options tell, and
        in Japan and the UK the default shipping template."""
        data = self._call("GET", "/logistics/202309/warehouses", operation="warehouses.list")
        warehouses = rows_of(data.get("warehouses"))
        options: list[Mapping[str, Any]] = []
        if sales := logistics.sales_warehouse(warehouses):
            path = f"/logistics/202309/warehouses/{quote(str(sales.get('id')), safe='')}/delivery_options"
            data = self._call("GET", path, operation="delivery_options.list", query={"scope": "WAREHOUSE"})
            options = rows_of(data.get("delivery_options"))
        templates: list[Mapping[str, Any]] = []
        if self.store is not None and self.store.region in logistics.HAS_TEMPLATES:
            data = self._call("GET", "/logistics/202510/seller_templates", operation="seller_templates.list")
            templates = rows_of(data.get("templates"))
        return logistics.setup_of(warehouses, options, templates)

    def change_tracking(self, order: PlatformOrder, tracking: Tracking) -> TrackingReceipt:
        """Change a parcel's number, once within 72 hours. There is no idempotency key: what the order shows already is
        not sent again, and a refusal as "changed before" counts as done only if the order, read again, shows the
        number. Raises PlatformError, TRACKING_EDIT_SPENT once it cannot be changed any more."""
        if (shown := _shown(order, tracking.tracking_number, tracking.carrier_id)) is not None:
            return shown
        if not tracking.package_ids:
            raise PermanentError("TikTok Shop shows no package with these items", reason="MIXED_FULFILMENT")
        body = {"tracking_number": tracking.tracking_number, "shipping_provider_id": tracking.carrier_id}
        path = f"/fulfillment/202309/packages/{quote(tracking.package_ids[0], safe='')}/shipping_info/update"
        try:
            self._call("POST", path, operation="packages.update", body=body)
        except PermanentError as error:
            spent = error.reason == "TRACKING_EDIT_SPENT"
            number, carrier_id = tracking.tracking_number, tracking.carrier_id
            receipt = self._receipt_of(order.external_id, number, carrier_id) if spent else None
            if receipt is None:
                raise
            return receipt
        return TrackingReceipt(package_id=tracking.package_ids[0])

    # By market

    def _mark_shipped(self, order: PlatformOrder, tracking: Tracking) -> TrackingReceipt:
        """The lines are always named: without them the whole order would be marked."""
        body = {
            "order_line_item_ids": list(tracking.line_ids),
            "tracking_number": tracking.tracking_number,
            "shipping_provider_id": tracking.carrier_id,
        }
        path = f"/fulfillment/202309/orders/{quote(order.external_id, safe='')}/packages"
        data = self._call("POST", path, operation="packages.mark_shipped", body=body)
        warning = data.get("warning")
        return TrackingReceipt(
            package_id=str(data.get("package_id") or ""),
            warning=str(warning.get("message") or "") if isinstance(warning, Mapping) else "",
        )

    def _ship_packages(self, order: PlatformOrder, tracking: Tracking) -> TrackingReceipt:
        """Ship the packages that hold these lines; a package that holds others too is split first."""
        wanted = set(tracking.line_ids)
        package_ids: list[str] = []
        for package in order.packages:
            inside = set(package.line_ids)
            if inside and inside <= wanted:
                package_ids.append(package.external_id)
            elif inside & wanted:
                package_ids.append(self._split(order.external_id, sorted(inside & wanted), sorted(inside - wanted)))
        if not package_ids:
            raise PermanentError("TikTok Shop shows no package with these items", reason="MIXED_FULFILMENT")
        shipment = {"tracking_number": tracking.tracking_number, "shipping_provider_id": tracking.carrier_id}
        for package_id in package_ids:
            path = f"/fulfillment/202309/packages/{quote(package_id, safe='')}/ship"
            self._call("POST", path, operation="packages.ship", body={"self_shipment": shipment})
        return TrackingReceipt(package_id=package_ids[0])

    def _split(self, order_id: str, line_ids: list[str], others: list[str]) -> str:
        groups = [{"id": "1", "order_line_item_ids": line_ids}, {"id": "2", "order_line_item_ids": others}]
        path = f"/fulfillment/202309/orders/{quote(order_id, safe='')}/split"
        data = self._call("POST", path, operation="orders.split", body={"splittable_groups": groups})
        for row in rows_of(data.get("packages")):
            if str(row.get("splittable_group_id")) == "1":
                return str(row.get("id"))
        raise OutcomeUnknown("TikTok Shop's answer to the split names no package")

    def _receipt_of(self, order_id: str, tracking_number: str, carrier_id: str = "") -> TrackingReceipt | None:
        for order in self.fetch_orders([order_id]):
            if isinstance(order, PlatformOrder) and (shown := _shown(order, tracking_number, carrier_id)):
                return shown
        return None


def _shown(order: PlatformOrder, tracking_number: str, carrier_id: str = "") -> TrackingReceipt | None:
    """A receipt if the order shows the number, and the carrier where one is given."""
    for package in order.packages:
        if package.tracking_number == tracking_number and carrier_id in ("", package.carrier_id):
            return TrackingReceipt(package_id=package.external_id, already_there=True)
    return None
