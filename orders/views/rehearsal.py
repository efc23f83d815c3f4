"""The dry run of the last orders: a page that fills step by step."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import member_required, merchant_rows
from accounts.models import Role
from orders import rehearsal
from orders.queries.rehearsal import rehearsal_context
from orders.queries.settings import shops_by_use
from orders.views.dashboard import shop_of
from orders.views.pages import membership_of


@require_safe
@member_required(at_least=Role.MANAGER)
def newest(request: HttpRequest) -> HttpResponse:
    """The dry run of the shop that is switched on."""
    with merchant_rows(membership_of(request).merchant_id):
        shops = shops_by_use()
    return redirect("rehearsal", shops[0].pk) if shops else redirect("dashboard")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required(at_least=Role.MANAGER)
def page(request: HttpRequest, store_id: int) -> HttpResponse:
    """POST begins a run or goes on with it, a few orders each time; GET shows how far it is. Sends nothing."""
    shop = shop_of(request, store_id)
    key = request.POST.get("run") or request.GET.get("run", "")
    run = rehearsal.found(shop=shop, key=key) if key else None
    if request.method == "POST":
        if run is None:
            size = request.POST.get("size", "")
            run = rehearsal.begin(shop=shop, size=int(size) if size in map(str, rehearsal.SIZES) else 50)
        run = rehearsal.go_on(shop=shop, run=run, clock=timezone.now)
        if not request.headers.get("HX-Request"):
            return redirect(f"{reverse('rehearsal', args=[shop.pk])}?run={run.key}")
    context = rehearsal_context(shop=shop, run=run, shown=request.POST.get("only") or request.GET.get("only", ""))
    template = "dashboard/_rehearsal.html" if request.headers.get("HX-Request") else "dashboard/rehearsal.html"
    return render(request, template, context)
