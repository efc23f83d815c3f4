"""The reference for P4: the same work by one django-q2 task per order, as one would begin to write it.

Every task takes one order through the product's own steps: the guard, the look, the draft, the create, the settling.
"""

from __future__ import annotations

from django.utils import timezone
from django_q.tasks import async_task

from accounts.access import all_merchants
from connectors.models import ConnectedStore
from orders import sending
from orders.work import Drain


def enqueue(store_id: int) -> None:
    """Ask for one order of this store to be created."""
    async_task("bench.one_task_per_order.create", store_id)


def create(store_id: int) -> None:
    """django-q2's entry point."""
    with all_merchants("a task names its store, not its merchant"):
        store = ConnectedStore.objects.get(pk=store_id)
    drain = Drain(store=store, clock=timezone.now)
    claimed = sending.claim(drain=drain, limit=1)
    works = sending.prepare(claimed=claimed, drain=drain)
    for work in works:
        if work.is_open and work.is_marked:
            sending.send(work=work)
    sending.settle(works=works, drain=drain)
