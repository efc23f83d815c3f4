"""Whether the SKUs of a shop are known in its stores: asked there, so that the checklist need not wait for orders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from accounts.access import merchant_rows
from connectors import calls
from connectors.base.errors import PlatformError
from connectors.base.types import LineItem
from connectors.models import ConnectedStore
from connectors.speaking import speaking_to_destination
from orders import products, readiness

MOST = 200  # SKUs in one go


def look_for_links(*, shop: ConnectedStore, clock: Callable[[], datetime]) -> str:
    """Look for every SKU that is not linked yet in each store that gets this shop's orders; what fits is kept.

    Returns what went wrong in words, or nothing. Makes calls: not inside a transaction. May be repeated.
    """
    with merchant_rows(shop.merchant_id):
        facts = readiness.facts_of(shop)
    unlinked = [sku for key, sku in facts.skus.items() if key not in facts.linked][:MOST]
    problems = []
    calls.take()
    for store in facts.destinations if unlinked else ():
        try:
            with merchant_rows(store.merchant_id):
                exact = products.shops_minding_case(store).get(shop.pk, False)
            with speaking_to_destination(store, clock=clock) as destination:
                products.look_up(
                    store=store, lines=_lines(unlinked), destination=destination, now=clock(), case_matters=exact
                )
        except PlatformError as error:
            problems.append(f"{store.name} could not be asked: {error.message}.")
    with merchant_rows(shop.merchant_id):
        calls.save(records=calls.take(), merchant_id=shop.merchant_id, subject="")
    return " ".join(problems)


def _lines(skus: Sequence[str]) -> list[LineItem]:
    """Lines that stand for nothing but their SKU."""
    return [
        LineItem(
            external_id=sku, product_id="", variant_id="", sku=sku, title="", variant_title="", quantity=1,
            original_price=0, sale_price=0, seller_discount=0, platform_discount=0, tax=0, status="",
        )
        for sku in skus
    ]  # fmt: skip
