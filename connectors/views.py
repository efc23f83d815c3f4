"""Connecting a store: to the platform's consent page, back again, and away."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import AccessDenied, member_required, membership_for, memberships_of, merchant_rows
from accounts.models import Membership, Role
from connectors import oauth, registry, testing
from connectors.base.connector import AuthorizationAnswer, Connector
from connectors.base.errors import PlatformError
from connectors.models import ConnectedStore, StorePart
from connectors.webhooks import raw_request

STORES_URL = "/stores/"
INSTALL_KEY = "install"
INSTALL_LIVES = 600  # seconds
NOT_SET_UP = (
    "{0} is not set up on this installation, so no store can be connected. "
    "Whoever runs it enters an app of its own at {0} in the environment."
)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def connect(request: HttpRequest, platform: str) -> HttpResponse:
    """The page that asks for consent; POST goes there. A platform's own signed install link goes straight on."""
    kind = _platform(platform)
    is_landing = kind.is_landing_signed and kind.carried[0] in request.GET
    if request.method != "POST" and is_landing and registry.is_configured(platform):
        return _landing(request, kind)
    return _ask(request, platform=platform)


@member_required(at_least=Role.OWNER)
def _ask(request: HttpRequest, platform: str) -> HttpResponse:
    kind = _platform(platform)
    if not registry.is_configured(platform):
        return _failed(request, kind, NOT_SET_UP.format(kind.label))
    if request.method != "POST":
        context = _start_context(kind, shop=request.GET.get("shop", ""), carried=_carried(kind, request.GET))
        return render(request, "connect/start.html", context)
    return _begin(request, kind, shop=request.POST.get("shop", ""), carried=_carried(kind, request.POST))


@member_required(at_least=Role.OWNER)
def _begin_owned(request: HttpRequest, platform: str, shop: str) -> HttpResponse:
    return _begin(request, _platform(platform), shop=shop, carried={})


def _begin(request: HttpRequest, kind: type[Connector], *, shop: str, carried: dict[str, str]) -> HttpResponse:
    membership: Membership = request.membership  # type: ignore[attr-defined]
    try:
        url = oauth.begin(
            platform=kind.platform,
            merchant_id=membership.merchant_id,
            user=membership.user,
            session_key=request.session.session_key or "",
            shop=shop[:200],
            now=timezone.now(),
            carried=carried,
        )
    except oauth.ConnectError as error:
        context = {**_start_context(kind, shop=shop, carried=carried), "error": str(error)}
        return render(request, "connect/start.html", context, status=400)
    return redirect(url)


def _carried(kind: type[Connector], given: QueryDict) -> dict[str, str]:
    """What the platform wants back of a landing. The connector judges it; nothing is followed unasked."""
    return {name: str(given[name])[:2000] for name in kind.carried if name in given}


def _landing(request: HttpRequest, kind: type[Connector]) -> HttpResponse:
    """An install begun at the platform: believed only with its signature, then like any other."""
    connector = registry.build(kind.platform, clock=timezone.now)
    try:
        answer = connector.read_callback(raw_request(request))
    except PlatformError as error:
        return _failed(request, kind, f"{kind.label} did not sign this link: {error.message}. Start from Connections.")
    if not request.user.is_authenticated:
        return redirect_to_login(f"/connect/{kind.platform}/?shop={answer.shop}")
    return _begin_owned(request, platform=kind.platform, shop=answer.shop)


@never_cache
@require_GET
def callback(request: HttpRequest, platform: str) -> HttpResponse:
    """Where the platform sends the browser back to. Nobody logged in: log in first, then go on here."""
    kind = _platform(platform)
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    try:
        _, stores = oauth.finish(
            platform=platform,
            request=raw_request(request),
            user=request.user,
            session_key=request.session.session_key or "",
            now=timezone.now(),
        )
    except oauth.UnboundInstall as install:
        return _remember_install(request, kind, install.answer)
    except oauth.ConnectError as error:
        return _failed(request, kind, str(error))
    return _connected(request, kind, stores)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, platform: str) -> HttpResponse:
    """An install that the platform began names no merchant: the person says which, and that it is wanted."""
    kind = _platform(platform)
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    install = request.session.get(INSTALL_KEY) or {}
    if install.get("platform") != platform or install.get("at", 0) < timezone.now().timestamp() - INSTALL_LIVES:
        request.session.pop(INSTALL_KEY, None)
        return _failed(request, kind, "There is no connection waiting to be confirmed. Start again from Connections.")
    owned = [each for each in memberships_of(request.user) if each.role == Role.OWNER]
    if request.method != "POST":
        return render(request, "connect/confirm.html", {"platform": _shown(kind), "owned": owned})
    try:
        merchant_id = int(request.POST.get("merchant", ""))
        membership_for(user=request.user, merchant_id=merchant_id, at_least=Role.OWNER)
    except (ValueError, AccessDenied):
        return _failed(request, kind, "Choose a business that you own.")
    del request.session[INSTALL_KEY]
    answer = AuthorizationAnswer(code=install["code"], state="", shop=install["shop"], extra=install["extra"])
    try:
        stores = oauth.connect(platform=platform, answer=answer, merchant_id=merchant_id, now=timezone.now())
    except oauth.ConnectError as error:
        return _failed(request, kind, str(error))
    return _connected(request, kind, stores)


@require_POST
@member_required(at_least=Role.OWNER)
def disconnect(request: HttpRequest, platform: str, store_id: int) -> HttpResponse:
    """Forget a store's tokens and stop all work for it. Its orders stay."""
    merchant_id = request.membership.merchant_id  # type: ignore[attr-defined]
    with merchant_rows(merchant_id):
        store = ConnectedStore.objects.filter(pk=store_id, platform=platform).first()
    if store is None:
        raise Http404
    is_revoked = oauth.disconnect(store=store, now=timezone.now())
    label = registry.label_of(store)
    there = f"{label} took the permission back." if is_revoked else f"Remove the app in {label} as well."
    messages.success(request, f"{store.name} is disconnected: its tokens are forgotten, its orders stay. {there}")
    return redirect(STORES_URL)


@require_POST
@member_required(at_least=Role.MANAGER)
def test(request: HttpRequest, platform: str, store_id: int) -> HttpResponse:
    """Test a connection; the Connections page shows what came of it."""
    membership: Membership = request.membership  # type: ignore[attr-defined]
    with merchant_rows(membership.merchant_id):
        store = ConnectedStore.objects.filter(pk=store_id, platform=platform).first()
    if store is None:
        raise Http404
    by = membership.user.name or membership.user.email
    if testing.test_store(store=store, by=by, now=timezone.now()):
        messages.success(request, f"{store.name}: test passed.")
    else:
        messages.error(request, f"{store.name}: test failed. The reason stands below its name.")
    return redirect(f"{STORES_URL}#store-{store.pk}")


def _shown(kind: type[Connector]) -> dict[str, Any]:
    """What a template may know of a platform; a class in a context would be called."""
    return {"platform": kind.platform, "label": kind.label, "needs": kind.needs}


def _start_context(kind: type[Connector], *, shop: str, carried: dict[str, str]) -> dict[str, Any]:
    return {
        "platform": {
            **_shown(kind),
            "is_source": registry.part_of(kind.platform) == StorePart.SOURCE,
            "shop_label": kind.shop_label,
            "shop_help": kind.shop_help,
            "shop_placeholder": kind.shop_placeholder,
            "shop_choices": kind.shop_choices,
        },
        "shop": shop[:200],
        "carried": carried,
    }


def _platform(platform: str) -> type[Connector]:
    try:
        return registry.connector_class(platform)
    except registry.UnknownPlatform as error:
        raise Http404 from error


def _remember_install(request: HttpRequest, kind: type[Connector], answer: AuthorizationAnswer) -> HttpResponse:
    request.session[INSTALL_KEY] = {
        "platform": kind.platform,
        "code": answer.code,
        "shop": answer.shop,
        "extra": dict(answer.extra),
        "at": timezone.now().timestamp(),
    }
    return redirect("connect_confirm", platform=kind.platform)


def _connected(request: HttpRequest, kind: type[Connector], stores: list[ConnectedStore]) -> HttpResponse:
    names = ", ".join(store.name for store in stores)
    messages.success(request, f"{kind.label} is connected: {names}.")
    for store in stores:
        if missing := oauth.missing_scopes(store):
            text = f"{store.name} did not grant {', '.join(missing)}. Connect again and allow all permissions."
            messages.warning(request, text)
    return redirect(STORES_URL)


def _failed(request: HttpRequest, kind: type[Connector], text: str) -> HttpResponse:
    context: dict[str, Any] = {"platform": _shown(kind), "error": text, "stores_url": STORES_URL}
    return render(request, "connect/failed.html", context, status=400)
