"""The Products page: what is linked, what is not, and the links that a person makes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ

from accounts.access import merchant_rows
from accounts.models import Membership, Role
from connectors.base.types import Variant
from connectors.models import ConnectedStore
from orders import catalogs, linking, routing
from orders.models import Attention, CatalogReading, Order, ProductLink, SettingsVersion
from tests.factories import OrderFactory, UserFactory
from tests.orders.builders import NOON, line, seen

pytestmark = pytest.mark.django_db(transaction=True)

LATER = NOON + timedelta(days=36_500)
SOLD = (("CND-FIG-08", "Fig & Cedar Candle"), ("CND-PINE-12", "Winter Pine Candle, 12 oz"), ("SET-3", "Gift set"))
KEPT = (("cnd-fig-08", "Fig & Cedar Candle"), ("CND-PIN-12", "Winter Pine Candle, 12 oz"), ("TPR", "Tapers"))


def fill(store: ConnectedStore, goods: Any) -> None:
    rows = [Variant(f"v{place}", sku, title, stock=84) for place, (sku, title) in enumerate(goods)]
    catalogs.read_whole(store=store, variants=iter(rows), now=NOON)


@pytest.fixture
def shelves(tiktok: ConnectedStore, shopify: ConnectedStore) -> ConnectedStore:
    """Both catalogs, linked by SKU."""
    fill(tiktok, SOLD)
    fill(shopify, KEPT)
    linking.auto_link(store=shopify, now=NOON)
    return shopify


def url(store: ConnectedStore, page: str = "") -> str:
    return f"/products/{store.pk}/{page}"


def pressed(store: ConnectedStore, alice: Client, do: str, *parts: tuple[str, str], **more: str) -> Any:
    said = {"variant": [each for each, _ in parts], "quantity": [each for _, each in parts], "do": do, "sku": "SET-3"}
    return alice.post(url(store, "link/"), {**said, **more})


def waiting_order(tiktok: ConnectedStore, store: ConnectedStore, sku: str = "CND-PINE-12") -> Order:
    order: Order = OrderFactory(
        source_store=tiktok,
        merchant=tiktok.merchant,
        source=seen(lines=(line(sku=sku, title="Winter Pine Candle, 12 oz"),)),
        ready=True,
        attention=Attention.NOT_LINKED,
        attention_detail={"sku": sku, "title": "Winter Pine Candle, 12 oz", "store_id": store.pk, "label": "Shopify"},
    )
    return order


def upload(alice: Client, store: ConnectedStore, content: bytes) -> Any:
    return alice.post(url(store, "import/"), {"file": SimpleUploadedFile("links.csv", content)})


class TestProducts:
    def test_lead_to_the_first_store_or_say_that_there_is_none(self, alice: Client, tiktok: ConnectedStore) -> None:
        assert "No store yet" in alice.get("/products/").content.decode()

    def test_say_what_each_sku_is_in_the_store(
        self, alice: Client, shelves: ConnectedStore, tiktok: ConnectedStore
    ) -> None:
        waiting_order(tiktok, shelves)
        assert alice.get("/products/")["Location"] == url(shelves)
        answer = alice.get(url(shelves))
        shown = {row["sku"]: row for row in answer.context["rows"]}
        assert list(shown) == ["CND-PINE-12", "CND-FIG-08", "SET-3"]
        assert [row["badge"]["label"] for row in shown.values()] == ["To link", "Linked", "To link"]
        assert (shown["CND-PINE-12"]["waiting"], shown["CND-FIG-08"]["linked"]) == (1, "Fig & Cedar Candle")
        assert {tab["key"]: tab["count"] for tab in answer.context["tabs"]} == {
            "ALL": 3, "UNLINKED": 2, "AMBIGUOUS": 0, "CHANGED": 0, "LINKED": 1, "WAITING": 1,
        }  # fmt: skip
        page = answer.content.decode()
        assert "1 order</a>" in page
        assert 'aria-current="page"' in page

    def test_can_be_searched_and_filtered(self, alice: Client, shelves: ConnectedStore) -> None:
        def skus(query: str) -> list[str]:
            return [row["sku"] for row in alice.get(url(shelves) + query).context["rows"]]

        assert skus("?q=pine") == ["CND-PINE-12"]
        assert skus("?q=%25") == []
        assert skus("?show=LINKED") == ["CND-FIG-08"]
        assert skus("?show=UNLINKED&q=set") == ["SET-3"]
        assert skus("?show=nonsense&page=x&q=%00") == ["CND-FIG-08", "CND-PINE-12", "SET-3"]

    def test_come_in_pages_with_as_many_queries_for_many_as_for_few(
        self, alice: Client, shelves: ConnectedStore, tiktok: ConnectedStore
    ) -> None:
        with CaptureQueriesContext(connection) as few:
            alice.get(url(shelves))
        fill(tiktok, [(f"SKU-{number:03}", "Many") for number in range(120)])
        with CaptureQueriesContext(connection) as many:
            answer = alice.get(url(shelves))
        assert len(many) <= len(few)
        assert len(answer.context["rows"]) == 50
        last = alice.get(alice.get(answer.context["next_url"]).context["next_url"])
        assert (len(last.context["rows"]), last.context["next_url"]) == (20, "")
        assert last.context["rows"][-1]["sku"] == "SKU-119"

    def test_tell_of_links_whose_variant_changed(self, alice: Client, shelves: ConnectedStore) -> None:
        pressed(shelves, alice, "save", ("v1", "1"), ("v2", "2"))
        fill(shelves, [*KEPT[:1], ("CND-PIN-13", "Winter Pine Candle, 12 oz")])
        (row,) = alice.get(url(shelves) + "?show=CHANGED").context["rows"]
        assert (row["sku"], row["why"]) == ("SET-3", "CND-PIN-12 is CND-PIN-13 now")

    def test_show_how_far_the_catalogs_are(
        self, alice: Client, shelves: ConnectedStore, tiktok: ConnectedStore
    ) -> None:
        with merchant_rows(tiktok.merchant_id):
            CatalogReading.objects.create(
                merchant=tiktok.merchant, store=tiktok, due_at=LATER, heard_at=NOON, count=300, expected=1200
            )
            CatalogReading.objects.create(
                merchant=tiktok.merchant, store=shelves, due_at=LATER, ended_at=NOON,
                failure="The token was refused",
            )  # fmt: skip
        page = alice.get(url(shelves)).content.decode()
        assert "300 of about 1,200" in page
        assert "Could not be read." in page
        assert "The token was refused" in page
        assert "hx-trigger" in alice.get(url(shelves, "catalogs/")).content.decode()
        with merchant_rows(tiktok.merchant_id):
            CatalogReading.objects.filter(store=tiktok).update(heard_at=None, ended_at=NOON)
        assert alice.get(url(shelves, "catalogs/"))["HX-Refresh"] == "true"

    def test_have_their_catalogs_read_on_request(
        self, alice: Client, shelves: ConnectedStore, tiktok: ConnectedStore
    ) -> None:
        assert alice.post(url(shelves, "read/")).status_code == 302
        assert OrmQ.objects.count() == 2
        assert set(catalogs.due(now=NOON + timedelta(days=900))) == {shelves.pk, tiktok.pk}

    def test_are_changed_by_managers_only(self, client: Client, shelves: ConnectedStore) -> None:
        bob = UserFactory(email="bob@example.com")
        with merchant_rows(shelves.merchant_id):
            Membership.objects.create(merchant_id=shelves.merchant_id, user=bob, role=Role.VIEWER)
        client.force_login(bob)
        assert "Read catalogs" not in client.get(url(shelves)).content.decode()
        assert client.get(url(shelves, "links.csv")).status_code == 200
        for page in ("read/", "link/", "unlink/", "import/"):
            assert client.post(url(shelves, page)).status_code == 403


class TestLink:
    def test_begins_with_what_is_most_like_it(self, alice: Client, shelves: ConnectedStore) -> None:
        answer = alice.get(url(shelves, "link/?sku=CND-PINE-12"))
        assert answer.context["found"][0]["sku"] == "CND-PIN-12"
        assert "same title" in answer.content.decode()

    def test_makes_a_bundle_step_by_step(self, alice: Client, shelves: ConnectedStore) -> None:
        answer = pressed(shelves, alice, "search", q="tapers")
        assert [each["id"] for each in answer.context["found"]] == ["v2"]
        answer = pressed(shelves, alice, "add:v2")
        answer = pressed(shelves, alice, "add:v0", ("v2", "2"))
        assert [(part.variant_id, part.quantity) for part in answer.context["parts"]] == [("v2", 2), ("v0", 1)]
        answer = pressed(shelves, alice, "add:v0", ("v2", "2"), ("v0", "1"))
        assert [part.quantity for part in answer.context["parts"]] == [2, 2]
        answer = pressed(shelves, alice, "remove:v0", ("v2", "2"), ("v0", "2"))
        assert [part.variant_id for part in answer.context["parts"]] == ["v2"]
        with merchant_rows(shelves.merchant_id):
            assert not ProductLink.objects.filter(is_manual=True).exists()
        assert pressed(shelves, alice, "save", ("v2", "2"), ("v0", "1"))["Location"] == url(shelves)
        with merchant_rows(shelves.merchant_id):
            link = ProductLink.objects.get(sku="set-3")
            version = SettingsVersion.objects.get()
        assert [(each["variant_id"], each["quantity"]) for each in link.components] == [("v2", 2), ("v0", 1)]
        assert (link.variant_id, link.title) == ("v2", "2 × Tapers + Fig & Cedar Candle")
        assert (version.concern, version.about) == ("LINKS", str(shelves.pk))
        (row,) = alice.get(url(shelves) + "?q=set").context["rows"]
        assert row["linked_remark"] == "By hand, bundle of 3"

    @pytest.mark.parametrize("quantity", ["0", "1.5", "-1", "1000", "", "two"])
    def test_refuses_a_quantity_that_is_no_whole_number(
        self, alice: Client, shelves: ConnectedStore, quantity: str
    ) -> None:
        answer = pressed(shelves, alice, "save", ("v2", quantity))
        assert answer.status_code == 400
        assert "whole number from 1 to 999" in answer.content.decode()
        with merchant_rows(shelves.merchant_id):
            assert not ProductLink.objects.filter(is_manual=True).exists()

    def test_refuses_a_variant_that_the_store_has_not(self, alice: Client, shelves: ConnectedStore) -> None:
        answer = pressed(shelves, alice, "save", ("v9", "1"))
        assert answer.status_code == 400
        assert "has no variant v9" in answer.content.decode()

    def test_shows_what_it_would_do_before_it_is_saved(
        self, alice: Client, shelves: ConnectedStore, tiktok: ConnectedStore
    ) -> None:
        order = OrderFactory(
            source_store=tiktok, ready=True, ordered_at=timezone.now(), changes={"lines": (line(sku="SET-3"),)}
        )
        with merchant_rows(tiktok.merchant_id):
            routing.chosen_routes(tiktok)
        assert "effect" not in alice.get(url(shelves, "link/?sku=SET-3")).context
        effect = pressed(shelves, alice, "add:v0", ("v2", "2")).context["effect"]
        assert (effect["same"], effect["differ"], effect["blocked"]) == (0, 1, 0)
        (row,) = effect["rows"]
        assert (row["shown"].external_id, row["shown"].first.before) == (order.external_id, "SET-3 is not linked")
        would = {row["label"]: row["value"] for row in effect["preview"]["columns"][2]["rows"]}
        assert would["Items"] == "2 × TPR at $8.00, 1 × cnd-fig-08 at $8.00"
        table = pressed(shelves, alice, "", ("v2", "2"), step="csv")
        assert (
            f"{order.external_id},Shopify: alices-candles,Differ,Order,SET-3 is not linked,Created"
            in table.content.decode()
        )
        with merchant_rows(tiktok.merchant_id):
            assert not SettingsVersion.objects.exists()

    def test_that_changes_nothing_shows_nothing(self, alice: Client, shelves: ConnectedStore) -> None:
        said = {"sku": "CND-FIG-08", "variant": ["v0"], "quantity": ["1"], "do": "search"}
        assert alice.post(url(shelves, "link/"), said).context["effect"] is None

    def test_comes_off_again(self, alice: Client, shelves: ConnectedStore) -> None:
        pressed(shelves, alice, "save", ("v2", "1"), sku="CND-FIG-08")
        alice.post(url(shelves, "unlink/"), {"sku": "CND-FIG-08"})
        (row,) = alice.get(url(shelves) + "?q=fig").context["rows"]
        assert (row["badge"]["label"], row["linked_remark"]) == ("Linked", "By SKU")


class TestLinkNow:
    def test_offers_what_the_item_may_mean(
        self, alice: Client, shelves: ConnectedStore, tiktok: ConnectedStore
    ) -> None:
        order = waiting_order(tiktok, shelves)
        page = alice.get(f"/orders/{order.pk}/").content.decode()
        assert "Link CND-PINE-12 now" in page
        assert 'name="variant_id" value="v1"' in page
        assert f"/products/{shelves.pk}/link/?sku=CND-PINE-12&amp;order={order.pk}" in page

    def test_from_the_catalog_goes_back_to_the_order(
        self, alice: Client, shelves: ConnectedStore, tiktok: ConnectedStore
    ) -> None:
        order = waiting_order(tiktok, shelves)
        answer = pressed(shelves, alice, "save", ("v1", "2"), sku="CND-PINE-12", order=str(order.pk))
        assert answer["Location"] == f"/orders/{order.pk}/"
        with merchant_rows(tiktok.merchant_id):
            assert Order.objects.get().attention == ""
        assert "1 order that waited for it goes on now." in alice.get(f"/orders/{order.pk}/").content.decode()


class TestCsv:
    HEAD = "tiktok_sku,store_sku,quantity\n"

    def lines(self, answer: Any) -> list[tuple[int, str, str]]:
        return sorted((line.number, str(line.outcome), line.why) for line in answer.context["lines"])

    def test_goes_out_and_comes_in_again_unchanged(self, alice: Client, shelves: ConnectedStore) -> None:
        pressed(shelves, alice, "save", ("v2", "2"), ("v0", "1"))
        content = alice.get(url(shelves, "links.csv")).content
        assert content.startswith(b"\xef\xbb\xbf")
        rows = content.decode("utf-8-sig").splitlines()
        assert rows[0].startswith("tiktok_sku,")
        assert "SET-3,Gift set,TPR,v2,2,Tapers,linked by hand" in rows
        assert len(rows) == 5
        answer = upload(alice, shelves, content)
        assert answer.context["counts"] == {"LINKED": 0, "UNCHANGED": 4, "REFUSED": 0}

    def test_is_shown_first_and_saved_on_a_second_word(self, alice: Client, shelves: ConnectedStore) -> None:
        content = self.HEAD + "SET-3,tpr,2\nSET-3,CND-FIG-08,\nCND-PINE-12,CND-PIN-12,1\nCND-FIG-08,NOPE,1\n"
        answer = upload(alice, shelves, content.encode())
        assert answer.context["counts"] == {"LINKED": 3, "UNCHANGED": 0, "REFUSED": 1}
        with merchant_rows(shelves.merchant_id):
            assert not ProductLink.objects.filter(is_manual=True).exists()
        said = alice.post(url(shelves, "import/"), {"content": answer.context["content"], "save": "1"})
        assert said["Location"] == url(shelves)
        with merchant_rows(shelves.merchant_id):
            assert sorted(ProductLink.objects.filter(is_manual=True).values_list("sku", "title")) == [
                ("cnd-pine-12", "Winter Pine Candle, 12 oz"),
                ("set-3", "2 × Tapers + Fig & Cedar Candle"),
            ]
            assert SettingsVersion.objects.count() == 1
        page = alice.get(url(shelves)).content.decode()
        assert "2 SKUs linked. 1 line was refused and left out." in page

    def test_shows_what_its_links_would_do(
        self, alice: Client, shelves: ConnectedStore, tiktok: ConnectedStore
    ) -> None:
        OrderFactory(
            source_store=tiktok, ready=True, ordered_at=timezone.now(), changes={"lines": (line(sku="SET-3"),)}
        )
        with merchant_rows(tiktok.merchant_id):
            routing.chosen_routes(tiktok)
        shown = upload(alice, shelves, b"tiktok_sku,store_sku\nSET-3,TPR\n").context
        assert (shown["effect"]["differ"], shown["effect"]["preview"]["place"]) == (1, "1 of 1 that differ")
        again = alice.post(url(shelves, "import/"), {"content": shown["content"], "preview": "x"})
        assert (again.status_code, again.context["skus"]) == (200, 1)
        table = alice.post(url(shelves, "import/"), {"content": shown["content"], "step": "csv"})
        assert "SET-3 is not linked,Created" in table.content.decode()

    def test_says_of_every_line_what_is_wrong(self, alice: Client, shelves: ConnectedStore) -> None:
        fill(shelves, [*KEPT, ("TWIN", "One"), ("twin", "Other")])
        content = (
            "tiktok_sku;store_sku;store_variant_id;quantity\n"
            "SET-3;NOPE;;1\nSET-3;TPR;;1\n"
            "A;TPR;;1.5\nB;TPR;;1\nB;tpr;;1\nC;TWIN;;1\nD;;v3;1\nE;OTHER;v3;1\n;TPR;;1\nF;;;\nG;;v99;\n"
        )
        assert self.lines(upload(alice, shelves, content.encode("cp1252"))) == [
            (2, "REFUSED", "alices-candles has no variant with the SKU NOPE"),
            (3, "REFUSED", "Line 2 of the same SKU was refused"),
            (4, "REFUSED", "The quantity '1.5' is not a whole number from 1 to 999"),
            (5, "REFUSED", "Line 6 of the same SKU was refused"),
            (6, "REFUSED", "The same SKU and variant as in line 5"),
            (7, "REFUSED", "2 variants have the SKU TWIN: name one by store_variant_id"),
            (8, "LINKED", "TikTok Shop's catalog has no such SKU as yet"),
            (9, "REFUSED", "This variant has the SKU TWIN, not OTHER"),
            (10, "REFUSED", "tiktok_sku is empty: give the item a SKU in Seller Center"),
            (11, "UNCHANGED", ""),
            (12, "REFUSED", "alices-candles has no variant with the id v99"),
        ]

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"", "Choose a file"),
            (b"PK\x03\x04\0\0", "not a text file"),
            (b"sku,other\n1,2\n", "must name the columns"),
            (b"x" * 1_000_001, "larger than 1 MB"),
            (b"tiktok_sku,store_sku\n" + b"A,B\n" * 10_001, "more than 10,000 lines"),
            (b'tiktok_sku,store_sku\nA,"' + b"x" * 200_000 + b'"\n', "could not be read"),
        ],
    )
    def test_that_is_no_table_is_refused(
        self, alice: Client, shelves: ConnectedStore, content: bytes, why: str
    ) -> None:
        answer = upload(alice, shelves, content)
        assert answer.status_code == 400
        assert why in answer.content.decode()

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
    def test_is_read_in_the_encodings_of_spreadsheets(
        self, alice: Client, shelves: ConnectedStore, encoding: str
    ) -> None:
        fill(shelves, [("KÄRZE", "Kerze")])
        answer = upload(alice, shelves, (self.HEAD + "CND-PINE-12,kärze,\r\n").encode(encoding))
        assert answer.context["counts"]["LINKED"] == 1

    def test_has_nothing_that_a_spreadsheet_would_carry_out(
        self, alice: Client, shelves: ConnectedStore, tiktok: ConnectedStore
    ) -> None:
        fill(tiktok, [("=1+1", "@SUM(A1)"), ("-PINE", "+1")])
        fill(shelves, [("=1+1", "=cmd"), ("-PINE", "Pine")])
        linking.auto_link(store=shelves, now=NOON)
        content = alice.get(url(shelves, "links.csv")).content
        cells = [cell.strip('"') for row in content.decode("utf-8-sig").splitlines() for cell in row.split(",")]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
        assert upload(alice, shelves, content).context["counts"] == {"LINKED": 0, "UNCHANGED": 2, "REFUSED": 0}
