"""The consent page, with or without the hop over the app's log-in page, and Login with Amazon's tokens."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from sandbox.amazon.errors import answer
from sandbox.amazon.state import CODE_LIFE, CONSENT_LIFE, TOKEN_LIFE, Seller, State, new_token
from sandbox.markup import consent


class Authorization:
    def __init__(self, state: State) -> None:
        self.state = state

    def page(self, request: Request) -> Response:
        app, query = self.state.app, request.values
        if app is None or query.get("application_id") != app.app_id:
            return _oops("This application_id is not known (MD1000)")
        if query.get("redirect_uri") and query["redirect_uri"] not in app.redirect_urls:
            return _oops("This redirect_uri is not registered (MD9100)")
        if app.is_draft and query.get("version") != "beta":
            return _oops("This application is a draft (MD1000)")
        if request.method == "GET":
            fields = {name: query.get(name, "") for name in ("application_id", "redirect_uri", "state", "version")}
            page = consent(
                "amazon",
                label="Amazon",
                question="Authorize this application?",
                text="It makes Multi-Channel Fulfillment orders, and reads stock.",
                fields=fields,
                choice=("Selling account", "seller", [(one.key, one.name) for one in self.state.sellers.values()]),
            )
            return Response(page, mimetype="text/html")
        target = query.get("redirect_uri") or app.redirect_urls[0]
        if request.form.get("decision") != "allow":
            return redirect(f"{target}?{urlencode({'state': query.get('state', ''), 'error': 'access_denied'})}")
        seller = self.state.seller(request.form.get("seller") or "alice")
        if seller.login_hop and app.login_url:
            return self._hop(seller)
        return self._back(seller, target, query.get("state", ""))

    def _hop(self, seller: Seller) -> Response:
        """Amazon sends the browser to the app, which has to know its user, and expects it back."""
        assert self.state.app is not None
        hop = secrets.token_urlsafe(24)
        self.state.hops[hop] = {"seller": seller.key, "lapses_at": self.state.world.now() + CODE_LIFE}
        query = {
            "amazon_callback_uri": f"{self.state.world.public_url}/amazon/consent/confirm",
            "amazon_state": hop,
            "selling_partner_id": seller.id,
        }
        return redirect(f"{self.state.app.login_url}?{urlencode(query)}")

    def confirm(self, request: Request) -> Response:
        """Where the app sends the browser after its own log-in."""
        app, query = self.state.app, request.args
        hop = self.state.hops.pop(query.get("amazon_state", ""), None)
        if app is None or hop is None or hop["lapses_at"] < self.state.world.now():
            return _oops("This amazon_state is not known (MD5101)")
        if query.get("redirect_uri") not in app.redirect_urls or not query.get("state"):
            return _oops("The redirect_uri or the state is missing (MD9100)")
        if app.is_draft and query.get("version") != "beta":
            return _oops("This application is a draft (MD1000)")
        return self._back(self.state.sellers[hop["seller"]], query["redirect_uri"], query["state"])

    def _back(self, seller: Seller, target: str, state: str) -> Response:
        code = secrets.token_urlsafe(20)
        self.state.codes[code] = {
            "seller": seller.key,
            "redirect_uri": target,
            "lapses_at": self.state.world.now() + CODE_LIFE,
        }
        return redirect(
            f"{target}?{urlencode({'state': state, 'selling_partner_id': seller.id, 'spapi_oauth_code': code})}"
        )

    def token(self, request: Request) -> Response:
        app, form = self.state.app, request.form
        if request.mimetype != "application/x-www-form-urlencoded":
            return _lwa("invalid_request", "The body must be form-encoded")
        if app is None or (form.get("client_id"), form.get("client_secret")) != (app.client_id, app.client_secret):
            return _lwa("invalid_client", "Client authentication failed", 401)
        if form.get("grant_type") == "authorization_code":
            return self._exchange(request)
        if form.get("grant_type") == "refresh_token":
            return self._refresh(form.get("refresh_token", ""))
        return _lwa("unsupported_grant_type", "The grant type is not supported")

    def _exchange(self, request: Request) -> Response:
        now = self.state.world.now()
        code = self.state.codes.pop(request.form.get("code", ""), None)
        if code is None or code["lapses_at"] < now or request.form.get("redirect_uri") != code["redirect_uri"]:
            return _lwa("invalid_grant", "The code is not valid")
        seller = self.state.sellers[code["seller"]]
        seller.refresh, seller.refresh_until = new_token("Atzr"), now + CONSENT_LIFE
        return self._pair(seller)

    def _refresh(self, given: str) -> Response:
        for seller in self.state.sellers.values():
            if given and seller.refresh == given and seller.refresh_until > self.state.world.now():
                return self._pair(seller)
        return _lwa("invalid_grant", "The refresh token is not valid")

    def _pair(self, seller: Seller) -> Response:
        token = new_token("Atza")
        seller.access[token] = self.state.world.now() + TOKEN_LIFE
        return answer(
            {
                "access_token": token,
                "refresh_token": seller.refresh,
                "token_type": "bearer",
                "expires_in": TOKEN_LIFE,
            }
        )


def _lwa(error: str, description: str, status: int = 400) -> Response:
    return answer({"error": error, "error_description": description}, status)


def _oops(text: str) -> Response:
    return Response(f"<h1>We are sorry</h1><p>{text}</p>", 400, mimetype="text/html")
