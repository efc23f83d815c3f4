"""The Shopify half beside the official schema: nothing is played that is not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    build_schema,
    parse,
    validate,
)

from connectors.platforms.shopify import documents
from sandbox.shopify import half
from sandbox.shopify.search import BadQuery, order_fits, terms_of
from sandbox.world import World

SUBSET = Path(half.__file__).with_name("subset.graphql")


@pytest.fixture(scope="module")
def official() -> Any:
    found = Path(__file__).resolve().parents[2].parent / "shared/contracts/shopify-admin.schema.graphql"
    if not found.is_file():
        pytest.skip("needs the contracts folder")
    return build_schema(found.read_text(encoding="utf-8"), assume_valid=True)


class TestSubset:
    def test_has_only_types_fields_and_arguments_of_the_official_schema(self, official: Any) -> None:
        wrong: list[str] = []
        for name, mine in build_schema(SUBSET.read_text(encoding="utf-8"), assume_valid=True).type_map.items():
            real = official.type_map.get(name)
            if real is None:
                wrong.append(name)
            elif isinstance(mine, GraphQLEnumType):
                wrong += [f"{name}.{value}" for value in mine.values if value not in real.values]
            elif isinstance(mine, GraphQLObjectType | GraphQLInputObjectType) and not name.startswith("__"):
                wrong += _wrong_fields(name, mine, real)
        assert wrong == []

    def test_and_the_official_schema_take_every_document_of_the_product(self, official: Any) -> None:
        mine = build_schema(SUBSET.read_text(encoding="utf-8"), assume_valid=True)
        texts = {name: value for name, value in vars(documents).items() if isinstance(value, str) and name.isupper()}
        sent = {name: text for name, text in texts.items() if "query " in text or "mutation " in text}
        assert len(sent) >= 12
        for name, text in sent.items():
            assert validate(official, parse(text)) == [], name
            assert validate(mine, parse(text)) == [], name


def _wrong_fields(name: str, mine: Any, real: Any) -> list[str]:
    wrong = []
    for field, made in mine.fields.items():
        there = real.fields.get(field)
        if there is None or str(there.type) != str(made.type):
            wrong.append(f"{name}.{field}: {made.type}, really {there and there.type}")
            continue
        for argument, given in getattr(made, "args", {}).items():
            other = there.args.get(argument)
            if other is None or str(other.type) != str(given.type):
                wrong.append(f"{name}.{field}({argument})")
    return wrong


class TestSearch:
    ORDER: dict[str, Any] = {"tags": ["TikTok Shop"], "name": "#1001", "sourceIdentifier": "57", "updated": 1767225600}

    @pytest.mark.parametrize(
        ("query", "fits"),
        [
            ('source_identifier:"57"', True),
            ("source_identifier:'5'", False),
            ("updated_at:>='2026-01-01T00:00:00Z' AND tag:'tiktok shop'", True),
            ("updated_at:>'2026-01-01T00:00:00Z'", False),
            ("name:#1001 OR name:#1002", True),
        ],
    )
    def test_finds_by_exact_terms(self, query: str, fits: bool) -> None:
        assert order_fits(self.ORDER, terms_of(query)) is fits

    def test_refuses_what_it_does_not_play(self) -> None:
        with pytest.raises(BadQuery):
            order_fits(self.ORDER, terms_of("channel:web"))
        with pytest.raises(BadQuery):
            terms_of("loose words")


class TestApi:
    def test_refuses_a_wrong_token_with_a_text(self, url: str, world: World) -> None:
        answer = self.ask(url, "{ shop { name } }", token="wrong")
        assert (answer.status_code, type(answer.json()["errors"])) == (401, str)

    def test_refuses_another_version(self, url: str, world: World) -> None:
        address = f"{url}/shopify/alices-candles.myshopify.com/admin/api/2025-01/graphql.json"
        assert requests.post(address, json={"query": "{ shop { name } }"}, timeout=5).status_code == 404

    def test_refuses_a_field_it_does_not_have(self, url: str, world: World) -> None:
        errors = self.ask(url, "{ shop { nickname } }", token=self.token(world)).json()["errors"]
        assert errors[0]["extensions"]["code"] == "undefinedField"

    def test_refuses_without_the_scope(self, url: str, world: World) -> None:
        answer = self.ask(url, '{ order(id: "gid://shopify/Order/1") { name } }', token=self.token(world)).json()
        assert answer["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"

    def test_refuses_a_query_that_costs_too_much(self, url: str, world: World) -> None:
        query = "{ orders(first: 250) { nodes { lineItems(first: 250) { nodes { id customAttributes { key } } } } } }"
        errors = self.ask(url, query, token=self.token(world)).json()["errors"]
        assert errors[0]["extensions"]["code"] == "MAX_COST_EXCEEDED"

    def test_throttles_when_the_bucket_is_empty(self, url: str, world: World) -> None:
        token = self.token(world)
        world.halves["shopify"].control("settings", {"bucket": 0})
        world.halves["shopify"].state.shop("").bucket_at = world.now()  # type: ignore[attr-defined]
        answer = self.ask(url, "{ shop { name } }", token=token).json()
        assert answer["errors"][0]["extensions"]["code"] == "THROTTLED"
        world.advance(1)
        assert "errors" not in self.ask(url, "{ shop { name } }", token=token).json()

    def token(self, world: World) -> str:
        from sandbox.shopify.state import Install

        shop = world.halves["shopify"].state.shop("alices-candles.myshopify.com")  # type: ignore[attr-defined]
        shop.install = Install(scopes=("read_products",), access={"shpat_test": world.now() + 3600})
        return "shpat_test"

    def ask(self, url: str, query: str, *, token: str) -> requests.Response:
        return requests.post(
            f"{url}/shopify/alices-candles.myshopify.com/admin/api/2026-07/graphql.json",
            json={"query": query},
            headers={"X-Shopify-Access-Token": token},
            timeout=5,
        )
