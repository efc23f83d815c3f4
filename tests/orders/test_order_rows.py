"""Rows are drawn by a function; what they share with other pages looks as the templates draw it."""

from __future__ import annotations

import pytest
from django.template.loader import render_to_string

from connectors.models import ConnectedStore
from orders.badges import Badge
from orders.queries import lists
from orders.templatetags.order_rows import badge, hold, order_row
from tests.factories import OrderFactory
from tests.orders.builders import HOUR, NOON


def drawn(template: str, **context: object) -> str:
    return render_to_string(template, context).split("\n", 1)[1].strip()


class TestRow:
    @pytest.mark.parametrize("mark", ["tick", ""])
    @pytest.mark.parametrize("url", ["/orders/1/#attention", ""])
    def test_has_the_badge_of_other_pages(self, mark: str, url: str) -> None:
        look = Badge("X", "Synced & <sent>", mark, "green")
        asked = {"label": look.label, "mark": look.mark, "tone": look.tone, "url": url}
        assert badge(look, url) == drawn("components/badge.html", **asked)

    def test_has_the_hold_of_other_pages(self) -> None:
        running = {"from": NOON, "due": NOON + HOUR}
        assert hold(running) == drawn("components/hold.html", hold=running)

    def test_escapes_whatever_came_from_outside(self, tiktok: ConnectedStore) -> None:
        bad = "<script>\"'&"
        OrderFactory(source_store=tiktok, mirrored=True, buyer_name=bad, buyer_place=bad, ordered_at=NOON - HOUR)
        page = lists.order_page(merchant_id=tiktok.merchant_id, query={}, is_owner=True, now=NOON)
        row = {**page["page"]["rows"][0], "items_text": bad, "items_title": bad, "sku_text": bad}
        row["mirrors"] = [{"label": bad, "url": bad, "name": bad}]
        html = order_row(row, NOON)
        assert bad not in html
        assert "<script" not in html
