"""The shape every platform fills in: who we are there, what it tells us, and what it can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from connectors.base.errors import UnreadableAnswer
from connectors.base.events import PlatformEvent
from connectors.base.types import (
    CancelReceipt,
    Carrier,
    Credentials,
    OrderDraft,
    PlacedOrder,
    PlatformOrder,
    RawRequest,
    Refund,
    Shipment,
    StoreIdentity,
    Tracking,
    TrackingReceipt,
    Variant,
)
from connectors.http import HttpClient


@dataclass(frozen=True, slots=True)
class Features:
    """What a platform can do. False means: cannot be said there, so we say "not available on this store"."""

    webhooks: bool = False
    search_by_reference: bool = False
    idempotency_key: bool = False
    hold: bool = False
    cancel: bool = False
    partial_fulfillment: bool = False
    refunds: bool = False
    custom_lines: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """One of the platform's settings in the environment: its suffix, whether it is secret, and the real value.

    `hosts` are the only hosts production accepts for a base URL; a leading dot allows subdomains.
    """

    name: str
    default: str = ""
    is_required: bool = False
    is_secret: bool = False
    hosts: tuple[str, ...] = ()
    help: str = ""


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What the connect page has to send the browser to. `shop` is the domain a merchant named, where one is needed."""

    state: str
    redirect_url: str
    shop: str = ""


@dataclass(frozen=True, slots=True)
class AuthorizationAnswer:
    """What the callback brought: the code, the state (empty on an install that the platform started), the shop."""

    code: str
    state: str
    shop: str = ""
    error: str = ""


class Connector(ABC):
    """One platform, for one store. Reads no settings and no database: everything it needs is handed in."""

    platform: ClassVar[str]
    label: ClassVar[str]
    features: ClassVar[Features]
    settings: ClassVar[tuple[Setting, ...]]
    scopes: ClassVar[tuple[str, ...]]
    private_keys: ClassVar[frozenset[str]] = frozenset()
    needs_shop: ClassVar[bool] = False

    def __init__(
        self,
        *,
        config: Mapping[str, str],
        http: HttpClient,
        clock: Callable[[], datetime],
        store: StoreIdentity | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self.config = config
        self.http = http
        self.clock = clock
        self.store = store
        self.credentials = credentials

    # Authorization
    @abstractmethod
    def authorize_url(self, request: AuthorizationRequest) -> str: ...
    @abstractmethod
    def read_callback(self, request: RawRequest) -> AuthorizationAnswer: ...
    @abstractmethod
    def exchange_code(self, answer: AuthorizationAnswer) -> Credentials: ...
    @abstractmethod
    def refresh(self) -> Credentials: ...
    @abstractmethod
    def list_stores(self) -> list[StoreIdentity]: ...

    # Webhooks
    @abstractmethod
    def store_of(self, request: RawRequest) -> str: ...
    @abstractmethod
    def verify_webhook(self, request: RawRequest) -> None: ...
    @abstractmethod
    def delivery_key(self, request: RawRequest) -> str: ...
    @abstractmethod
    def parse_webhook(self, request: RawRequest) -> list[PlatformEvent]: ...
    @abstractmethod
    def ensure_webhooks(self, address: str) -> list[str]: ...


class Source(Connector):
    """Where buyers order. An order that cannot be read stands in an answer as its own UnreadableAnswer, naming its id:
    one bad order never hides the others."""

    @abstractmethod
    def fetch_orders(self, external_ids: Sequence[str]) -> list[PlatformOrder | UnreadableAnswer]: ...
    @abstractmethod
    def orders_updated_since(
        self, moment: datetime, *, until: datetime
    ) -> Iterator[PlatformOrder | UnreadableAnswer]: ...
    @abstractmethod
    def push_tracking(self, order: PlatformOrder, tracking: Tracking) -> TrackingReceipt: ...
    @abstractmethod
    def carriers(self, delivery_option_id: str) -> list[Carrier]: ...
    @abstractmethod
    def cancel_order(self, external_id: str, *, reason: str) -> CancelReceipt: ...


class Destination(Connector):
    """Where merchants fulfill."""

    @abstractmethod
    def find_order(self, reference: str) -> PlacedOrder | None: ...
    @abstractmethod
    def create_order(self, draft: OrderDraft, *, reference: str) -> PlacedOrder: ...
    @abstractmethod
    def cancel_order(self, external_id: str, *, reason: str, restock: bool) -> CancelReceipt: ...
    @abstractmethod
    def record_refund(self, external_id: str, refund: Refund, *, reference: str) -> None: ...
    @abstractmethod
    def fetch_order(self, external_id: str) -> PlacedOrder | None: ...
    @abstractmethod
    def shipments_of(self, external_id: str) -> list[Shipment]: ...
    @abstractmethod
    def orders_changed_since(self, moment: datetime) -> Iterator[PlacedOrder]: ...
    @abstractmethod
    def find_variants(self, skus: Sequence[str]) -> dict[str, list[Variant]]: ...
