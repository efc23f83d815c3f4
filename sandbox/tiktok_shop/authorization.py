"""The authorize page, the codes, the tokens, the shops."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from sandbox.markup import fill, join
from sandbox.tiktok_shop.cast import SELLERS
from sandbox.tiktok_shop.envelope import Refusal, answer
from sandbox.tiktok_shop.state import CODE_LIFE, REFRESH_LIFE, TOKEN_LIFE, App, Code, Grant, Shop, State

BAD_CODE = 105003  # [guess] the failures of the auth host are not documented


class Authorization:
    def __init__(self, state: State) -> None:
        self.state = state

    def page(self, request: Request) -> Response:
        app = self._app_of(request.values)
        if app is None:
            return Response("<h1>This service is not available</h1>", 400, mimetype="text/html")
        if request.method == "GET":
            return self._form(request)
        if request.form.get("decision") != "allow":
            return self._back(app, {"code": "null", "error": "auth_denied"}, request.form.get("state", ""))
        seller = request.form.get("seller", "alice")
        if seller not in SELLERS:
            return Response("<h1>No such seller</h1>", 400, mimetype="text/html")
        chosen = request.form.getlist("shop")
        owned = tuple(shop.id for shop in self._shops_of(seller) if not chosen or shop.id in chosen)
        if not owned:
            return Response("<h1>No such shop</h1>", 400, mimetype="text/html")
        return self.allow(app, seller, owned, request.form.get("state", ""))

    def allow(self, app: App, seller: str, shop_ids: tuple[str, ...], state: str) -> Response:
        """Back to the app with a code; without a state when the install began in the App Store."""
        code = Code(f"{'ROW_'}{secrets.token_urlsafe(24)}", seller, shop_ids, self.state.world.now() + CODE_LIFE)
        self.state.codes[code.value] = code
        region = self.state.shops[shop_ids[0]].region
        # [guess] the extra parameters are seen in real callbacks, not in the guide
        query = {"app_key": app.app_key, "code": code.value, "locale": "en", "shop_region": region}
        return self._back(app, query, state)

    def token_get(self, request: Request) -> Response:
        query = request.args
        self._check_app(query, "authorized_code")
        code = self.state.codes.get(query.get("auth_code", ""))
        if code is None or code.is_used or code.expires_at <= self.state.world.now():
            raise Refusal(BAD_CODE, "auth_code is invalid, expired or already used")
        code.is_used = True
        assert self.state.app is not None
        for grant in self.state.grants:  # [guess] a new authorization replaces the seller's older one
            if grant.seller == code.seller:
                grant.is_revoked = True
        grant = Grant(code.seller, code.shop_ids, self.state.app.scopes)
        self.state.grants.append(grant)
        self.state.world.ledger_add("tiktok_shop", "shop.authorized", code.seller, shop_ids=list(code.shop_ids))
        return self._issue(grant)

    def token_refresh(self, request: Request) -> Response:
        query = request.args
        self._check_app(query, "refresh_token")
        for grant in self.state.grants:
            if grant.refresh_token and grant.refresh_token == query.get("refresh_token") and not grant.is_revoked:
                if grant.refresh_expires_at <= self.state.world.now():
                    break
                return self._issue(grant)
        raise Refusal(BAD_CODE, "refresh_token is invalid or expired")

    def grant_of(self, token: str) -> Grant | None:
        return next((grant for grant in self.state.grants if token in grant.access), None)

    def shops(self, grant: Grant) -> dict[str, Any]:
        rows = [self.state.shops[shop_id] for shop_id in grant.shop_ids]
        return {
            "shops": [
                {
                    "id": shop.id,
                    "name": shop.name,
                    "region": shop.region,
                    "seller_type": "LOCAL",
                    "cipher": shop.cipher,
                    "code": shop.code,
                }
                for shop in rows
            ]
        }

    def _issue(self, grant: Grant) -> Response:
        """The refresh token rotates [guess]; an earlier access token lives out its time [guess]."""
        now = self.state.now()
        token = f"ROW_{secrets.token_urlsafe(32)}"
        grant.access[token] = now + TOKEN_LIFE
        fresh = not grant.refresh_token
        grant.refresh_token = f"ROW_{secrets.token_urlsafe(32)}"
        if fresh:
            grant.refresh_expires_at = now + REFRESH_LIFE
        name, region = SELLERS[grant.seller]
        data = {
            "access_token": token,
            "access_token_expire_in": grant.access[token],
            "refresh_token": grant.refresh_token,
            "refresh_token_expire_in": grant.refresh_expires_at,
            "open_id": f"70107360571803256{len(grant.seller):02d}",
            "seller_name": name,
            "seller_base_region": region,
            "user_type": 0,
            "granted_scopes": list(grant.scopes),
        }
        return answer(data, message="success")

    def _check_app(self, query: Mapping[str, str], grant_type: str) -> None:
        app = self.state.app
        if app is None or query.get("app_key") != app.app_key or query.get("app_secret") != app.app_secret:
            raise Refusal(BAD_CODE, "app_key or app_secret is invalid")
        if query.get("grant_type") != grant_type:
            raise Refusal(BAD_CODE, "grant_type is invalid")

    def _app_of(self, query: Mapping[str, str]) -> App | None:
        app = self.state.app
        return app if app and query.get("service_id") == app.service_id else None

    def _shops_of(self, seller: str) -> list[Shop]:
        return [shop for shop in self.state.shops.values() if shop.seller == seller]

    def _form(self, request: Request) -> Response:
        sellers = [
            fill(
                "authorize_seller",
                key=key,
                name=name,
                mark="checked" if key == next(iter(SELLERS)) else "",
                shops=", ".join(f"{shop.name} ({shop.region})" for shop in self._shops_of(key)),
            )
            for key, (name, _) in SELLERS.items()
        ]
        page = fill(
            "authorize",
            service_id=request.args.get("service_id", ""),
            state=request.args.get("state", ""),
            sellers=join(sellers),
        )
        return Response(page, mimetype="text/html")

    def _back(self, app: App, query: dict[str, str], state: str) -> Response:
        if state:
            query["state"] = state
        joiner = "&" if "?" in app.redirect_url else "?"
        response = redirect(app.redirect_url + joiner + urlencode(query), 302)
        assert isinstance(response, Response)
        return response
