"""How much of a refund falls on which lines."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base.types import SourceStatus
from orders.models import Mirror
from orders.refund_shares import Share, in_store_money, share_of
from orders.sent import Sent
from tests.orders.aftersale_builders import LINE, OTHER
from tests.orders.builders import line, payment, seen

ORDER = seen(
    SourceStatus.DELIVERED,
    lines=(line(LINE), line(OTHER, sku="TIN-LAV-04", price=1200)),
    payment=payment(products=3600, shipping=500, tax=306, platform_discount=300),
)
BOTH = [{"line_id": LINE, "refund": 2400}, {"line_id": OTHER, "refund": 1200}]


def share(refund: dict[str, int], *chosen: str, lines: Any = BOTH) -> Share:
    return share_of(case_lines=lines, refund=refund, seen=ORDER, chosen=chosen)


class TestShare:
    def test_of_a_line_is_its_own_refund_and_its_part_of_the_shipping(self) -> None:
        found = share({"total": 4100, "shipping": 500}, LINE)
        assert (found.amount, found.shipping, found.by_line) == (2400 + 333, 333, {LINE: 2400})

    def test_of_lines_that_hold_the_shipping_tells_it_apart(self) -> None:
        told = [{"line_id": LINE, "refund": 2733}, {"line_id": OTHER, "refund": 1367}]
        one, both = (share({"total": 4100, "shipping": 500}, *ids, lines=told) for ids in ((LINE,), (LINE, OTHER)))
        assert (one.amount, one.shipping, one.by_line) == (2733, 333, {LINE: 2400})
        assert (both.within(both.amount).shipping, sum(both.by_line.values())) == (500, 3600)

    def test_goes_by_price_where_the_lines_have_no_sums(self) -> None:
        told = [{"line_id": LINE, "refund": None}, {"line_id": OTHER, "refund": None}]
        assert share({"total": 1800}, OTHER, lines=told).amount == 600

    @settings(deadline=None)
    @given(
        own=st.lists(st.integers(0, 9999), min_size=2, max_size=2),
        more=st.integers(0, 999),
        shipping=st.integers(0, 99),
    )
    def test_of_all_lines_adds_up_to_the_refund(self, own: list[int], more: int, shipping: int) -> None:
        told = [{"line_id": LINE, "refund": own[0]}, {"line_id": OTHER, "refund": own[1]}]
        refund = {"total": sum(own) + more, "shipping": shipping}
        parts = [share(refund, each, lines=told) for each in (LINE, OTHER)]
        assert sum(part.amount for part in parts) == refund["total"]
        assert sum(part.shipping for part in parts) == shipping

    @settings(deadline=None)
    @given(amount=st.integers(0, 5000))
    def test_fits_within_what_is_left(self, amount: int) -> None:
        fitted = share({"total": 4100, "shipping": 500}, LINE, OTHER).within(amount)
        assert fitted.amount == amount
        assert sum(fitted.by_line.values()) + fitted.shipping <= amount


class TestStoreMoney:
    """A store whose total was made by other rules is told a refund by the same."""

    def mirror(self, **changes: Any) -> Mirror:
        sent = Sent(3600, 300, 500, {}, 306, tax_included=False, rounding=0, total=4106)
        return Mirror(sent=asdict(replace(sent, **changes)), line_ids=[])

    def money(self, **changes: Any) -> int:
        refund = {"total": 4106, "shipping": 500, "tax": 306, "by_platform": 300}
        found = share(refund, LINE, OTHER)
        return in_store_money(found, refund=refund, seen=ORDER, mirror=self.mirror(**changes))

    def test_is_what_the_buyer_got_by_default(self) -> None:
        assert self.money() == 4106

    def test_is_without_the_tax_that_the_store_never_had(self) -> None:
        assert self.money(tax=0) == 3800

    def test_is_with_the_discount_that_the_store_does_not_take_off(self) -> None:
        assert self.money(discount=0) == 4406
