"""The catalogs of both sides, read whole: when one is due, how far its reading is, and what was found."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.db.models import Q

from accounts.access import all_merchants, merchant_rows
from connectors import calls, machine
from connectors.base.connector import Destination, Source
from connectors.base.errors import PlatformError, ScopeMissing, TemporaryError
from connectors.base.types import Variant
from connectors.models import ConnectedStore, StoreState
from connectors.pacing import Pace
from connectors.registry import connector_class
from connectors.speaking import speaking
from orders.components import sku_key
from orders.models import Catalog, CatalogReading, CatalogVariant

log = logging.getLogger(__name__)

READ_EVERY = timedelta(hours=24)
AFTER_FAILURE = timedelta(minutes=5)
AFTER_REFUSAL = timedelta(hours=6)
SILENT_AFTER = timedelta(minutes=2)
HEARD_EVERY = 100  # variants
SHARE = 0.25  # of the store's allowance: orders come first
BATCH = 500
# A catalog beyond this is no shop's: what goes on longer repeats itself.
MOST_VARIANTS = 250_000


class ReadElsewhere(Exception):
    """Somebody else reads this catalog now."""


def ask_for(*, store: ConnectedStore, now: datetime) -> CatalogReading:
    """Make the reading of a store's catalog due at once, in the caller's transaction. May be repeated."""
    reading, _ = CatalogReading.objects.update_or_create(
        store=store, defaults={"due_at": now}, create_defaults={"due_at": now, "merchant_id": store.merchant_id}
    )
    return reading


def due(*, now: datetime) -> list[int]:
    """The stores whose catalog is to be read now: never read, a day old, asked for, or left unfinished."""
    waits = Q(reading__heard_at=None, reading__due_at__gt=now)
    is_read = Q(reading__heard_at__gt=now - SILENT_AFTER)
    with all_merchants("any store's catalog may be due"):
        connected = ConnectedStore.objects.filter(state=StoreState.CONNECTED)
        return list(connected.exclude(waits).exclude(is_read).order_by("pk").values_list("pk", flat=True))


def read(*, store: ConnectedStore, clock: Callable[[], datetime]) -> bool:
    """Read the store's catalog and keep it: whether all of it was read. What fails is said in the reading, not raised.

    Makes calls: not inside a transaction. May be repeated; what is not due, or read by another now, is left alone.
    """
    began_at = clock()
    if not _begin(store, began_at):
        return False
    calls.take()
    failure, pause = "", READ_EVERY
    try:
        with speaking(store, clock=clock, pace=_pace(store)) as connector:
            assert isinstance(connector, Source | Destination)
            read_whole(store=store, variants=_heard(store, connector.list_variants(), began_at, clock), now=began_at)
    except ReadElsewhere:
        return False
    except ScopeMissing:
        failure, pause = "The permission to read products was not granted. Connect the store again", AFTER_REFUSAL
    except PlatformError as error:
        failure, pause = error.message, AFTER_FAILURE if isinstance(error, TemporaryError) else AFTER_REFUSAL
    except Exception as error:
        log.exception("a catalog could not be read", extra={"store": store.pk})
        failure, pause = f"VeriSync failed ({type(error).__name__})", AFTER_REFUSAL
    with merchant_rows(store.merchant_id):
        calls.save(records=calls.take()[-20:], merchant_id=store.merchant_id, subject="")
        mine = CatalogReading.objects.filter(store=store, began_at=began_at)
        mine.update(heard_at=None, ended_at=clock(), due_at=clock() + pause, failure=failure[:300])
    return not failure


def read_whole(*, store: ConnectedStore, variants: Iterator[Variant], now: datetime) -> int:
    """Keep a catalog, and return how many variants it has. What we kept is replaced only once all of it was read.
    The iterator may make calls: not inside a transaction."""
    rows = {
        variant.external_id: CatalogVariant(
            merchant_id=store.merchant_id,
            store=store,
            external_id=variant.external_id,
            sku=variant.sku.strip()[:200],
            sku_key=sku_key(variant.sku)[:200],
            title=variant.title[:500],
            variant_title=variant.variant_title[:300],
            stock=variant.stock,
        )
        for variant in variants
        if variant.external_id and len(variant.external_id) <= 100
    }
    with merchant_rows(store.merchant_id):
        # Readers at once replace each other's rows one after the other.
        Catalog.objects.update_or_create(store=store, defaults={"merchant_id": store.merchant_id, "read_at": now})
        CatalogVariant.objects.filter(store=store).delete()
        CatalogVariant.objects.bulk_create(rows.values(), batch_size=BATCH, ignore_conflicts=True)
    return len(rows)


def _begin(store: ConnectedStore, now: datetime) -> bool:
    with merchant_rows(store.merchant_id):
        CatalogReading.objects.get_or_create(store=store, defaults={"merchant_id": store.merchant_id, "due_at": now})
        idle = Q(heard_at=None) | Q(heard_at__lte=now - SILENT_AFTER)
        mine = CatalogReading.objects.filter(idle, store=store, due_at__lte=now)
        expected = CatalogVariant.objects.filter(store=store).count() or None
        return bool(mine.update(began_at=now, heard_at=now, count=0, expected=expected, failure=""))


def _heard(
    store: ConnectedStore, variants: Iterator[Variant], began_at: datetime, clock: Callable[[], datetime]
) -> Iterator[Variant]:
    """The same, with a sign of life in between. Raises ReadElsewhere."""
    count = 0
    for variant in variants:
        count += 1
        if count > MOST_VARIANTS:
            raise TemporaryError(f"The catalog has more than {MOST_VARIANTS:,} variants")
        if count % HEARD_EVERY == 0:
            _say(store, began_at, clock(), count)
        yield variant
    _say(store, began_at, clock(), count)


def _say(store: ConnectedStore, began_at: datetime, now: datetime, count: int) -> None:
    with merchant_rows(store.merchant_id):
        mine = CatalogReading.objects.filter(store=store, began_at=began_at).exclude(heard_at=None)
        if not mine.update(heard_at=now, count=count):
            raise ReadElsewhere


def _pace(store: ConnectedStore) -> Pace:
    here = machine.current()
    return Pace(connector_class(store.platform).limits, share=SHARE, clock=here.wall, sleep=here.sleep)
