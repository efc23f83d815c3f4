"""Setups and versions belong to one merchant each; shops that are mirrored today stay switched on."""

from django.db import migrations

from accounts.rowsecurity import SYSTEM_ROLE, shut_table

# As the role that sees every merchant, since the tables' owner sees none.
SWITCH_ON = f"""
set local role {SYSTEM_ROLE};
insert into orders_setup (store_id, merchant_id, switched_on_at, switched_on_by, confirmed, shipping)
select id, merchant_id, now(), 'The update that brought the switch', '{{}}', '{{}}'
from connectors_connectedstore where part = 'SOURCE'
on conflict do nothing;
reset role;
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0015_flow")]

    operations = [
        migrations.RunSQL(SWITCH_ON, migrations.RunSQL.noop),
        shut_table("orders_setup"),
        shut_table("orders_settingsversion"),
    ]
