"""The hosts that work, and when each was heard last."""

from __future__ import annotations

import uuid

from django.db import models


class WorkerHost(models.Model):
    """One run of `manage.py work`. Belongs to no merchant. The row goes when it ends in order."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    restarts = models.PositiveIntegerField(default=0)  # of its task cluster: frozen or ended by itself

    def __str__(self) -> str:
        return self.name
