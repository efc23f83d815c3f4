"""Many rows by one statement. One JSON document carries them: arrays, as Django sends them, cost ten times as much for
long texts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models
from django.db.models import JSONField


def insert_many(rows: Iterable[models.Model]) -> None:
    """Insert rows of one model, in the caller's transaction. Their keys are not brought back. Raises DatabaseError."""
    found = list(rows)
    if not found:
        return
    names, statement = _insert(type(found[0]))
    document = [{column: _value(field, row) for column, field in names.items()} for row in found]
    with connection.cursor() as cursor:
        cursor.execute(statement, [json.dumps(document, cls=DjangoJSONEncoder, ensure_ascii=False)])


@cache
def _insert(model: type[models.Model]) -> tuple[dict[str, models.Field[Any, Any]], str]:
    fields = {field.column: field for field in model._meta.concrete_fields if not _is_made_by_database(field)}
    columns = ", ".join(fields)
    types = ", ".join(f"{column} {field.db_type(connection)}" for column, field in fields.items())
    table = model._meta.db_table
    statement = f"insert into {table} ({columns}) select {columns} from json_to_recordset(%s::json) as r({types})"
    return fields, statement


def _is_made_by_database(field: models.Field[Any, Any]) -> bool:
    return isinstance(field, models.AutoField | models.BigAutoField)


def _value(field: models.Field[Any, Any], row: models.Model) -> Any:
    value = getattr(row, field.attname)
    return value if isinstance(field, JSONField) else field.get_prep_value(value)
