"""The installer, the signed instance, and tokens for it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from typing import Any
from urllib.parse import urlencode

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from sandbox.markup import consent
from sandbox.wix.errors import Refused, answer
from sandbox.wix.notices import Notices
from sandbox.wix.state import TOKEN_LIFE, Site, State, new_token

PERMISSIONS = ("SCOPE.DC-ECOM-MEGA.MANAGE-ECOM", "SCOPE.DC-STORES.READ-PRODUCTS")


class Authorization:
    def __init__(self, state: State, notices: Notices) -> None:
        self.state = state
        self.notices = notices

    def installer(self, request: Request) -> Response:
        app, query = self.state.app, request.values
        if app is None or query.get("appId") != app.app_id:
            return _oops("This appId is not known")
        if query.get("redirectUrl") not in app.redirect_urls:
            return _oops("This redirectUrl is not registered")
        if request.method == "GET":
            fields = {name: query.get(name, "") for name in ("appId", "redirectUrl", "state")}
            page = consent(
                "wix",
                label="Wix",
                question="Add this app?",
                text="It reads products, and makes and follows orders.",
                fields=fields,
                choice=("Site", "site", [(site.seller, site.name) for site in self.state.sites.values()]),
            )
            return Response(page, mimetype="text/html")
        back = {"state": query["state"]} if query.get("state") else {}
        if request.form.get("decision") != "allow":
            return redirect(f"{query['redirectUrl']}?{urlencode({'error': 'access_denied', **back})}")
        site = self.state.site(request.form.get("site") or "alice")
        if not site.instance_id:
            site.instance_id = str(uuid.uuid4())
            self.notices.installed(site)
        return redirect(f"{query['redirectUrl']}?{urlencode({'instance': self.instance(site), **back})}")

    def instance(self, site: Site, signed_at: float | None = None) -> str:
        """The signed parameter with which Wix opens an app's pages [guess: the scheme, widely used]."""
        assert self.state.app is not None
        content = {
            "instanceId": site.instance_id,
            "appDefId": self.state.app.app_id,
            "signDate": self.state.iso(signed_at),
            "uid": str(uuid.uuid4()),
            "permissions": "OWNER",
            "siteOwnerId": str(uuid.uuid4()),
        }
        part = _encode(json.dumps(content).encode())
        signature = hmac.new(self.state.app.app_secret.encode(), part.encode(), hashlib.sha256).digest()
        return f"{_encode(signature)}.{part}"

    def token(self, request: Request) -> Response:
        try:
            body = json.loads(request.get_data())
        except ValueError:
            body = None
        body, app = body if isinstance(body, dict) else {}, self.state.app
        if body.get("grant_type") != "client_credentials":
            return answer({"error": "unsupported_grant_type", "error_description": "Only client_credentials"}, 400)
        if app is None or (body.get("client_id"), body.get("client_secret")) != (app.app_id, app.app_secret):
            return answer({"error": "invalid_client", "error_description": "Unknown client"}, 401)
        for site in self.state.sites.values():
            if site.instance_id and site.instance_id == body.get("instance_id"):
                token = new_token()
                site.tokens[token] = self.state.world.now() + TOKEN_LIFE
                return answer({"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_LIFE})
        return answer({"error": "invalid_request", "error_description": "The app is not installed there"}, 400)

    def site_of(self, request: Request) -> Site:
        """Whose token it is. Raises Refused."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        for site in self.state.sites.values():
            if site.instance_id and site.tokens.get(token, 0.0) > self.state.world.now():
                return site
        raise Refused(401, "The access token is not valid", code="UNAUTHENTICATED")

    def told(self, site: Site) -> dict[str, Any]:
        return {
            "instance": {
                "instanceId": site.instance_id,
                "appName": "VeriSync",
                "appVersion": "1.0.0",
                "isFree": True,
                "permissions": list(PERMISSIONS),
                "availablePlans": [],
            },
            "site": {
                "siteId": f"site-{site.seller}",
                "siteDisplayName": site.name,
                "locale": "en",
                "paymentCurrency": site.currency,
                "multilingual": {"isMultiLingual": False, "supportedLanguages": []},
                "url": f"https://{site.seller}.wixsite.com/shop",
                "description": "",
                "ownerInfo": {"email": "owner@example.com", "emailStatus": "VERIFIED"},
                "installedWixApps": ["stores"],
            },
        }


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _oops(text: str) -> Response:
    return Response(f"<h1>Something went wrong</h1><p>{text}</p>", 400, mimetype="text/html")
