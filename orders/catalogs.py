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
from orders.models import Catalog, CatalogReading, CatalogVariant, Lane

log = logging.getLogger(__name__)

READ_EVERY = timedelta(hours=24)
AFTER_FAILURE = timedelta(minutes=5)
AFTER_REFUSAL = timedelta(hours=6)
SILENT_AFTER = timedelta(minutes=2)
HEARD_EVERY = 100  # variants
# Orders come first: a reading asks with a share of the store's allowance, less what its lane used of it, and lets the
# lane pass where that is at work. All of that comes to less than SILENT_AFTER.
SHARE = 0.25
PATIENCE = 75.0
LET_PASS = 20.0
LOOK_EVERY = 0.5
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
    reader = _Reader(store, began_at, clock)
    try:
        with speaking(store, clock=clock, pace=reader.pace) as connector:
            assert isinstance(connector, Source | Destination)
            read_whole(store=store, variants=reader.heard(connector.list_variants()), now=began_at)
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


class _Reader:
    """One reading, its signs of life, and its pace."""

    def __init__(self, store: ConnectedStore, began_at: datetime, clock: Callable[[], datetime]) -> None:
        self.store, self.began_at, self.clock = store, began_at, clock
        here = machine.current()
        limits = connector_class(store.platform).limits
        self.pace = Pace(limits, share=SHARE, clock=here.wall, sleep=here.sleep, patience=PATIENCE)

    def heard(self, variants: Iterator[Variant]) -> Iterator[Variant]:
        """The same, with a sign of life in between. Raises ReadElsewhere."""
        count = 0
        self._let_lane_pass()
        for variant in variants:
            count += 1
            if count > MOST_VARIANTS:
                raise TemporaryError(f"The catalog has more than {MOST_VARIANTS:,} variants")
            if count % HEARD_EVERY == 0:
                self._say(count)
                self._let_lane_pass()
            yield variant
        self._say(count)

    def _say(self, count: int) -> None:
        with merchant_rows(self.store.merchant_id):
            mine = CatalogReading.objects.filter(store=self.store, began_at=self.began_at).exclude(heard_at=None)
            if not mine.update(heard_at=self.clock(), count=count):
                raise ReadElsewhere

    def _let_lane_pass(self) -> None:
        """Wait while the store's lane is drained, though not for ever, and take over what it knows of the allowance."""
        here = machine.current()
        waits_until = here.steady() + LET_PASS
        while True:
            with merchant_rows(self.store.merchant_id):
                lane = Lane.objects.filter(store=self.store).values("lease_until", "pace").first()
            is_drained = lane is not None and lane["lease_until"] is not None and lane["lease_until"] > self.clock()
            if not is_drained or here.steady() >= waits_until:
                break
            here.sleep(LOOK_EVERY)
        self.pace.heed(lane["pace"] if lane else {})
