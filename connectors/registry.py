"""Platform name -> connector. The only file that names platforms; they are found by dotted path, never imported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string

from connectors import machine
from connectors.base.connector import Connector, Source
from connectors.base.types import Credentials
from connectors.exchange import by_pool, by_session
from connectors.http import CallRecord, HttpClient
from connectors.models import ConnectedStore, StorePart
from connectors.pacing import Pace

_CLASSES = {
    "tiktok_shop": "connectors.platforms.tiktok_shop.connector.TikTokShop",
    "shopify": "connectors.platforms.shopify.connector.Shopify",
    "amazon": "connectors.platforms.amazon.connector.Amazon",
    "wix": "connectors.platforms.wix.connector.Wix",
    "squarespace": "connectors.platforms.squarespace.connector.Squarespace",
}
PLATFORMS = tuple(_CLASSES)


class UnknownPlatform(LookupError):
    """No connector has this name."""


@cache
def connector_class(platform: str) -> type[Connector]:
    """The class that speaks to this platform. Raises UnknownPlatform."""
    if platform not in _CLASSES:
        raise UnknownPlatform(platform)
    return cast(type[Connector], import_string(_CLASSES[platform]))


def all_classes() -> Iterator[type[Connector]]:
    """Every platform's class, sources first."""
    return map(connector_class, PLATFORMS)


def label_of(store: ConnectedStore) -> str:
    """The platform's name as people know it: Shopify."""
    return connector_class(store.platform).label


def part_of(platform: str) -> StorePart:
    """Whether orders come from this platform or go to it."""
    return StorePart.SOURCE if issubclass(connector_class(platform), Source) else StorePart.DESTINATION


def config_of(platform: str) -> dict[str, str]:
    """The platform's settings by suffix, from the environment or its own defaults."""
    prefix = f"{platform.upper()}_"
    return {
        setting.name: settings.PLATFORM_VALUES.get(prefix + setting.name) or setting.default
        for setting in connector_class(platform).settings
    }


def is_configured(platform: str) -> bool:
    """Whether this installation has an app there; else the platform is not offered."""
    config = config_of(platform)
    return all(config[setting.name] for setting in connector_class(platform).settings if setting.is_required)


def build(
    platform: str,
    *,
    clock: Callable[[], datetime],
    store: ConnectedStore | None = None,
    credentials: Credentials | None = None,
    record: Callable[[CallRecord], object] = id,
    pace: Pace | None = None,
) -> Connector:
    """A connector, for a store when one is given, otherwise for the journeys that come before a store.

    `credentials` override the store's own. `record` receives the scrubbed record of every call. `pace` is a lane's.
    """
    kind = connector_class(platform)
    return kind(
        config=config_of(platform),
        http=HttpClient(
            private_keys=kind.private_keys,
            exchange=machine.current().exchange or (by_pool if pace is not None else by_session()),
            record=record,
            pace=pace,
        ),
        clock=clock,
        store=store.identity if store else None,
        credentials=credentials or (store.credentials if store else None),
    )


def verifier(platform: str, *, clock: Callable[[], datetime]) -> Connector:
    """A connector that judges webhooks and makes no calls, so that each webhook need not have a client of its own."""
    return connector_class(platform)(config=config_of(platform), http=_idle_client(platform), clock=clock)


@cache
def _idle_client(platform: str) -> HttpClient:
    return HttpClient(private_keys=connector_class(platform).private_keys)
