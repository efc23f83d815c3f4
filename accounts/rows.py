"""Rows that every order needs, by constant statements: Django takes half a millisecond to put one together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models.expressions import Col

M = TypeVar("M", bound=models.Model)


class Rows(Generic[M]):
    """A statement that brings rows of one model, as instances. Its parameters are named as psycopg does; `{columns}`
    stands for the model's columns, those of `defer` left out, of the table that it calls `t`."""

    def __init__(self, model: type[M], statement: str, *, defer: Collection[str] = ()) -> None:
        self._model, self._text = model, statement
        self._fields = [field for field in model._meta.concrete_fields if field.name not in defer]
        self._names = [field.attname for field in self._fields]

    def __call__(self, **asked: Any) -> list[M]:
        """In the caller's transaction. Raises DatabaseError."""
        with connection.cursor() as cursor:
            cursor.execute(self._statement, asked)
            return [self._model.from_db(DEFAULT_DB_ALIAS, self._names, self._read(row)) for row in cursor.fetchall()]

    @cached_property
    def _statement(self) -> str:
        return self._text.replace("{columns}", ", ".join(f't."{field.column}"' for field in self._fields))

    @cached_property
    def _converters(self) -> list[tuple[int, Callable[..., Any], Col]]:
        """What Django does with a column's value, where it does anything."""
        columns = enumerate(field.get_col("t") for field in self._fields)
        return [
            (place, convert, column)
            for place, column in columns
            for convert in [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
        ]

    def _read(self, row: Sequence[Any]) -> list[Any]:
        values = list(row)
        for place, convert, column in self._converters:
            values[place] = convert(values[place], column, connection)
        return values


def first_column(statement: str, **asked: Any) -> list[Any]:
    """The first column of what this constant statement brings, in the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return [row[0] for row in cursor.fetchall()]
