"""Many rows by one statement. One JSON document carries them: arrays, as Django sends them, cost ten times as much for
long texts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.models import JSONField


def insert_many(rows: Iterable[models.Model]) -> None:
    """Insert rows of one model, in the caller's transaction. Their keys are not brought back. Raises DatabaseError."""
    found = list(rows)
    if not found:
        return
    statement = _insert(type(found[0]))
    with connection.cursor() as cursor:
        cursor.execute(statement, [_document(found)])


def insert_missing(rows: Iterable[models.Model]) -> list[models.Model]:
    """`insert_many`, but a row that is there already, by any of the model's unique rules, is left alone: those that
    were inserted, with their keys."""
    found = list(rows)
    if not found:
        return []
    statement = f"{_insert(type(found[0]))} on conflict do nothing returning id, {_name_of(found[0])}"
    by_name = {str(getattr(row, _name_of(row))): row for row in found}
    with connection.cursor() as cursor:
        cursor.execute(statement, [_document(found)])
        for key, name in cursor.fetchall():
            by_name[str(name)].pk = key
    return [row for row in found if row.pk is not None]


def update_many(model: type[models.Model], changes: Mapping[int, Mapping[str, Any]], *, counting: str) -> None:
    """Change rows of one model by one statement, in the caller's transaction: by key, the same columns of each, and one
    more in the column `counting`. Raises DatabaseError."""
    if not changes:
        return
    fields = _fields(model)
    columns = sorted(next(iter(changes.values())))
    document = [
        {"id": key} | {column: _prepared(fields[column], row[column]) for column in columns}
        for key, row in changes.items()
    ]
    types = ", ".join(f"{column} {fields[column].db_type(connection)}" for column in columns)
    news = ", ".join([f"{counting} = t.{counting} + 1", *(f"{column} = r.{column}" for column in columns)])
    table = model._meta.db_table
    given = f"json_to_recordset(%s::json) as r(id bigint, {types})"
    with connection.cursor() as cursor:
        cursor.execute(
            f"update {table} t set {news} from {given} where t.id = r.id",
            [json.dumps(document, cls=DjangoJSONEncoder, ensure_ascii=False)],
        )


def later(row: models.Model) -> None:
    """Insert a row that nobody reads back in this transaction: now, or with others at the end of `gathered`."""
    gathered_here = _gathered()
    if gathered_here is None:
        row.save(force_insert=True)
    else:
        gathered_here.append(row)


@contextmanager
def gathered() -> Iterator[None]:
    """In here, rows given to `later` are inserted together at the end. Inside a transaction; what fails takes its own
    rows along."""
    outer = _gathered()
    rows: list[models.Model] = []
    _place()["gathered_rows"] = rows
    try:
        yield
    finally:
        _place()["gathered_rows"] = outer
    if outer is not None:
        outer.extend(rows)
        return
    kinds: dict[type[models.Model], list[models.Model]] = {}
    for row in rows:
        kinds.setdefault(type(row), []).append(row)
    for members in kinds.values():
        insert_many(members)


def _gathered() -> list[models.Model] | None:
    found: list[models.Model] | None = _place().get("gathered_rows")
    return found


def _place() -> dict[str, Any]:
    """This thread's connection: `connection` itself is one object for all threads."""
    return connections[DEFAULT_DB_ALIAS].__dict__


def _name_of(row: models.Model) -> str:
    """The column that tells the rows of one call apart."""
    return "external_id" if hasattr(row, "external_id") and row.external_id else "order_id"


@cache
def _insert(model: type[models.Model]) -> str:
    fields = _fields(model)
    columns = ", ".join(fields)
    types = ", ".join(f"{column} {field.db_type(connection)}" for column, field in fields.items())
    given = f"select {columns} from json_to_recordset(%s::json) as r({types})"
    return f"insert into {model._meta.db_table} ({columns}) {given}"


@cache
def _fields(model: type[models.Model]) -> dict[str, models.Field[Any, Any]]:
    made = (models.AutoField, models.BigAutoField, models.GeneratedField)
    return {str(field.column): field for field in model._meta.concrete_fields if not isinstance(field, made)}


def _document(rows: list[models.Model]) -> str:
    fields = _fields(type(rows[0]))
    document = [{column: _value(field, row) for column, field in fields.items()} for row in rows]
    return json.dumps(document, cls=DjangoJSONEncoder, ensure_ascii=False)


def _value(field: models.Field[Any, Any], row: models.Model) -> Any:
    return _prepared(field, getattr(row, field.attname))


def _prepared(field: models.Field[Any, Any], value: Any) -> Any:
    return value if isinstance(field, JSONField) else field.get_prep_value(value)
