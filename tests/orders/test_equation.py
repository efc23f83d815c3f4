"""Whatever the order and the rules: a draft that is made adds up to the minor unit, and so does what is shown of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base.connector import Features
from connectors.base.types import LineItem, PlatformOrder, SourceStatus
from orders.comparison import compare
from orders.components import Component, pieces_of
from orders.drafting import Blocked, DraftRules, make_draft
from orders.models import Attention
from orders.money import total_of
from orders.rules import Discounts, RouteRules, Tax, Unlinked
from orders.sent import Sent
from orders.splitting import part_of
from tests.orders.builders import line, payment, seen

amounts = st.integers(0, 10**7)


@st.composite
def orders(draw: st.DrawFn) -> PlatformOrder:
    """Discounts by seller and platform on items and shipping, told by line or not, tax on top or inside, fees, gifts,
    free samples, and sums that miss the total by up to three minor units."""
    is_sample = draw(st.integers(0, 9)) == 0
    count = draw(st.integers(1, 6))
    lines = tuple(_line(draw, place, is_sample=is_sample) for place in range(count))
    products = sum(each.original_price for each in lines)
    sellers, platforms = (
        sum(getattr(each, name) for each in lines) for name in ("seller_discount", "platform_discount")
    )
    original, cuts = 0 if is_sample else draw(amounts), draw(st.tuples(st.integers(0, 50), st.integers(0, 50)))
    by_seller, by_platform = (original * cut // 100 for cut in cuts)
    tax = 0 if is_sample else draw(st.one_of(st.just(0), st.integers(0, 3), amounts))
    of_shipping = draw(st.integers(0, tax))
    made = payment(
        products=products,
        currency=draw(st.sampled_from(["USD", "JPY", "KWD"])),
        seller_discount=sellers,
        platform_discount=platforms,
        original_shipping=original,
        shipping_seller_discount=by_seller,
        shipping_platform_discount=by_platform,
        shipping=original - by_seller - by_platform,
        product_tax=tax - of_shipping,
        shipping_tax=of_shipping,
        tax=tax,
        tax_inside=draw(st.booleans()),
        fees={"retail_delivery_fee": 0 if is_sample else draw(st.sampled_from([0, 28]))},
    )
    off = draw(st.integers(-3, 3))
    stated = replace(made, total=max(0, made.total + off))
    for name in draw(st.sets(st.sampled_from(["seller_discount", "platform_discount", "tax"]))):  # not told by line
        lines = tuple(replace(each, **{name: 0}) for each in lines)  # type: ignore[arg-type]
    order = replace(seen(SourceStatus.AWAITING_SHIPMENT), lines=lines, payment=stated)
    return replace(order, is_sample=is_sample)


def _line(draw: st.DrawFn, place: int, *, is_sample: bool) -> LineItem:
    is_gift = draw(st.integers(0, 4)) == 0
    price = 0 if is_gift else draw(amounts)
    cut = price if is_sample else draw(st.integers(0, price))
    by_platform = draw(st.integers(0, price - cut))
    sku, tax = f"SKU-{draw(st.integers(0, 3))}", 0 if is_sample else draw(st.integers(0, 500))
    made = line(str(place), sku=sku, price=price, seller_discount=cut, platform_discount=by_platform, tax=tax)
    return replace(made, is_gift=is_gift)


components = st.lists(
    st.builds(
        Component, st.sampled_from(["a", "b", "c"]), st.sampled_from(["A", "B", "C"]), quantity=st.integers(1, 5)
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda each: each.variant_id,
).map(tuple)
said = st.builds(
    RouteRules,
    discounts=st.sampled_from(Discounts),
    tax=st.sampled_from(Tax),
    unlinked=st.just(Unlinked.CUSTOM_LINE),
)


def rules_of(rules: RouteRules, variants: dict[str, tuple[Component, ...]], **more: object) -> DraftRules:
    return DraftRules(
        destination_currency="",
        destination_label="Shopify",
        source_store_id="1",
        source_store_name="Alice's Candles",
        variants=variants,
        rules=rules,
        features=Features(custom_lines=True),
        **more,  # type: ignore[arg-type]
    )


variants = st.dictionaries(st.sampled_from([f"sku-{n}" for n in range(4)]), components)


class TestEveryDraft:
    @given(orders(), said, variants)
    def test_adds_up_and_is_reconciled_with_the_source_by_named_parts(
        self, order: PlatformOrder, rules: RouteRules, variants: dict[str, tuple[Component, ...]]
    ) -> None:
        assert order.payment is not None
        try:
            draft = make_draft(order, rules_of(rules, variants))
        except Blocked as error:
            reason, draft = error.code, None
        if draft is None:
            assert reason is Attention.MONEY_MISMATCH
            assert _misses(order) or _is_next_to_nothing(order)
            return
        assert not _misses(order)
        sent = Sent.of(draft)
        assert total_of(draft) == draft.total == sent.total
        assert abs(draft.rounding) <= len(order.lines)
        assert min(draft.total, draft.discount, *(each.unit_price for each in draft.lines)) >= 0
        assert min(each.amount for each in (*draft.charges, *draft.taxes)) >= 0
        assert sent.products == sum(each.original_price for each in order.lines)
        shown = compare(payment=order.payment, lines=order.lines, stores=[sent])
        assert shown.source_total == shown.store_total == draft.total
        if rules.discounts is Discounts.BUYER_PAID and rules.tax is Tax.AS_GIVEN:
            assert draft.total == order.payment.total
        names = {row.label: row.source for row in shown.rows}
        back, kept = names.get("Paid back by TikTok", 0), names.get("Tax that stays at TikTok", 0)
        assert order.payment.total + back + kept == draft.total
        assert back == draft.total - order.payment.total - kept
        assert bool(back) <= (rules.discounts is Discounts.SELLER_RECEIVES)

    @given(orders(), variants)
    def test_is_made_where_the_parts_miss_the_total_by_no_more_than_rounding(
        self, order: PlatformOrder, variants: dict[str, tuple[Component, ...]]
    ) -> None:
        assert order.payment is not None
        exact = replace(order, payment=replace(order.payment, total=_total(order)))
        off = replace(exact, payment=replace(exact.payment, total=_total(order) + len(order.lines)))  # type: ignore[type-var]
        draft = make_draft(off, rules_of(RouteRules(unlinked=Unlinked.CUSTOM_LINE), variants))
        assert draft.total == _total(order) + len(order.lines)

    @given(orders(), said, variants, st.data())
    def test_of_a_part_adds_up_with_the_others(
        self, order: PlatformOrder, rules: RouteRules, variants: dict[str, tuple[Component, ...]], data: st.DataObject
    ) -> None:
        ids = [each.external_id for each in order.lines]
        chosen = data.draw(st.sets(st.sampled_from(ids), min_size=1))
        parts = [some for some in (chosen, set(ids) - chosen) if some]
        try:
            whole = make_draft(order, rules_of(rules, variants))
        except Blocked:
            for some in parts:
                with pytest.raises(Blocked):
                    make_draft(order, rules_of(rules, variants, line_ids=frozenset(some)))
            return
        drafts = [make_draft(order, rules_of(rules, variants, line_ids=frozenset(some))) for some in parts]
        assert order.payment is not None
        stores, sent = [Sent.of(each) for each in drafts], Sent.of(whole)
        for name in ("products", "discount", "shipping", "tax", "rounding", "total"):
            assert sum(getattr(each, name) for each in stores) == getattr(sent, name), name
        assert sum(sum(each.fees.values()) for each in stores) == sum(sent.fees.values())
        shown = compare(payment=order.payment, lines=order.lines, stores=stores)
        assert shown.source_total == shown.store_total == whole.total
        by_hand = part_of(order, set(ids) - chosen).payment if len(parts) > 1 else None
        rest = compare(payment=order.payment, lines=order.lines, stores=stores[:1], by_hand=by_hand)
        assert rest.source_total == rest.store_total == drafts[0].total

    @given(orders(), variants)
    def test_knows_what_every_line_is_made_of(
        self, order: PlatformOrder, variants: dict[str, tuple[Component, ...]]
    ) -> None:
        assert order.payment is not None
        exact = replace(order, payment=replace(order.payment, total=_total(order)))
        draft = make_draft(exact, rules_of(RouteRules(unlinked=Unlinked.CUSTOM_LINE), variants))
        pieces = pieces_of(draft)
        for each in order.lines:
            linked = variants.get(each.sku.lower(), ())
            units = sum(component.quantity for component in linked) or 1
            assert sum(pieces.get(each.external_id, {}).values()) == (units if units > 1 else 0)


def _total(order: PlatformOrder) -> int:
    """What the parts make, with the tax on top."""
    assert order.payment is not None
    return _before_tax(order) + order.payment.tax


def _before_tax(order: PlatformOrder) -> int:
    paid = order.payment
    assert paid is not None
    return paid.subtotal + paid.shipping + sum(paid.fees.values())


def _misses(order: PlatformOrder) -> bool:
    """Whether no reading of the tax makes the total, but for rounding of a minor unit for each line."""
    assert order.payment is not None
    readings = (_before_tax(order), _total(order))
    return min(abs(order.payment.total - each) for each in readings) > len(order.lines)


def _is_next_to_nothing(order: PlatformOrder) -> bool:
    """Whether rounding may come to more than what is paid before tax."""
    return _before_tax(order) < len(order.lines)
