"""What the database itself keeps beside the orders, so that no list has to count or to look through all of them.

Triggers write both tables in the transaction that changes the order (migration 0009); nothing else does.
"""

from __future__ import annotations

from django.db import models

from accounts.models import Merchant
from connectors.models import ConnectedStore
from orders.models.orders import Order, OrderState


class OrderTally(models.Model):
    """How many orders of a shop are alike in all that tabs and filters ask for: the sum of `count` over equal rows.

    Every change adds a row of plus or minus, so that writers never wait for each other; now and then a writer folds
    the rows of its merchant into one each, passing over those that another transaction holds.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    source_store = models.ForeignKey(
        ConnectedStore, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    tab = models.CharField(max_length=12, blank=True)
    state = models.CharField(max_length=10, choices=OrderState.choices)
    attention = models.CharField(max_length=24, blank=True)
    is_sample = models.BooleanField()
    is_preorder = models.BooleanField()
    has_cancel_request = models.BooleanField()
    count = models.IntegerField()

    class Meta:
        verbose_name_plural = "order tallies"

    def __str__(self) -> str:
        return f"{self.count} {self.state}"


class SearchWord(models.Model):
    """A word of an order's `search_text`, in upper case: found by its beginning, which row-level security permits.

    `like` on the text could use no index: PostgreSQL shows no foreign row to a function that might leak it.
    """

    pk = models.CompositePrimaryKey("merchant_id", "word", "order_id")
    merchant = models.ForeignKey(
        Merchant, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    word = models.CharField(max_length=60, db_collation="C")
    order = models.ForeignKey(Order, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")

    def __str__(self) -> str:
        return self.word
