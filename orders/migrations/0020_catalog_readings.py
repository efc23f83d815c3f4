"""When the catalogs of both sides are read, and how far that is. Belongs to one merchant each."""

import django.db.models.deletion
from django.db import migrations, models

from accounts.rowsecurity import shut_table


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_cache_table"),
        ("connectors", "0006_keep_delivery"),
        ("orders", "0019_tracking"),
    ]

    operations = [
        migrations.CreateModel(
            name="CatalogReading",
            fields=[
                (
                    "store",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="reading",
                        serialize=False,
                        to="connectors.connectedstore",
                    ),
                ),
                ("due_at", models.DateTimeField()),
                ("began_at", models.DateTimeField(blank=True, null=True)),
                ("heard_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("count", models.PositiveIntegerField(default=0)),
                ("expected", models.PositiveIntegerField(blank=True, null=True)),
                ("failure", models.CharField(blank=True, max_length=300)),
                (
                    "merchant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.merchant"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["due_at"], name="catalog_reading_when")],
            },
        ),
        shut_table("orders_catalogreading"),
    ]
