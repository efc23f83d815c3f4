"""Who ships a shop's orders, read from what TikTok Shop says."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.platforms.tiktok_shop.logistics import sales_warehouse, setup_of


def warehouse(kind: str = "SALES_WAREHOUSE", **changes: Any) -> dict[str, Any]:
    return {"id": "7000", "name": "Workshop", "type": kind, "effect_status": "ENABLED", "is_default": True, **changes}


RETURNS = warehouse("RETURN_WAREHOUSE", name="Returns", is_default=False)


def options(*types: str) -> list[dict[str, Any]]:
    return [{"id": str(number), "name": each.capitalize(), "type": each} for number, each in enumerate(types)]


def template(party: Any, *, is_default: bool = True) -> dict[str, Any]:
    return {"template": {"template_party": party, "is_default": is_default}, "template_is_available": True}


class TestSetup:
    @pytest.mark.parametrize(
        ("types", "is_by_seller", "is_platform_offered"),
        [
            (["SEND_BY_SELLER"], True, False),
            (["SEND_BY_SELLER", "STANDARD"], True, True),
            (["STANDARD", "EXPRESS"], False, True),
            (["SOMETHING_NEW"], False, True),
            ([], None, False),
        ],
    )
    def test_is_told_by_the_delivery_options(
        self, types: list[str], is_by_seller: bool | None, is_platform_offered: bool
    ) -> None:
        found = setup_of([warehouse(), RETURNS], options(*types), [])
        assert (found.is_by_seller, found.is_platform_offered) == (is_by_seller, is_platform_offered)
        assert (found.sales_warehouse, found.return_warehouse) == ("Workshop", "Returns")

    @pytest.mark.parametrize(("party", "is_by_seller"), [(1, False), (2, True), ("2", True)])
    def test_is_told_outright_by_a_default_template(self, party: Any, is_by_seller: bool) -> None:
        templates = [template(1 if party != 1 else 2, is_default=False), template(party)]
        assert setup_of([warehouse()], options("STANDARD"), templates).is_by_seller is is_by_seller

    def test_counts_only_the_default_warehouse_that_is_in_use(self) -> None:
        assert sales_warehouse([warehouse(effect_status="DISABLED"), warehouse(is_default=False)]) is None
        assert sales_warehouse([warehouse(is_default=False, name="Other"), warehouse()]) == warehouse()

    def test_names_no_warehouse_where_there_is_none(self) -> None:
        found = setup_of([], [], [])
        assert (found.is_by_seller, found.sales_warehouse, found.return_warehouse) == (None, "", "")

    def test_bears_with_what_is_missing(self) -> None:
        found = setup_of([{"type": "SALES_WAREHOUSE"}], [{}], [{"template": None}, {}])
        assert found.is_by_seller is False
