"""Alerts, reckoned deadlines and a merchant's rules belong to one merchant each; questions of before are from now."""

from django.db import migrations

from accounts.rowsecurity import SYSTEM_ROLE, shut_table

# As the role that sees every merchant, since the tables' owner sees none.
ASKED_NOW = f"""
set local role {SYSTEM_ROLE};
update orders_order set attention_at = read_at where attention <> '' and attention_at is null;
reset role;
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0026_deadlines_and_alerts")]

    operations = [
        shut_table("orders_merchantrules"),
        shut_table("orders_reckoneddeadlines"),
        shut_table("orders_alert"),
        shut_table("orders_alertmessage"),
        shut_table("orders_alertdelivery"),
        migrations.RunSQL(ASKED_NOW, migrations.RunSQL.noop),
    ]
