"""What the stores sell, and which of it a source SKU means."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Merchant
from connectors.models import ConnectedStore


class ProductLink(models.Model):
    """A source SKU and what stands for it at the destination: one variant, or several `components` with quantities,
    [{"variant_id", "sku", "title", "quantity"}], of which `variant_id` is the first."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    store = models.ForeignKey(ConnectedStore, on_delete=models.CASCADE, related_name="product_links")
    sku = models.CharField(max_length=200)
    variant_id = models.CharField(max_length=100)
    title = models.CharField(max_length=500, blank=True)
    components = models.JSONField(default=list, blank=True, db_default=[])
    is_manual = models.BooleanField(default=False)
    checked_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["store", "sku"], name="product_link_once")]
        indexes: ClassVar = [
            # Links of one spelling, `orders/components.py: sku_key`: few, and asked for with every look-up.
            models.Index(
                fields=["store"], condition=Q(is_manual=True, sku__startswith=" "), name="product_link_spelled"
            ),
        ]

    def __str__(self) -> str:
        return self.sku


class Catalog(models.Model):
    """When the catalog of a store was last read, whole."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    store = models.OneToOneField(ConnectedStore, on_delete=models.CASCADE, related_name="catalog")
    read_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"catalog of {self.store_id}"


class CatalogVariant(models.Model):
    """A variant of such a catalog, of a destination or of the source. SKUs are not unique there: two with one SKU are
    a question for a person."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    store = models.ForeignKey(ConnectedStore, on_delete=models.CASCADE, related_name="catalog_variants")
    external_id = models.CharField(max_length=100)
    sku = models.CharField(max_length=200)  # as the store writes it, without outer spaces
    sku_key = models.CharField(max_length=200)
    title = models.CharField(max_length=500, blank=True)
    variant_title = models.CharField(max_length=300, blank=True)
    stock = models.IntegerField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["store", "external_id"], name="catalog_variant_once")]
        indexes: ClassVar = [models.Index(fields=["store", "sku_key"], name="catalog_by_sku")]

    def __str__(self) -> str:
        return self.sku or self.external_id


class CatalogReading(models.Model):
    """A reading of a store's whole catalog: asked for, how far it is, and how it ended. `heard_at` is its sign of life
    and empty while nobody reads; a reading that fell silent may be begun again by anybody."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    store = models.OneToOneField(ConnectedStore, on_delete=models.CASCADE, primary_key=True, related_name="reading")
    due_at = models.DateTimeField()
    began_at = models.DateTimeField(null=True, blank=True)
    heard_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    count = models.PositiveIntegerField(default=0)  # variants read, of the last reading or of the one under way
    expected = models.PositiveIntegerField(null=True, blank=True)  # as many as there were the last time
    failure = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["due_at"], name="catalog_reading_when")]

    def __str__(self) -> str:
        return f"reading of the catalog of {self.store_id}"
