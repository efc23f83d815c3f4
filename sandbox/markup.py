"""Fills the pages' templates. Every value is escaped, except what was filled here before."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from markupsafe import Markup

TEMPLATES = Path(__file__).with_name("templates")


def fill(template: str, **values: object) -> Markup:
    """`{name}` in the template becomes the value. Raises KeyError for a value that is missing."""
    return _read(template).format(**values)


def join(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)


def hidden(**values: object) -> Markup:
    """The fields of a form that nobody sees."""
    return join(fill("hidden", name=name, value=value) for name, value in values.items())


def button(text: str, action: str, kind: str = "", **values: object) -> Markup:
    """A form of one button."""
    return fill("button", text=text, action=action, kind=kind, fields=hidden(**values))


def options(choices: Iterable[tuple[object, object]], chosen: object = None) -> Markup:
    """(value, text) of a list to choose from."""
    return join(
        fill("option_chosen" if value == chosen else "option", value=value, text=text) for value, text in choices
    )


def consent(
    platform: str,
    *,
    label: str,
    question: str,
    text: str,
    fields: dict[str, str],
    choice: tuple[str, str, Iterable[tuple[str, str]]] | None = None,
) -> Markup:
    """A store's consent page. `choice` is the legend, the field's name, and what may be chosen, the first at first."""
    asked = Markup("")
    if choice:
        legend, name, rows = choice
        marks = itertools.chain(["checked"], itertools.repeat(""))
        ticks = (
            fill("choice_option", name=name, value=value, text=shown, mark=mark)
            for (value, shown), mark in zip(rows, marks, strict=False)
        )
        asked = fill("choice", legend=legend, options=join(ticks))
    return fill(
        "authorize_store",
        platform=platform,
        label=label,
        question=question,
        text=text,
        fields=hidden(**fields),
        choice=asked,
    )


@cache
def _read(template: str) -> Markup:
    return Markup((TEMPLATES / f"{template}.html").read_text(encoding="utf-8").strip())  # our own files
