"""The authorize page, the codes, the pairs of tokens."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from sandbox.markup import consent
from sandbox.shopify.state import CODE_LIFE, REFRESH_LIFE, TOKEN_LIFE, App, Install, Shop, State, new_token


class Authorization:
    def __init__(self, state: State) -> None:
        self.state = state

    def page(self, request: Request, shop: Shop) -> Response:
        app, query = self.state.app, request.values
        if app is None or query.get("client_id") != app.client_id:
            return _oops("Could not find the app (client_id)")
        if query.get("redirect_uri") not in app.redirect_urls:
            return _oops("The redirect_uri is not whitelisted")
        if request.method == "GET":
            names = ("client_id", "scope", "redirect_uri", "state")
            fields = {name: query.get(name, "") for name in names}
            page = consent(
                "shopify",
                label="Shopify",
                question="Install this app?",
                text=f"In {shop.domain} it asks for: {fields['scope']}.",
                fields=fields,
            )
            return Response(page, mimetype="text/html")
        back = {"shop": shop.domain, "state": query.get("state", "")}
        if request.form.get("decision") != "allow":
            return redirect(f"{query['redirect_uri']}?{self.signed(app, {**back, 'error': 'access_denied'})}")
        code = new_token("")
        self.state.codes[code] = {
            "shop": shop.domain,
            "scopes": tuple(part for part in query.get("scope", "").split(",") if part),
            "lapses_at": self.state.world.now() + CODE_LIFE,
        }
        return redirect(f"{query['redirect_uri']}?{self.signed(app, {**back, 'code': code})}")

    def signed(self, app: App, query: dict[str, str]) -> str:
        """The query with timestamp and hmac, hex over the sorted pairs."""
        query = {**query, "timestamp": str(int(self.state.world.now()))}
        message = "&".join(f"{key}={query[key]}" for key in sorted(query))
        query["hmac"] = hmac.new(app.client_secret.encode(), message.encode(), hashlib.sha256).hexdigest()
        return urlencode(query)

    def token(self, request: Request, shop: Shop) -> Response:
        body = _body(request)
        app = self.state.app
        if app is None or body.get("client_id") != app.client_id or body.get("client_secret") != app.client_secret:
            return _json({"error": "invalid_client"}, 400)
        if body.get("grant_type") == "refresh_token":
            return self._refresh(str(body.get("refresh_token")), shop)
        if "grant_type" in body:
            return _json({"error": "unsupported_grant_type"}, 400)
        code = self.state.codes.pop(str(body.get("code")), None)
        if code is None or code["shop"] != shop.domain or code["lapses_at"] < self.state.world.now():
            description = "The authorization code was not found or was already used"
            return _json({"error": "invalid_request", "error_description": description}, 400)
        if str(body.get("expiring")) != "1":
            return _json({"error": "invalid_request", "error_description": "Offline tokens must expire"}, 400)
        shop.install = Install(scopes=code["scopes"])
        return _json(self._pair(shop.install))

    def _refresh(self, given: str, shop: Shop) -> Response:
        install, now = shop.install, self.state.world.now()
        if install is None:
            return _json({"error": "invalid_grant"}, 400)
        is_current = given == install.refresh and install.refresh_lapses_at > now
        is_retry = given and given == install.previous_refresh and not install.is_replacement_used
        if not is_current and not is_retry:
            return _json({"error": "invalid_grant"}, 400)
        install.previous_refresh = given
        return _json(self._pair(install))

    def _pair(self, install: Install) -> dict[str, Any]:
        now = self.state.world.now()
        access = new_token("shpat_")
        install.access = {access: now + TOKEN_LIFE}
        install.refresh, install.refresh_lapses_at = new_token("shprt_"), now + REFRESH_LIFE
        install.is_replacement_used = False
        return {
            "access_token": access,
            "scope": ",".join(install.scopes),
            "expires_in": TOKEN_LIFE,
            "refresh_token": install.refresh,
            "refresh_token_expires_in": REFRESH_LIFE,
        }


def _body(request: Request) -> dict[str, Any]:
    if request.mimetype == "application/json":
        try:
            content = json.loads(request.get_data())
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}
    return request.form.to_dict()


def _json(content: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(content), status, mimetype="application/json")


def _oops(text: str) -> Response:
    return Response(f"<h1>Oauth error invalid_request: {text}</h1>", 400, mimetype="text/html")
