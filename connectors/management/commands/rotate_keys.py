"""Encrypt all that is kept encrypted under the first of CREDENTIAL_KEYS, so that the others can be taken away."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.models import Field, Model

from accounts.access import all_merchants
from connectors import crypto
from connectors.crypto import EncryptedTextField, UnreadableSecret

BATCH = 500


class Command(BaseCommand):
    help = "Encrypt stores' tokens and other secrets anew under the first of CREDENTIAL_KEYS. Nothing stops meanwhile."

    def handle(self, *args: Any, **options: Any) -> None:
        done = 0
        for model in apps.get_models():
            for field in model._meta.concrete_fields:
                if isinstance(field, EncryptedTextField):
                    done += self._rotated(model, field)
        self.stdout.write(f"{done} secrets stand under the first key. Keys after it can be taken out.")

    def _rotated(self, model: type[Model], field: Field[Any, Any]) -> int:
        done, last = 0, 0
        while rows := _read(model, field, after=last):
            last = rows[-1][0]
            try:
                anew = [(key, kept, crypto.rotate(kept)) for key, kept in rows]
            except UnreadableSecret as error:
                raise CommandError(
                    f"A secret in {model._meta.db_table}.{field.column} opens with no key of CREDENTIAL_KEYS, ours to"
                    " set: add the key that it was made with, and run this again. Nothing is lost."
                ) from error
            _write(model, field, anew)
            done += len(anew)
            self.stdout.write(f"{model._meta.db_table}.{field.column}: {done}")
        return done


def _read(model: type[Model], field: Field[Any, Any], *, after: int) -> list[tuple[int, str]]:
    """Keys and ciphertexts, as the table holds them."""
    table, key = model._meta.db_table, model._meta.pk.column
    statement = (
        f'select "{key}", "{field.column}" from "{table}" where "{key}" > %s and "{field.column}" <> \'\''
        f' order by "{key}" limit {BATCH}'
    )
    with all_merchants("keys are the operator's"), connection.cursor() as cursor:
        cursor.execute(statement, [after])
        return list(cursor.fetchall())


def _write(model: type[Model], field: Field[Any, Any], anew: list[tuple[int, str, str]]) -> None:
    """Where a secret was written meanwhile, it stands under the first key already, and is left alone."""
    table, key = model._meta.db_table, model._meta.pk.column
    statement = f'update "{table}" set "{field.column}" = %s where "{key}" = %s and "{field.column}" = %s'
    with all_merchants("keys are the operator's"), connection.cursor() as cursor:
        cursor.executemany(statement, [(fresh, row, kept) for row, kept, fresh in anew])
