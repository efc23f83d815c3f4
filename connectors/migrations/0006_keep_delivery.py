"""The one door through which a webhook comes in: it names its shop, not its merchant.

The function acts as the role that crosses tenants, and can do nothing but keep one delivery for a connected store.
One statement, so that the row is durable after a single round trip.
"""

from django.db import migrations

from accounts.rowsecurity import act_as_system

MAKE = """
create function connectors_keep_delivery(
  platform text, shop text, delivery_key text, headers text, body text, received_at timestamptz
) returns void language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into connectors_webhookdelivery
    (merchant_id, store_id, platform, delivery_key, headers, body, received_at, not_before, attempts, outcome)
  select s.merchant_id, s.id, s.platform, $3, $4::jsonb, $5, $6, $6, 0, ''
  from connectors_connectedstore s
  where s.platform = $1 and s.external_id = $2 and s.state <> 'DISCONNECTED'
  on conflict on constraint delivery_once do nothing;
end $$
"""
DROP = "drop function connectors_keep_delivery(text, text, text, text, text, timestamptz)"


class Migration(migrations.Migration):
    dependencies = [("connectors", "0005_bell")]

    operations = [
        migrations.RunSQL(MAKE, DROP),
        act_as_system("connectors_keep_delivery(text, text, text, text, text, timestamptz)"),
    ]
