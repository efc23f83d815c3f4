"""Links as a file: every SKU of the source out, and what a person made of it in again, judged line by line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from connectors.models import ConnectedStore
from orders import linking, products, spreadsheet
from orders.components import Component, sku_key
from orders.matches import Match, Matches, Row
from orders.models import CatalogVariant

COLUMNS = ("tiktok_sku", "tiktok_product", "store_sku", "store_variant_id", "quantity", "store_product", "state")
MOST_BYTES = 1_000_000
MOST_ROWS = 10_000
_STATES = {
    Match.UNLINKED: "to link",
    Match.AMBIGUOUS: "ambiguous",
    Match.CHANGED: "changed",
    Match.NO_SKU: "no SKU",
}


class Unreadable(Exception):
    """The file is no table that could be read. The text says why; nothing was changed."""


class Outcome(StrEnum):
    """What becomes of a line."""

    LINKED = "LINKED"
    UNCHANGED = "UNCHANGED"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file, as it is numbered there. `why` says why it was refused, or what is odd about it."""

    number: int
    sku: str
    wanted: str
    quantity: str
    outcome: Outcome
    why: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What the file says, line by line, and the links that its good lines make."""

    lines: Sequence[Line]
    links: Mapping[str, Sequence[Component]] = field(default_factory=dict)

    def count(self, outcome: Outcome) -> int:
        """How many lines came out so."""
        return sum(line.outcome is outcome for line in self.lines)


def write(*, store: ConnectedStore) -> str:
    """Every SKU of the source with what it means in this store, a line for each component, in the caller's
    transaction."""
    rows = Matches.of(store).rows()
    skus = _skus_of(store, rows)
    table: list[tuple[str, ...]] = []
    for row in rows:
        state = _STATES.get(row.state) or ("linked by hand" if row.is_manual else "linked by SKU")
        parts = _parts(row, skus)
        named = [(part.sku, part.variant_id, str(part.quantity), part.title) for part in parts] or [("", "", "", "")]
        table += [(row.sku, row.title, *each, state) for each in named]
    return spreadsheet.written(COLUMNS, table)


def judge(*, store: ConnectedStore, content: bytes) -> Report:
    """What this file would do, line by line, in the caller's transaction. Changes nothing. Raises Unreadable."""
    lines = list(_read(text_of(content)))
    if len(lines) > MOST_ROWS:
        raise Unreadable(f"The file has more than {MOST_ROWS:,} lines. Send it in parts.")
    exact = products.case_matters(store)
    shelf = _Shelf.of(store, lines)
    by_key: dict[str, list[_Said]] = {}
    for said in lines:
        if said.names_something:
            by_key.setdefault(sku_key(said.sku, case_matters=exact), []).append(said)
    known = Matches.of(store).of_keys(list(by_key))
    judged = [Line(each.number, each.sku, "", "", Outcome.UNCHANGED) for each in lines if not each.names_something]
    links: dict[str, Sequence[Component]] = {}
    for key, group in by_key.items():
        judged += _judge_group(group, known.get(key), shelf, links)
    return Report(sorted(judged, key=lambda line: line.number), links)


@dataclass(frozen=True, slots=True)
class _Said:
    """A line as it stands in the file."""

    number: int
    sku: str
    store_sku: str
    variant_id: str
    quantity: str

    @property
    def names_something(self) -> bool:
        return bool(self.store_sku or self.variant_id)


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The variants of the store that a file names."""

    by_id: Mapping[str, CatalogVariant]
    by_key: Mapping[str, Sequence[CatalogVariant]]
    name: str
    exact: bool

    @classmethod
    def of(cls, store: ConnectedStore, lines: Iterable[_Said]) -> _Shelf:
        ids, keys = {each.variant_id for each in lines}, {sku_key(each.store_sku) for each in lines}
        kept = CatalogVariant.objects.filter(store=store)
        by_key: dict[str, list[CatalogVariant]] = {}
        for row in kept.filter(sku_key__in=keys - {""}):
            by_key.setdefault(row.sku_key, []).append(row)
        found = {row.external_id: row for row in kept.filter(external_id__in=ids - {""})}
        return cls(found, by_key, store.name, products.case_matters(store))

    def find(self, said: _Said) -> tuple[CatalogVariant | None, str]:
        """The variant, or why there is none. The id says more than the SKU, and both must agree."""
        if said.variant_id:
            row = self.by_id.get(said.variant_id)
            if row is None:
                return None, f"{self.name} has no variant with the id {said.variant_id[:60]}"
            if said.store_sku and sku_key(said.store_sku) != row.sku_key:
                return None, f"This variant has the SKU {row.sku or '(none)'}, not {said.store_sku[:60]}"
            return row, ""
        rows = self.by_key.get(sku_key(said.store_sku), [])
        if self.exact:
            rows = [row for row in rows if row.sku == said.store_sku]
        if len(rows) == 1:
            return rows[0], ""
        if rows:
            return None, f"{len(rows)} variants have the SKU {said.store_sku[:60]}: name one by store_variant_id"
        return None, f"{self.name} has no variant with the SKU {said.store_sku[:60]}"


def _judge_group(
    group: Sequence[_Said], row: Row | None, shelf: _Shelf, links: dict[str, Sequence[Component]]
) -> Iterator[Line]:
    """The lines of one SKU stand and fall together: half a bundle would be the wrong one."""
    parts: dict[str, Component] = {}
    reasons: dict[int, str] = {}
    first_at: dict[str, int] = {}
    for said in group:
        quantity = _whole(said.quantity)
        variant, why = shelf.find(said)
        if not said.sku:
            why = "tiktok_sku is empty: give the item a SKU in Seller Center"
        elif quantity is None:
            why = f"The quantity {said.quantity[:20]!r} is not a whole number from 1 to {linking.MOST_QUANTITY}"
        elif variant is not None and variant.external_id in first_at:
            why = f"The same SKU and variant as in line {first_at[variant.external_id]}"
        elif variant is not None:
            first_at[variant.external_id] = said.number
            parts[variant.external_id] = products.component_of(variant, quantity)
        if not why and len(parts) > linking.MOST_COMPONENTS:
            why = f"At most {linking.MOST_COMPONENTS} variants can stand for one SKU"
        if why:
            reasons[said.number] = why
    is_same = row is not None and _means(row) == {part.variant_id: part.quantity for part in parts.values()}
    if not reasons and not is_same:
        links[group[0].sku] = list(parts.values())
    for said in group:
        outcome, why = (Outcome.UNCHANGED if is_same else Outcome.LINKED), ""
        if reasons:
            outcome = Outcome.REFUSED
            why = reasons.get(said.number) or f"Line {min(reasons)} of the same SKU was refused"
        elif row is None or not row.in_catalog:
            why = "TikTok Shop's catalog has no such SKU as yet"
        yield Line(said.number, said.sku, said.store_sku or said.variant_id, said.quantity or "1", outcome, why)


def _means(row: Row) -> dict[str, int]:
    """What a SKU means now: variants with their quantities."""
    if row.state is not Match.LINKED:
        return {}
    return {each["variant_id"]: each["quantity"] for each in row.components} or {row.variant_id: 1}


def _parts(row: Row, skus: Mapping[str, str]) -> list[Component]:
    if row.components:
        return [Component(each["variant_id"], each["sku"], each["title"], each["quantity"]) for each in row.components]
    if row.link_id is None:
        return []
    return [Component(row.variant_id, skus.get(row.variant_id, ""), row.linked_title, 1)]


def _skus_of(store: ConnectedStore, rows: Iterable[Row]) -> dict[str, str]:
    ids = {row.variant_id for row in rows if row.variant_id and not row.components}
    kept = CatalogVariant.objects.filter(store=store, external_id__in=ids)
    return dict(kept.values_list("external_id", "sku"))


def text_of(content: bytes) -> str:
    """The text, in whichever of the usual encodings a spreadsheet wrote it. Raises Unreadable."""
    if len(content) > MOST_BYTES:
        raise Unreadable(f"The file is larger than {MOST_BYTES // 1_000_000} MB. Send it in parts.")
    is_utf_16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ["utf-16"] if is_utf_16 else ["utf-8-sig", "cp1252"]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise Unreadable("This is not a text file. Save the table as CSV, in UTF-8.")


def _read(text: str) -> Iterator[_Said]:
    """The lines below the header, numbered as in the file. Raises Unreadable."""
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey="more", restval="")
    try:
        names = {str(name).strip().lower() for name in reader.fieldnames or []}
        if "tiktok_sku" not in names or not names & {"store_sku", "store_variant_id"}:
            raise Unreadable("The first line must name the columns tiktok_sku and store_sku (or store_variant_id).")
        reader.fieldnames = [str(name).strip().lower() for name in reader.fieldnames or []]
        for row in reader:
            cells = {name: spreadsheet.plain(str(row.get(name) or ""))[:200] for name in COLUMNS}
            yield _Said(
                number=reader.line_num,
                sku=cells["tiktok_sku"],
                store_sku=cells["store_sku"],
                variant_id=cells["store_variant_id"],
                quantity=cells["quantity"],
            )
    except csv.Error as error:
        raise Unreadable(f"Line {reader.line_num} could not be read: {error}") from error


def _whole(text: str) -> int | None:
    """A quantity; nothing said is one. None for what is no whole number within bounds."""
    if not text:
        return 1
    if not text.isascii() or not text.isdigit() or len(text) > 3 or not 1 <= int(text) <= linking.MOST_QUANTITY:
        return None
    return int(text)
