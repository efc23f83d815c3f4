"""Indexes by the time at which rows fall due, and by the reason for which they wait. Built while the site serves."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0010_worker_hosts_and_bell")]

    operations = [
        AddIndexConcurrently(
            "order",
            models.Index(
                fields=["check_at"], include=["source_store"], condition=Q(check_at__isnull=False), name="order_when"
            ),
        ),
        AddIndexConcurrently(
            "order", models.Index(fields=["attention"], condition=~Q(attention=""), name="order_questions")
        ),
        AddIndexConcurrently(
            "outboxitem",
            models.Index(fields=["not_before"], include=["store"], condition=Q(status="PENDING"), name="outbox_when"),
        ),
        AddIndexConcurrently(
            "outboxitem",
            models.Index(fields=["give_up_reason"], condition=Q(status="PARKED"), name="outbox_parked"),
        ),
        AddIndexConcurrently("setaside", models.Index(fields=["not_before"], name="set_aside_when")),
    ]
