"""The pages on which a merchant says what each SKU of TikTok Shop means in a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import member_required, merchant_rows
from accounts.models import Membership, Role
from connectors.models import ConnectedStore, StorePart, StoreState
from orders import catalogs, linkcsv, linking, queue, versions
from orders.components import Component
from orders.matches import sources_of
from orders.models import Route
from orders.proposals import Proposal
from orders.queries import products as queries
from orders.queries.settings import stores_by_use
from orders.views.outlook import Outlook, outlook_on_orders
from orders.views.pages import membership_of, shop_time, store_or_404


@require_safe
@never_cache
@member_required()
def home(request: HttpRequest) -> HttpResponse:
    """The products of the store that the shop that is switched on sends to, or how to get one."""
    with merchant_rows(membership_of(request).merchant_id):
        stores = stores_by_use()
    if stores:
        return redirect("store_products", stores[0].pk)
    return render(request, "products/none.html")


@require_safe
@never_cache
@member_required()
def product_list(request: HttpRequest, store_id: int) -> HttpResponse:
    """Every SKU of the source, and what it is in this store."""
    membership = membership_of(request)
    with shop_time(membership):
        context = queries.product_page(
            merchant_id=membership.merchant_id,
            store_id=store_id,
            query=request.GET.dict(),
            can_manage=membership.role != Role.VIEWER,
            now=timezone.now(),
        )
        return render(request, "products/list.html", context)


@require_safe
@never_cache
@member_required()
def catalog_progress(request: HttpRequest, store_id: int) -> HttpResponse:
    """How far the catalogs are; the whole page again once they are read."""
    store = _store(request, store_id)
    with shop_time(membership_of(request)), merchant_rows(store.merchant_id):
        shown = queries.readings_of(store, sources_of(store), now=timezone.now())
        if shown["is_reading"]:
            return render(request, "products/_catalogs.html", {**shown, "store": {"id": store.pk}})
    return HttpResponse(headers={"HX-Refresh": "true"})


@require_POST
@member_required(at_least=Role.MANAGER)
def read_catalogs(request: HttpRequest, store_id: int) -> HttpResponse:
    """Have the catalogs of both sides read now."""
    store, now = _store(request, store_id), timezone.now()
    with merchant_rows(store.merchant_id):
        wanted = ConnectedStore.objects.filter(pk__in=[store.pk, *sources_of(store)], state=StoreState.CONNECTED)
        stores = list(wanted.order_by("pk"))
        for each in stores:
            catalogs.ask_for(store=each, now=now)
            queue.enqueue("read_catalog", each.pk)
    names = " and ".join(each.name for each in stores)
    if stores:
        messages.success(request, f"The catalogs of {names} are read now. What fits by SKU is linked by itself.")
    else:
        messages.error(request, f"{store.name} has to be reconnected first. Nothing was read.")
    return redirect("store_products", store_id)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required(at_least=Role.MANAGER)
def link(request: HttpRequest, store_id: int) -> HttpResponse:
    """Say what a SKU means: a variant, or several with quantities. Each press of a button but the last one changes
    only the draft, which the page carries."""
    store = _store(request, store_id)
    given = request.POST if request.method == "POST" else request.GET
    sku, search = _text(given.get("sku", ""), 200), _text(given.get("q", ""), 100)
    if not sku:
        messages.error(request, "An item without a SKU cannot be linked. Give it one in Seller Center.")
        return redirect("store_products", store_id)
    if request.method != "POST":
        with merchant_rows(store.merchant_id):
            return render(
                request, "products/link.html", queries.link_page(store=store, sku=sku, parts=None, search=search)
            )
    try:
        parts = _draft(request, store)
        error = ""
        if given.get("do") == "save":
            return _saved(request, store, sku, parts)
    except linking.LinkRefused as refused:
        parts, error = refused.parts, str(refused)
    with merchant_rows(store.merchant_id):
        shown = queries.link_page(store=store, sku=sku, parts=parts, search=search, error=error)
    outlook = _outlook(store, {sku: parts}) if parts and shown["is_draft"] else None
    if outlook and given.get("step") == "csv":
        return outlook.table("product-link")
    with shop_time(membership_of(request)):
        shown["effect"] = outlook.context(given) if outlook else None
        return render(request, "products/link.html", shown, status=400 if error else 200)


def _outlook(store: ConnectedStore, links: Mapping[str, Sequence[Component]]) -> Outlook | None:
    """What these links would have done to the orders of the last 30 days; None where none go to this store."""
    with merchant_rows(store.merchant_id):
        routes = list(Route.objects.select_related("source_store", "destination_store").filter(destination_store=store))
        number = (versions.latest_number(store.merchant_id) or 0) + 1
    if not routes or not links:
        return None
    proposals = [(route, Proposal(links=links)) for route in routes]
    return outlook_on_orders(merchant_id=store.merchant_id, proposals=proposals, number=number, now=timezone.now())


@require_POST
@member_required(at_least=Role.MANAGER)
def unlink(request: HttpRequest, store_id: int) -> HttpResponse:
    """Take back what a person said of a SKU."""
    store, sku, now = _store(request, store_id), _text(request.POST.get("sku", ""), 200), timezone.now()
    with merchant_rows(store.merchant_id):
        made = linking.remove_link(store=store, sku=sku, by=_name(membership_of(request)), now=now)
    if made.is_change:
        linking.auto_link(store=store, now=now)
        messages.success(
            request, f"{sku} is no longer linked by hand. If {store.name} has this SKU once, that is used."
        )
    else:
        messages.error(request, f"{sku} was not linked by hand. Nothing was changed.")
    return redirect("store_products", store_id)


@require_safe
@never_cache
@member_required()
def export(request: HttpRequest, store_id: int) -> HttpResponse:
    """All links, and what is to be linked, as CSV."""
    store = _store(request, store_id)
    with merchant_rows(store.merchant_id):
        content = linkcsv.write(store=store)
    answer = HttpResponse(content, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="product-links-{store.pk}.csv"'
    return answer


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required(at_least=Role.MANAGER)
def import_links(request: HttpRequest, store_id: int) -> HttpResponse:
    """Links from CSV: first what the file would do, line by line; then, on a second word, its good lines are saved."""
    store = _store(request, store_id)
    page_url = reverse("links_import", args=[store.pk])
    context = {"store": {"id": store.pk, "label": store.name}, "most_rows": linkcsv.MOST_ROWS, "page_url": page_url}
    if request.method != "POST":
        return render(request, "products/import.html", context)
    sent = request.FILES.get("file")
    content = sent.read(linkcsv.MOST_BYTES + 1) if sent else request.POST.get("content", "").encode()
    try:
        if not content:
            raise linkcsv.Unreadable("Choose a file first.")
        with merchant_rows(store.merchant_id):
            report = linkcsv.judge(store=store, content=content)
        if "save" in request.POST and report.links:
            return _imported(request, store, report)
    except (linkcsv.Unreadable, linking.LinkRefused) as error:
        return render(request, "products/import.html", {**context, "error": str(error)}, status=400)
    counts = {outcome.value: report.count(outcome) for outcome in linkcsv.Outcome}
    lines = sorted(report.lines, key=lambda line: line.outcome is not linkcsv.Outcome.REFUSED)
    outlook = _outlook(store, report.links)
    if outlook and request.POST.get("step") == "csv":
        return outlook.table("product-links")
    with shop_time(membership_of(request)):
        shown = {
            **context,
            "lines": lines[:500],
            "left_out": len(lines[500:]),
            "counts": counts,
            "skus": len(report.links),
            "content": linkcsv.text_of(content),
            "effect": outlook.context(request.POST) if outlook else None,
        }
        return render(request, "products/import.html", shown)


def _imported(request: HttpRequest, store: ConnectedStore, report: linkcsv.Report) -> HttpResponse:
    by = _name(membership_of(request))
    count = linking.link_now(store=store, links=report.links, by=by, now=timezone.now())
    refused = report.count(linkcsv.Outcome.REFUSED)
    left = f" {refused} line{'s were' if refused > 1 else ' was'} refused and left out." if refused else ""
    skus = len(report.links)
    messages.success(request, f"{skus} SKU{'s' if skus > 1 else ''} linked.{left} {linking.orders_go_on(count)}")
    return redirect("store_products", store.pk)


def _saved(request: HttpRequest, store: ConnectedStore, sku: str, parts: list[Component]) -> HttpResponse:
    """Raises LinkRefused."""
    try:
        by = _name(membership_of(request))
        count = linking.link_now(store=store, links={sku: parts}, by=by, now=timezone.now())
    except linking.LinkRefused as refused:
        raise linking.LinkRefused(str(refused), parts=parts) from refused
    messages.success(request, f"{sku} is linked to {linking.title_of(parts)}. {linking.orders_go_on(count)}")
    order = request.POST.get("order", "")
    if order.isascii() and order.isdigit() and len(order) < 19:
        return redirect("order", int(order))
    return redirect(f"{reverse('store_products', args=[store.pk])}")


def _draft(request: HttpRequest, store: ConnectedStore) -> list[Component]:
    """What the form has, with the change that the pressed button makes. Raises LinkRefused."""
    do, _, named = request.POST.get("do", "").partition(":")
    ids, quantities = request.POST.getlist("variant")[: linking.MOST_COMPONENTS], request.POST.getlist("quantity")
    wanted: dict[str, int] = {}
    wrong = ""
    for variant_id, text in zip(ids, quantities, strict=False):
        if do == "remove" and variant_id == named:
            continue
        is_whole = text.isascii() and text.isdigit() and len(text) < 4 and int(text) > 0
        wrong = wrong or ("" if is_whole else f"A quantity is a whole number from 1 to {linking.MOST_QUANTITY}.")
        wanted[_text(variant_id, 100)] = int(text) if is_whole else 1
    if do == "add" and named:
        variant_id = _text(named, 100)
        wanted[variant_id] = wanted.get(variant_id, 0) + 1
    with merchant_rows(store.merchant_id):
        parts = linking.chosen(store=store, wanted=wanted.items())
    if wrong and do == "save":
        raise linking.LinkRefused(wrong, parts=parts)
    return parts


def _store(request: HttpRequest, store_id: int) -> ConnectedStore:
    """A store of this merchant that orders go to. Raises Http404."""
    with merchant_rows(membership_of(request).merchant_id):
        return store_or_404(store_id, StorePart.DESTINATION)


def _name(membership: Membership) -> str:
    return membership.user.name or membership.user.email


def _text(value: str, most: int) -> str:
    """What a form said, as PostgreSQL can have it."""
    return value.replace("\0", "").strip()[:most]
