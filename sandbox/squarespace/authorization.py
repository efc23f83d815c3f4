"""The consent page, the codes, and tokens whose refresh token rotates."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from sandbox.markup import consent
from sandbox.squarespace.errors import answer
from sandbox.squarespace.state import ACCESS_LIFE, CODE_LIFE, REFRESH_LIFE, Grant, State, new_token

SCOPES = frozenset(
    f"website.{name}"
    for name in (
        "orders",
        "orders.read",
        "inventory",
        "inventory.read",
        "products",
        "products.read",
        "transactions.read",
        "profiles.read",
    )
)


class Authorization:
    def __init__(self, state: State) -> None:
        self.state = state

    def page(self, request: Request) -> Response:
        app, query = self.state.app, request.values
        if app is None or query.get("client_id") != app.client_id:
            return _oops("This client_id is not known")
        if query.get("redirect_uri") not in app.redirect_urls:
            return _oops("This redirect_uri is not registered")
        scopes = tuple(part for part in query.get("scope", "").split(",") if part)
        if not scopes or not SCOPES.issuperset(scopes):
            return _oops(f"The scope is not known: {query.get('scope', '')}")
        names = ("client_id", "redirect_uri", "scope", "state", "access_type", "website_id")
        if request.method == "GET":
            fields = {name: query.get(name, "") for name in names}
            page = consent(
                "squarespace",
                label="Squarespace",
                question="Connect this extension?",
                text=f"It asks for: {fields['scope']}.",
                fields=fields,
                choice=("Site", "site", [(site.seller, site.title) for site in self.state.sites.values()]),
            )
            return Response(page, mimetype="text/html")
        back = {"state": query["state"]} if query.get("state") else {}
        if request.form.get("decision") != "allow":
            return redirect(f"{query['redirect_uri']}?{urlencode({'error': 'access_denied', **back})}")
        site = self.state.site(query.get("website_id") or query.get("site") or "alice")
        code = new_token()
        self.state.codes[code] = {
            "site": site.id,
            "scopes": scopes,
            "is_offline": query.get("access_type") == "offline",
            "redirect_uri": query["redirect_uri"],
            "lapses_at": self.state.world.now() + CODE_LIFE,
        }
        return redirect(f"{query['redirect_uri']}?{urlencode({'code': code, **back})}")

    def token(self, request: Request) -> Response:
        app = self.state.app
        if not request.headers.get("User-Agent"):
            return answer({"error": "invalid_request", "error_description": "SEC-43"}, 400)
        if app is None or request.headers.get("Authorization") != _basic(app.client_id, app.client_secret):
            return answer({"error": "invalid_client"}, 401)
        body = _body(request)
        if body.get("grant_type") == "authorization_code":
            return self._exchange(body)
        if body.get("grant_type") == "refresh_token":
            return self._refresh(str(body.get("refresh_token")))
        return answer({"error": "unsupported_grant_type"}, 400)

    def _exchange(self, body: dict[str, Any]) -> Response:
        code = self.state.codes.pop(str(body.get("code")), None)
        is_good = code is not None and code["lapses_at"] >= self.state.world.now()
        if code is None or not is_good or body.get("redirect_uri") != code["redirect_uri"]:
            return answer({"error": "invalid_grant"}, 400)
        grant = self.state.sites[code["site"]].grant = Grant(scopes=code["scopes"])
        return self._pair(grant, is_offline=code["is_offline"])

    def _refresh(self, given: str) -> Response:
        now = self.state.world.now()
        for site in self.state.sites.values():
            grant = site.grant
            if grant and given and given in (grant.refresh, grant.previous) and grant.refresh_until > now:
                grant.previous = given
                return self._pair(grant, is_offline=True)
        return answer({"error": "invalid_grant"}, 400)

    def _pair(self, grant: Grant, *, is_offline: bool) -> Response:
        now = self.state.world.now()
        grant.fresh = new_token()
        grant.access[grant.fresh] = now + ACCESS_LIFE
        said = {
            "access_token": grant.fresh,
            "access_token_expires_at": f"{now + ACCESS_LIFE:.3f}",
            "token_type": "bearer",
        }
        if is_offline:
            grant.refresh, grant.refresh_until = new_token(), now + REFRESH_LIFE
            said |= {"refresh_token": grant.refresh, "refresh_token_expires_at": f"{grant.refresh_until:.3f}"}
        return answer(said)


def _basic(client_id: str, client_secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()


def _body(request: Request) -> dict[str, Any]:
    try:
        content = json.loads(request.get_data())
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _oops(text: str) -> Response:
    return Response(f"<h1>Something went wrong</h1><p>{text}</p>", 400, mimetype="text/html")
