"""Heartbeats of worker hosts, a lane's calls, and the rows of ours that ring when they make work due."""

import uuid

from django.db import migrations, models

# Tasks are few, a lane each, so their bell need not be throttled. Two of one transaction are one ring.
RING = """
create function verisync_ring_tasks() returns trigger language plpgsql as $$
begin
  perform pg_notify('verisync_tasks', '');
  return null;
end $$;
create trigger ring after insert on django_q_ormq
  for each statement execute function verisync_ring_tasks();
create trigger ring after insert or update of not_before on orders_outboxitem
  for each statement execute function verisync_ring();
create trigger ring after update of lease_until on orders_lane
  for each row when (old.lease_until is not null and new.lease_until is null) execute function verisync_ring();
"""

UNRING = """
drop trigger ring on orders_outboxitem;
drop trigger ring on orders_lane;
drop trigger ring on django_q_ormq;
drop function verisync_ring_tasks();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("connectors", "0005_bell"),
        ("orders", "0009_sure_at_and_pace"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]

    operations = [
        migrations.CreateModel(
            name="WorkerHost",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                ("started_at", models.DateTimeField()),
                ("beat_at", models.DateTimeField()),
                ("restarts", models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.AddField("lane", "calls_used", models.FloatField(blank=True, null=True)),
        migrations.AddField("lane", "calls_allowed", models.FloatField(blank=True, null=True)),
        migrations.AddField("lane", "calls_at", models.DateTimeField(blank=True, null=True)),
        migrations.RunSQL(RING, UNRING),
    ]
