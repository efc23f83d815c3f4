"""Catalogs and shipping mappings belong to one merchant each."""

from django.db import migrations

from accounts.rowsecurity import shut_table


class Migration(migrations.Migration):
    dependencies = [("orders", "0006_routes_and_catalogs")]

    operations = [shut_table("orders_catalog"), shut_table("orders_catalogvariant"), shut_table("orders_shippingmapping")]
