"""What makes work due at once rings the dispatch loop's bell, and the indexes it and the watchers look into.

A NOTIFY takes a lock of the whole server from just before the commit until after it, so that commits which ring come
one after the other, each with its own flush. Therefore a connection rings twice a second at most; the loop looks often
for some seconds after a ring. The time of the last ring is a setting of the session, taken back when its transaction
is: it says nothing about a tenant, so that a pooler may hand it on.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

RING = """
create or replace function verisync_ring() returns trigger language plpgsql as $$
declare
  half_second constant text := (2 * date_part('epoch', clock_timestamp()))::bigint::text;
begin
  if current_setting('verisync.rung_in', true) is distinct from half_second then
    perform set_config('verisync.rung_in', half_second, false);
    perform pg_notify('verisync_work', '');
  end if;
  return null;
end $$;
create or replace trigger ring after insert or update of not_before on connectors_webhookdelivery
  for each statement execute function verisync_ring();
create or replace trigger ring after insert or update of state on connectors_connectedstore
  for each statement execute function verisync_ring();
"""

UNRING = """
drop trigger if exists ring on connectors_webhookdelivery;
drop trigger if exists ring on connectors_connectedstore;
drop function if exists verisync_ring();
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("connectors", "0004_options_and_test")]

    operations = [
        migrations.RunSQL(RING, UNRING),
        AddIndexConcurrently(
            "webhookdelivery",
            models.Index(
                fields=["not_before"],
                include=["store"],
                condition=models.Q(processed_at=None),
                name="delivery_when",
            ),
        ),
        AddIndexConcurrently(
            "webhookdelivery",
            models.Index(fields=["received_at"], condition=models.Q(processed_at=None), name="delivery_oldest"),
        ),
    ]
