"""Every save of a setting is a version: who, when, what changed, and the whole state afterwards, to come back to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db.models import Max

from accounts.models import Merchant
from connectors.models import ConnectedStore
from orders.models import (
    CarrierMapping,
    Concern,
    MerchantRules,
    ProductLink,
    Route,
    SettingsVersion,
    Setup,
    ShippingMapping,
)

_ROUTE = (
    "destination_store_id", "rule", "position", "skus", "warehouse_ids", "least_share", "takes_part", "leaves_rest",
    "hold_mode", "extra_hold_hours", "is_on",
)  # fmt: skip


class CannotRestore(Exception):
    """The version names something that is no more. The text says what, and what to do."""


class Document(Protocol):
    """How one concern's whole state is read from its rows, and put back into them."""

    def read(self, about: str) -> Any:
        """The state as JSON."""

    def write(self, about: str, document: Any, merchant_id: int) -> None:
        """Make the rows say this again. Raises CannotRestore."""


class Saving:
    """A save under way. `is_change` is known once the block is left."""

    is_change = False
    number: int | None = None


def take_turn(merchant_id: int) -> None:
    """Wait until no other save of this merchant is under way, in the caller's transaction. Whoever locks an order and
    then saves takes the turn first, as saves lock the orders that go on after them. May be repeated."""
    Merchant.objects.select_for_update().get(pk=merchant_id)


@contextmanager
def saving(
    *, merchant_id: int, concern: Concern, about: str, author: str, now: datetime, restores: int | None = None
) -> Iterator[Saving]:
    """What the block changes of this concern becomes one version, in the caller's transaction; nothing changed is none.

    Saves of one merchant come one after the other. `about` is the id of the store, for RULES the two of a route.
    """
    take_turn(merchant_id)
    document, made = _DOCUMENTS[concern], Saving()
    before = document.read(about)
    yield made
    after = document.read(about)
    if after == before and restores is None:
        return
    made.is_change = True
    made.number = (latest_number(merchant_id) or 0) + 1
    SettingsVersion.objects.create(
        merchant_id=merchant_id,
        number=made.number,
        concern=concern,
        about=about,
        document=after,
        changes=differences(before, after),
        author=author[:150],
        saved_at=now,
        restores=restores,
    )


def restore(*, version: SettingsVersion, author: str, now: datetime) -> Saving:
    """Bring a version's state back, as a new version, in the caller's transaction. Raises CannotRestore."""
    with saving(
        merchant_id=version.merchant_id,
        concern=Concern(version.concern),
        about=version.about,
        author=author,
        now=now,
        restores=version.number,
    ) as made:
        _DOCUMENTS[Concern(version.concern)].write(version.about, version.document, version.merchant_id)
    return made


def latest_number(merchant_id: int) -> int | None:
    """The number of the version that counts now; None before the first save. In the caller's transaction."""
    newest = SettingsVersion.objects.filter(merchant_id=merchant_id).aggregate(newest=Max("number"))["newest"]
    return int(newest) if newest is not None else None


def state_of(*, concern: Concern, about: str) -> Any:
    """The concern's whole state as it is now, as a version keeps it. In the caller's transaction."""
    return _DOCUMENTS[concern].read(about)


def put(*, concern: Concern, about: str, document: Any, merchant_id: int) -> None:
    """Make the concern's rows say this, inside `saving`. Raises CannotRestore."""
    _DOCUMENTS[concern].write(about, document, merchant_id)


def differences(before: Any, after: Any) -> list[dict[str, Any]]:
    """What differs between two states, leaf by leaf: where it stands, and the values before and after. Pure."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    return [
        {"what": list(path), "before": old.get(path), "after": new.get(path)}
        for path in [*old, *(path for path in new if path not in old)]
        if old.get(path) != new.get(path)
    ]


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from _leaves(part, (*path, str(name)))
    else:
        yield path, value


def about_route(source_store_id: int, destination_store_id: int) -> str:
    """How the rules of a route are named, also after it was removed and made again."""
    return f"{source_store_id}-{destination_store_id}"


@dataclass(frozen=True)
class _Routes:
    def read(self, about: str) -> Any:
        routes = Route.objects.filter(source_store=int(about)).order_by("destination_store")
        return {str(route.destination_store_id): {name: getattr(route, name) for name in _ROUTE} for route in routes}

    def write(self, about: str, document: Any, merchant_id: int) -> None:
        _require_stores([int(each) for each in document])
        Route.objects.filter(source_store=int(about)).exclude(destination_store__in=document).delete()
        # Off first, so that at no moment there are two default routes.
        Route.objects.filter(source_store=int(about)).update(is_on=False)
        for store_id, said in document.items():
            Route.objects.update_or_create(
                source_store_id=int(about), destination_store_id=int(store_id),
                defaults={**said, "merchant_id": merchant_id},
            )  # fmt: skip


@dataclass(frozen=True)
class _Rules:
    def read(self, about: str) -> Any:
        route = _route_of(about)
        return route.rules if route else {}

    def write(self, about: str, document: Any, merchant_id: int) -> None:
        if _route_of(about) is None:
            raise CannotRestore("The route is no more. Add it again, then restore its rules.")
        source, destination = about.split("-")
        Route.objects.filter(source_store=int(source), destination_store=int(destination)).update(rules=document)


@dataclass(frozen=True)
class _Shipping:
    def read(self, about: str) -> Any:
        found = ShippingMapping.objects.filter(store=int(about)).order_by("delivery_option_id")
        return {
            each.delivery_option_id: {"name": each.delivery_option_name, "title": each.title, "code": each.code}
            for each in found
        }

    def write(self, about: str, document: Any, merchant_id: int) -> None:
        ShippingMapping.objects.filter(store=int(about)).delete()
        ShippingMapping.objects.bulk_create(
            ShippingMapping(
                merchant_id=merchant_id, store_id=int(about), delivery_option_id=option,
                delivery_option_name=said["name"], title=said["title"], code=said["code"],
            )
            for option, said in document.items()
        )  # fmt: skip


@dataclass(frozen=True)
class _Carriers:
    def read(self, about: str) -> Any:
        found = CarrierMapping.objects.filter(source_store=int(about)).order_by("delivery_option_id", "carrier_text")
        by_option: dict[str, dict[str, Any]] = {}
        for each in found:
            kept = {"carrier_id": each.carrier_id, "carrier_name": each.carrier_name}
            by_option.setdefault(each.delivery_option_id, {})[each.carrier_text] = kept
        return by_option

    def write(self, about: str, document: Any, merchant_id: int) -> None:
        CarrierMapping.objects.filter(source_store=int(about)).delete()
        CarrierMapping.objects.bulk_create(
            CarrierMapping(
                merchant_id=merchant_id, source_store_id=int(about), delivery_option_id=option, carrier_text=text,
                **said,
            )
            for option, carriers in document.items()
            for text, said in carriers.items()
        )  # fmt: skip


@dataclass(frozen=True)
class _Links:
    """Only those made by hand: what is found by itself is found again."""

    def read(self, about: str) -> Any:
        links = ProductLink.objects.filter(store=int(about), is_manual=True).order_by("sku")
        return {
            link.sku: {"variant_id": link.variant_id, "title": link.title, "components": link.components}
            for link in links
        }

    def write(self, about: str, document: Any, merchant_id: int) -> None:
        ProductLink.objects.filter(store=int(about), is_manual=True).delete()
        ProductLink.objects.filter(store=int(about), sku__in=document).delete()
        moment = ConnectedStore.objects.values_list("connected_at", flat=True).get(pk=int(about))
        ProductLink.objects.bulk_create(
            ProductLink(
                merchant_id=merchant_id, store_id=int(about), sku=sku, is_manual=True, checked_at=moment, **said
            )
            for sku, said in document.items()
        )


@dataclass(frozen=True)
class _Store:
    def read(self, about: str) -> Any:
        return ConnectedStore.objects.values_list("options", flat=True).get(pk=int(about))

    def write(self, about: str, document: Any, merchant_id: int) -> None:
        ConnectedStore.objects.filter(pk=int(about)).update(options=document)


@dataclass(frozen=True)
class _Sync:
    def read(self, about: str) -> Any:
        setup = Setup.objects.filter(store=int(about)).first()
        return {"is_on": bool(setup and setup.switched_on_at)}

    def write(self, about: str, document: Any, merchant_id: int) -> None:
        raise CannotRestore("Order sync is switched on and off on the dashboard.")


@dataclass(frozen=True)
class _OfMerchant:
    """One column of the merchant's own rules."""

    column: str

    def read(self, about: str) -> Any:
        return MerchantRules.objects.values_list(self.column, flat=True).first() or {}

    def write(self, about: str, document: Any, merchant_id: int) -> None:
        MerchantRules.objects.keep(merchant_id=merchant_id, **{self.column: document})


class _Aftersales:
    def read(self, about: str) -> Any:
        return Setup.objects.filter(store=int(about)).values_list("aftersales", flat=True).first() or {}

    def write(self, about: str, document: Any, merchant_id: int) -> None:
        Setup.objects.update_or_create(
            store_id=int(about), defaults={"aftersales": document}, create_defaults={
                "aftersales": document, "merchant_id": merchant_id,
            },
        )  # fmt: skip


_DOCUMENTS: Mapping[Concern, Document] = {
    Concern.ROUTES: _Routes(),
    Concern.RULES: _Rules(),
    Concern.SHIPPING: _Shipping(),
    Concern.CARRIERS: _Carriers(),
    Concern.LINKS: _Links(),
    Concern.STORE: _Store(),
    Concern.SYNC: _Sync(),
    Concern.DEADLINES: _OfMerchant("deadlines"),
    Concern.ALERTS: _OfMerchant("alerts"),
    Concern.AFTERSALES: _Aftersales(),
}


def _route_of(about: str) -> Route | None:
    source, destination = about.split("-")
    return Route.objects.filter(source_store=int(source), destination_store=int(destination)).first()


def _require_stores(ids: Sequence[int]) -> None:
    there = set(ConnectedStore.objects.filter(pk__in=ids).values_list("pk", flat=True))
    if missing := [each for each in ids if each not in there]:
        raise CannotRestore(f"{len(missing)} of the stores it names are no more. Connect them again first.")
