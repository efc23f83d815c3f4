"""The order's copy in a store: found or made, once, and only while the source still wants it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from accounts.access import merchant_rows
from accounts.rows import Rows
from connectors.base import snapshot
from connectors.base.connector import Destination
from connectors.base.errors import (
    PlatformError,
)
from connectors.base.types import LineItem, OrderDraft, PlatformOrder
from connectors.registry import label_of
from connectors.speaking import speaking_to_destination
from orders import copying, guard, locating, looking, outbox, placing, products, releasing, sent, terms, unsent
from orders.admission import is_ours_to_ship
from orders.drafting import make_draft
from orders.models import Attention, Mirror, MirrorState, Order, OrderState, OutboxItem, OutboxStatus
from orders.notes import UNMAPPED_TAG
from orders.placing import Creation
from orders.products import Links
from orders.rules import RouteRules
from orders.states import advance, ask_for_attention, note
from orders.wanted import is_wanted, left_of, wanted_of
from orders.work import READ_ORDERS, READ_STORES, Drain, Work, fail, marked_until, still_open

# How long an idempotency key is surely remembered; Squarespace promises "a while" (2026-11), we count on half a day.
KEY_LIFE = timedelta(hours=12)
_MIRRORS = Rows(
    Mirror,
    "select {columns} from orders_mirror t where t.order_id = any(%(ids)s::bigint[]) and t.store_id = %(store)s",
)
_NOT_SHOWN = "The store has not shown the order yet; it is looked for again"


class CreateStep:
    """Carry out CREATE_ORDER: read the orders again, look for them in the store, create those that are surely absent.

    May be repeated: what is there is adopted.
    """

    def load(self, items: Sequence[OutboxItem], drain: Drain) -> list[Creation]:
        store, ids = drain.store, [item.order_id for item in items]
        orders = {order.pk: order for order in READ_ORDERS(ids=ids)}
        sources = {order.source_store_id for order in orders.values()}
        stores = {source.pk: source for source in READ_STORES(ids=list(sources))}
        mirrors = {mirror.order_id: mirror for mirror in _MIRRORS(ids=ids, store=store.pk)}
        done = [item for item in items if mirrors[item.order_id].state == MirrorState.CREATED]
        if done:
            outbox.settle_done(items=done, now=drain.clock())
        said = terms.read(store, sources)
        linked = _linked(orders.values(), said, drain)
        creations = []
        for item in items:
            order, mirror = orders[item.order_id], mirrors[item.order_id]
            order.source_store, mirror.store, mirror.order = stores[order.source_store_id], store, order
            creations.append(
                Creation(
                    item=item,
                    order=order,
                    mirror=mirror,
                    terms=said,
                    linked=linked[said.rules_of(order).sku_case_matters],
                    is_settled=mirror.state == MirrorState.CREATED,
                )
            )
        return creations

    def prepare(self, works: Sequence[Work], drain: Drain) -> None:
        creations = [work for work in works if isinstance(work, Creation)]
        guard.read_all_again(works=creations, drain=drain)
        try:
            with speaking_to_destination(drain.store, clock=drain.clock, pace=drain.pace) as destination:
                looking.look(still_open(creations), destination, drain)
                _decide(still_open(creations), destination, drain.clock())
        except PlatformError as error:
            fail(creations, error)
        _mark(still_open(creations), drain)

    def call(self, work: Work) -> None:
        assert isinstance(work, Creation)
        assert work.destination is not None
        assert work.draft is not None
        with outbox.answer_of(item=work.item):
            placed = work.destination.create_order(work.draft, reference=work.item.reference)
            work.placed = replace(placed, remarks=work.draft.remarks + placed.remarks)

    def settle(self, works: Sequence[Work], drain: Drain) -> None:
        made = [work for work in works if isinstance(work, Creation) and work.placed is not None]
        _keep(made, drain)
        _flag([each for each in made if each.draft is not None and UNMAPPED_TAG in each.draft.tags], drain)

    def follow(self, works: Sequence[Work], drain: Drain) -> None:
        """Nothing."""


def _linked(orders: Iterable[Order], said: terms.Terms, drain: Drain) -> dict[bool, Links]:
    """The links of the orders' SKUs that are kept, by whether case matters."""
    skus: dict[bool, set[str]] = {}
    for order in orders:
        skus.setdefault(said.rules_of(order).sku_case_matters, set()).update(snapshot.skus_in(order.snapshot))
    return {
        case_matters: products.linked_now(store=drain.store, skus=some, now=drain.clock(), case_matters=case_matters)
        for case_matters, some in skus.items()
    }


def _keep(made: Sequence[Creation], drain: Drain) -> None:
    """Write down what is in the store now, together with what follows it: where TikTok holds or ships the order, and
    where a location was chosen for it."""
    placing.keep(made, drain)
    for creation in made:
        if creation.is_settled and _is_followed(creation):
            _follow(creation, drain.clock())


def _is_followed(creation: Creation) -> bool:
    is_elsewhere = creation.seen is not None and not is_ours_to_ship(creation.seen)
    return creation.mirror.is_held or is_elsewhere or locating.is_chosen(creation.mirror)


def _follow(creation: Creation, now: datetime) -> None:
    order, draft, mirror = creation.order, creation.draft, creation.mirror
    is_complete = draft is not None and not draft.is_on_hold
    if mirror.is_held:
        releasing.follow_made(order=order, mirror=mirror, is_complete=is_complete, now=now)
    if is_complete or not mirror.is_held:  # else it is moved when it is let go
        locating.follow_made(order=order, mirror=mirror, now=now)
    if not mirror.is_held and creation.seen is not None and not is_ours_to_ship(creation.seen):
        copying.follow_made(order=order, seen=creation.seen, now=now)


def _decide(creations: Sequence[Creation], destination: Destination, now: datetime) -> None:
    """Draft what is surely absent and wanted; name why the rest waits."""
    wanted: list[Creation] = []
    for creation in creations:
        if creation.placed is not None:
            continue
        try:
            assert creation.seen is not None
            _wait_until_sure(item=creation.item, destination=destination, now=now)
            left = wanted_of(order=creation.order, seen=creation.seen, mirror=creation.mirror)
            creation.seen, creation.part = left.order, left.part
            if is_wanted(order=creation.order, seen=creation.seen, mirror=creation.mirror):
                wanted.append(creation)
            else:  # a repeated key would do no harm, but a call that is carried out after this would
                outbox.require_sure(item=creation.item, now=now, what=_NOT_SHOWN)
                _withdraw(item=creation.item, mirror=creation.mirror, now=now)
                creation.is_settled = True
        except Exception as error:  # one order that cannot be judged stops no other
            creation.error = error
    _draft(wanted, destination, now)


def _draft(creations: Sequence[Creation], destination: Destination, now: datetime) -> None:
    found = _found_for(creations, destination, now)
    for creation in creations:
        assert creation.seen is not None
        try:
            mirror, order, said = creation.mirror, creation.order, creation.terms
            linked = found[said.rules_of(order).sku_case_matters]
            rules = said.of(mirror, order, found=linked, features=destination.features)
            creation.draft, creation.destination = make_draft(creation.seen, rules, part=creation.part), destination
        except Exception as error:  # one order that cannot be drafted stops no other
            creation.error = error


def _found_for(creations: Sequence[Creation], destination: Destination, now: datetime) -> dict[bool, products.Found]:
    """What stands for the lines of these, by whether case matters; what is not linked yet is asked for together."""
    lines: dict[bool, list[LineItem]] = {}
    linked: dict[bool, Links] = {}
    for creation in creations:
        assert creation.part is not None
        case_matters = creation.terms.rules_of(creation.order).sku_case_matters
        lines.setdefault(case_matters, []).extend(creation.part.lines)
        linked[case_matters] = creation.linked
    return {
        case_matters: products.look_up(
            store=creations[0].mirror.store,
            lines=some,
            destination=destination,
            now=now,
            case_matters=case_matters,
            linked=linked[case_matters],
        )
        for case_matters, some in lines.items()
    }


def _mark(creations: Sequence[Creation], drain: Drain) -> None:
    """Say first that the calls are made: nothing is sent for an item that someone else took meanwhile."""
    drafted = [creation for creation in creations if creation.draft is not None]
    if not drafted:
        return
    send_by = marked_until()
    with merchant_rows(drain.store.merchant_id):
        ours = outbox.mark_sending(items=[each.item for each in drafted], now=drain.clock())
        marked = [(each.mirror, each.draft) for each in drafted if each.item in ours and each.draft is not None]
        sent.keep(marked, settings_number=drafted[0].terms.number)
    for creation in drafted:
        if creation.item in ours:
            creation.mark(send_by=send_by)
        else:
            creation.error = outbox.LostLease(f"item {creation.item.pk}")


def _wait_until_sure(*, item: OutboxItem, destination: Destination, now: datetime) -> None:
    """An earlier try may still be carried out: absent is not sure before that time is over.

    Where the platform carries out a repeated key only once, nothing has to be waited for while it knows the key.
    """
    if destination.features.idempotency_key and item.sent_at is not None and now < item.sent_at + KEY_LIFE:
        return
    outbox.require_sure(item=item, now=now, what=_NOT_SHOWN)


def draft_for(
    *,
    order: Order,
    seen: PlatformOrder,
    mirror: Mirror,
    destination: Destination,
    now: datetime,
    rules: RouteRules | None = None,
) -> OrderDraft:
    """What this store will receive, under its route's rules, or under others that are tried; the dry run shows the
    same. Looks up variants that are not linked: makes calls, not inside a transaction. Raises drafting.Blocked,
    PlatformError."""
    left = left_of(order, seen, mirror)
    with merchant_rows(mirror.merchant_id):
        said = terms.read(mirror.store, {order.source_store_id})
    if rules is not None:
        said = replace(said, rules={order.source_store_id: rules})
    found = products.look_up(
        store=mirror.store,
        lines=left.part.lines,
        destination=destination,
        now=now,
        case_matters=said.rules_of(order).sku_case_matters,
    )
    rules_then = said.of(mirror, order, found=found, features=destination.features)
    return make_draft(left.order, rules_then, part=left.part)


def _flag(creations: Sequence[Creation], drain: Drain) -> None:
    """These have the default method, and are to be looked at: the order says so until a person dismisses it."""
    if not creations:
        return
    ids = [creation.order.pk for creation in creations]
    orders = Order.objects.select_for_update().filter(pk__in=ids, attention="").order_by("pk").in_bulk()
    for creation in creations:
        if creation.draft is not None and (order := orders.get(creation.order.pk)):
            option = creation.seen.delivery_option_name or creation.seen.delivery_option_id if creation.seen else ""
            method = creation.draft.charges[0].title
            facts = {"option": option, "method": method, "label": label_of(drain.store), "is_in_store": True}
            ask_for_attention(order=order, code=Attention.SHIPPING_UNMAPPED, now=drain.clock(), detail=facts)


def _withdraw(*, item: OutboxItem, mirror: Mirror, now: datetime) -> None:
    """Surely not created, and no longer wanted."""
    with merchant_rows(item.merchant_id):
        order = Order.objects.select_for_update().get(pk=item.order_id)
        outbox.settle(item=item, status=OutboxStatus.DROPPED, now=now)
        Mirror.objects.filter(pk=mirror.pk).update(state=MirrorState.DROPPED)
        note(order=order, kind="mirror.dropped", facts={"store": label_of(mirror.store)}, now=now)
        states = set(order.mirrors.values_list("state", flat=True))
        if order.state == OrderState.READY and MirrorState.PLANNED not in states and MirrorState.CREATED in states:
            advance(order=order, to=OrderState.MIRRORED, reason="The rest of it is in its store", now=now)
        elif not states & {MirrorState.PLANNED, MirrorState.CREATED}:
            unsent.end(order=order, now=now)
