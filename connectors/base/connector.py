"""The shape every platform fills in: who we are there, what it tells us, and what it can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from connectors.base.aftersales import Answer, Cancellation, GoodsBack, Reason, Refund, Return, ReturnReceipt
from connectors.base.errors import AuthorizationError, PermanentError, UnreadableAnswer, UnsupportedFeature
from connectors.base.events import PlatformEvent
from connectors.base.types import (
    CancelReceipt,
    Carrier,
    CreateRequest,
    Credentials,
    OrderDraft,
    PlacedOrder,
    PlatformOrder,
    RawRequest,
    Shipment,
    ShippingSetup,
    StoreIdentity,
    Tracking,
    TrackingReceipt,
    Variant,
)
from connectors.http import HttpClient
from connectors.pacing import Limits


@dataclass(frozen=True, slots=True)
class Features:
    """What a platform can do. False means: cannot be said there, so we say "not available on this store".

    `notes` has a sentence for whichever of these needs one: why not, or within which limits.
    """

    webhooks: bool = False  # it tells us of changes; else it is asked every few minutes
    search_by_reference: bool = False  # an order can be found by the source's order id
    idempotency_key: bool = False  # a repeated create with the same key is carried out once
    hold: bool = False  # an order can be kept back there
    cancel: bool = False  # an order can be cancelled there by us
    partial_cancel: bool = False  # single items of an order can be cancelled there by us
    returns: bool = False  # goods that come back can be recorded there
    partial_fulfillment: bool = False  # it says which items are in which parcel
    refunds: bool = False  # a refund can be recorded there
    custom_lines: bool = False  # an item without a product can be ordered
    sku_search: bool = False  # a variant can be asked for by SKU; else the catalog is read into an index
    amounts: bool = False  # the order there has prices and totals
    numbers: bool = False  # the order can be given a number of ours
    emails: bool = False  # the order there has an e-mail address
    tags: bool = False  # the order there has tags, or fields that hold them
    order_notes: bool = False  # the order there has a note
    stock: bool = False  # an order can leave the stock alone, or be refused where there is too little
    locations: bool = False  # an order can be given to one of the store's locations
    store_tax: bool = False  # the store reckons the tax of such an order itself
    without_address: bool = False  # an order can be created that says no address, since the source ships it
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrackingRules:
    """What a source lets be done with tracking numbers."""

    changes: int = 0  # how often the numbers of one order may be changed after they were sent
    change_within: timedelta = timedelta()  # counted from when the number was sent first
    support_within: timedelta = timedelta()  # counted from the order: later changes are asked of its support
    orders_per_number: int = 1  # how many orders of one buyer at one address may share a number
    foreign_numbers: int | None = None  # so many numbers of other carriers from a store with `own_carrier` are too many


@dataclass(frozen=True, slots=True)
class Setting:
    """One of the platform's settings in the environment: its suffix, whether it is secret, and the real value.

    `hosts` are the only hosts production accepts for a base URL; a leading dot allows subdomains. `fills` are what may
    stand for a {placeholder} in it.
    """

    name: str
    default: str = ""
    is_required: bool = False
    is_secret: bool = False
    hosts: tuple[str, ...] = ()
    fills: tuple[str, ...] = ()
    help: str = ""


@dataclass(frozen=True, slots=True)
class StoreOption:
    """A choice the merchant has for one store: its values with their labels, the first being the default."""

    name: str
    label: str
    help: str
    choices: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What the connect page has to send the browser to. `shop` is what the merchant named or chose, where needed;
    `carried` are those parameters of a landing that the connector listed in its own `carried`."""

    state: str
    redirect_url: str
    shop: str = ""
    carried: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuthorizationAnswer:
    """What the callback brought: the code, the state (empty on an install that the platform started), the shop.

    `redirect_url` is the one the journey began with. `extra` is whatever else the exchange needs.
    """

    code: str
    state: str
    shop: str = ""
    error: str = ""
    redirect_url: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """What `ensure_webhooks` did: the topics it subscribed, and the signing secret where a new one was made."""

    made: tuple[str, ...] = ()
    secret: str = field(default="", repr=False)


class Connector(ABC):
    """One platform, for one store. Reads no settings and no database: everything it needs is handed in."""

    platform: ClassVar[str]
    label: ClassVar[str]
    features: ClassVar[Features]
    settings: ClassVar[tuple[Setting, ...]]
    limits: ClassVar[Limits]
    scopes: ClassVar[tuple[str, ...]]
    scope_names: ClassVar[Mapping[str, str]] = {}  # what a permission is for, in a word: "Orders"
    private_keys: ClassVar[frozenset[str]] = frozenset()
    initials: ClassVar[str] = ""  # on the store's tile, where the first letter is not its own
    needs: ClassVar[tuple[str, ...]] = ()  # what a merchant must have there, in sentences
    options: ClassVar[tuple[StoreOption, ...]] = ()
    renews_itself: ClassVar[bool] = False  # the authorization goes on without the merchant while we use it
    # Asked before the journey begins: a free text where there are no choices, nothing where there is no label.
    shop_label: ClassVar[str] = ""
    shop_help: ClassVar[str] = ""
    shop_placeholder: ClassVar[str] = ""
    shop_choices: ClassVar[tuple[tuple[str, str], ...]] = ()
    # Parameters of a landing on the connect page that the platform sent the browser to. The first marks a landing.
    carried: ClassVar[tuple[str, ...]] = ()
    is_landing_signed: ClassVar[bool] = False  # then read_callback verifies it, and the journey begins without a click
    has_store_secret: ClassVar[bool] = False  # webhooks are signed with credentials.extra["webhook_secret"]

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
    def ensure_webhooks(self, address: str) -> Subscriptions: ...

    def leave(self, address: str) -> bool:
        """Undo what connecting made there, before the tokens are forgotten: whether access is revoked at the platform.

        False, by default: the merchant removes the app there.
        """
        return False


class Source(Connector):
    """Where buyers order. An order that cannot be read stands in an answer as its own UnreadableAnswer, naming its id:
    one bad order never hides the others."""

    tracking_rules: ClassVar[TrackingRules] = TrackingRules()

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
    def shipping_setup(self) -> ShippingSetup: ...
    @abstractmethod
    def cancel_order(
        self, external_id: str, *, reason: str, line_quantities: Mapping[str, int] | None = None
    ) -> CancelReceipt:
        """Cancel as the seller: the whole order, or these units of its lines where the source permits that; it raises
        UnsupportedFeature in plain words where not. May be repeated: what is cancelled already is no failure.

        `reason` is a `Reason.key` of `cancel_reasons`, or what it means in any market: out_of_stock, pricing_error,
        unable_to_deliver, buyer_requested."""

    @abstractmethod
    def list_variants(self) -> Iterator[Variant]: ...

    # After the sale. What is read comes oldest first.
    def cancel_reasons(self, order: PlatformOrder) -> list[Reason]:
        """The reasons for which the seller may cancel this order now; none where it may not."""
        raise UnsupportedFeature(f"{self.label} names no reasons")

    def cancellations_of(self, order_ids: Sequence[str]) -> list[Cancellation]:
        """Every cancellation of these orders, past ones and requests included."""
        raise UnsupportedFeature(f"{self.label} tells of no cancellations")

    def cancellations_updated_since(self, moment: datetime, *, until: datetime) -> Iterator[Cancellation]:
        raise UnsupportedFeature(f"{self.label} tells of no cancellations")

    def answer_cancellation(
        self, external_id: str, *, accepts: bool, reference: str, reason: str = "", comment: str = ""
    ) -> None:
        """Answer a buyer's request. May be repeated: what was answered so before is no failure. Raises PermanentError
        where it was answered otherwise."""
        raise UnsupportedFeature(f"{self.label} takes no answer to a cancellation")

    def returns_of(self, order_ids: Sequence[str]) -> list[Return]:
        """Every return, refund, replacement and exchange of these orders."""
        raise UnsupportedFeature(f"{self.label} tells of no returns")

    def returns_updated_since(self, moment: datetime, *, until: datetime) -> Iterator[Return]:
        raise UnsupportedFeature(f"{self.label} tells of no returns")

    def reject_reasons(self, external_id: str) -> list[Reason]:
        """The reasons for which this request, of a cancellation or a return, may be refused."""
        raise UnsupportedFeature(f"{self.label} names no reasons")

    def answer_return(self, external_id: str, answer: Answer, *, reference: str) -> None:
        """Answer a return. May be repeated: what was answered so before is no failure."""
        raise UnsupportedFeature(f"{self.label} takes no answer to a return")

    def change_tracking(self, order: PlatformOrder, tracking: Tracking) -> TrackingReceipt:
        """Change the number or the carrier of the parcel `tracking.package_ids` that was sent before, where
        `tracking_rules` allow it. `order` is a fresh reading."""
        raise UnsupportedFeature(f"{self.label} lets no tracking number be changed")


class Destination(Connector):
    """Where merchants fulfill. `shipping_methods` are the only codes it takes, with titles; none means free text."""

    shipping_methods: ClassVar[tuple[tuple[str, str], ...]] = ()
    create_operation: ClassVar[str] = "orders.create"  # the call of `create_order` that its pace is reckoned by
    finds_by_reading: ClassVar[bool] = False  # recent orders are read through, so that many are found by one reading
    # Another app's order for the same number is seen by `find_orders` alone, which reads the recent orders.
    finds_others_by_reading: ClassVar[bool] = False
    own_carrier: ClassVar[str] = ""  # as its parcels name it, where the platform's warehouses have their own

    @abstractmethod
    def find_order(self, reference: str, *, since: datetime) -> PlacedOrder | None: ...
    @abstractmethod
    def rendered(self, draft: OrderDraft, *, reference: str) -> CreateRequest:
        """The very request that `create_order` sends, of which nothing depends on the moment. Makes no call. Raises
        UnsupportedFeature or PermanentError for a draft that the platform would refuse."""

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
    @abstractmethod
    def list_variants(self) -> Iterator[Variant]: ...

    def find_orders(self, references: Sequence[str], *, since: datetime) -> dict[str, PlacedOrder | PermanentError]:
        """Those of these references that are there, or why one cannot be told. Raises PlatformError where a look-up
        failed: that is never "absent". Overridden where a platform can be asked for many at once."""
        found: dict[str, PlacedOrder | PermanentError] = {}
        for reference in references:
            try:
                placed = self.find_order(reference, since=since)
            except AuthorizationError:
                raise
            except PermanentError as error:
                found[reference] = error
                continue
            if placed is not None:
                found[reference] = placed
        return found

    def hold_order(self, external_id: str) -> None:
        """Keep the order's goods back until `release_order`. May be repeated. Raises OutcomeUnknown if it may be done
        yet, which must not be after the release. Only where `features.hold` says so."""
        raise UnsupportedFeature(f"{self.label} keeps no order back")

    def release_order(self, external_id: str, draft: OrderDraft) -> None:
        """Fill in what was not known while it was held, mark it as paid, and let the goods go, in this order. May be
        repeated. Only where `features.hold` says so."""
        raise UnsupportedFeature(f"{self.label} keeps no order back")

    def resume_order(self, external_id: str) -> None:
        """Let the goods go that `hold_order` kept back, and change nothing else. May be repeated."""
        raise UnsupportedFeature(f"{self.label} keeps no order back")

    def cancel_lines(
        self, external_id: str, line_quantities: Mapping[str, int], *, reason: str, restock: bool, reference: str
    ) -> CancelReceipt:
        """Cancel these units, by the source's line id, before they leave. May be repeated: looks for the reference.
        Only where `features.partial_cancel` says so. Raises PermanentError, ALREADY_CANCELLED where it is too late."""
        raise UnsupportedFeature(f"{self.label} cancels no single items")

    def record_return(self, external_id: str, goods: GoodsBack, *, reference: str) -> ReturnReceipt:
        """Write down that goods come back; nobody is told and no money moves. May be repeated: looks for the
        reference. Only where `features.returns` says so."""
        raise UnsupportedFeature(f"{self.label} records no returns")

    def close_return(self, external_id: str, return_id: str, *, has_arrived: bool, restock: bool) -> ReturnReceipt:
        """Close what `record_return` wrote down: the goods arrived, or it came to nothing. May be repeated; an empty
        `return_id` is nothing to close."""
        raise UnsupportedFeature(f"{self.label} records no returns")

    def move_order(self, external_id: str, location_id: str) -> None:
        """Have this location of the store ship what of the order is still to be shipped. May be repeated: what is there
        already stays. Only where `features.locations` says so. Raises PermanentError, NOT_SUPPORTED where that location
        cannot ship it: the order is as it was."""
        raise UnsupportedFeature(f"{self.label} chooses the location itself")

    def record_shipment(self, external_id: str, shipment: Shipment) -> None:
        """Write into the order that a parcel of it left elsewhere; the buyer is told nothing. Its `lines` name the
        source's line ids; None means all that is open. Not repeatable: look at `shipments_of` first."""
        raise UnsupportedFeature(f"{self.label} records no parcel that left elsewhere")

    def preview(self, draft: OrderDraft) -> tuple[str, ...]:
        """What the platform says it would make of this order, in sentences. Changes nothing there."""
        return ()
