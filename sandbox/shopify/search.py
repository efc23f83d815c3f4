"""The search syntax of lists: `field:value` terms with AND and OR."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

_TERM = re.compile(r"""(\w+):(>=|<=|>|<|)(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\S+))""")


class BadQuery(ValueError):
    """A term that this imitation does not know: better refused than ignored."""


def terms_of(query: str) -> list[list[tuple[str, str, str]]]:
    """Groups of (field, comparison, value): any group, all of its terms."""
    groups = []
    for part in re.split(r"\s+OR\s+", query.strip()):
        terms, rest = [], part
        for match in _TERM.finditer(part):
            value = next(each for each in match.groups()[2:] if each is not None)
            terms.append((match[1], match[2], re.sub(r"\\(.)", r"\1", value)))
            rest = rest.replace(match[0], " ", 1)
        if rest.replace("AND", " ").strip():
            raise BadQuery(f"cannot read {rest.strip()!r}")
        groups.append(terms)
    return groups


Groups = list[list[tuple[str, str, str]]]


def order_fits(order: dict[str, Any], groups: Groups) -> bool:
    """Whether any group fits; no group at all asks for nothing in particular."""
    return not groups or any(all(_order_term(order, *term) for term in group) for group in groups)


def source_of(groups: Groups) -> str:
    """The one source identifier that is asked for, so that it can be looked up; empty for any other question."""
    found = [value for group in groups for field, _, value in group if field == "source_identifier"]
    return found[0] if len(groups) == len(found) == 1 else ""


def variant_fits(variant: dict[str, Any], query: str) -> bool:
    for group in terms_of(query):
        if any(field != "sku" for field, _, _ in group):
            raise BadQuery("only sku is played here")
        if all(str(variant["sku"]).casefold() == value.casefold() for _, _, value in group):
            return True
    return False


def _order_term(order: dict[str, Any], field: str, comparison: str, value: str) -> bool:
    if field in ("updated_at", "created_at"):
        have = order["updated" if field == "updated_at" else "created"]
        wanted = datetime.fromisoformat(value.replace("Z", "+00:00"))
        stamp = (wanted if wanted.tzinfo else wanted.replace(tzinfo=UTC)).timestamp()
        return {">=": have >= stamp, ">": have > stamp, "<=": have <= stamp, "<": have < stamp}.get(
            comparison, have == stamp
        )
    if field == "tag":
        return any(tag.casefold() == value.casefold() for tag in order["tags"])
    if field == "name":
        return bool(order["name"].lstrip("#") == value.lstrip("#"))
    if field == "source_identifier":
        return bool(order["sourceIdentifier"] == value)
    raise BadQuery(f"{field} is not played here")
