"""Stores and what they sent belong to one merchant each."""

from django.db import migrations

from accounts.rowsecurity import shut_table


class Migration(migrations.Migration):
    dependencies = [("connectors", "0001_initial"), ("accounts", "0002_row_level_security")]

    operations = [
        shut_table("connectors_connectedstore"),
        shut_table("connectors_webhookdelivery"),
        shut_table("connectors_apicall"),
        shut_table("connectors_authorizationattempt"),
    ]
