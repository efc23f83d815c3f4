"""Our apps at the five platforms, as a developer registers them: the settings they give, and what the sandbox is told.

Used by the demo and by the tests, which differ in nothing but where site and sandbox are.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

Keys = Mapping[str, str]


def make_keys() -> dict[str, str]:
    """Keys and secrets of apps of our own, as they look at each platform."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form, nothing = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    public_form = serialization.PublicFormat.SubjectPublicKeyInfo
    public = private.public_key().public_bytes(serialization.Encoding.PEM, public_form)
    return {
        "TIKTOK_SHOP_APP_KEY": f"6v{secrets.token_hex(6)}",
        "TIKTOK_SHOP_APP_SECRET": secrets.token_hex(20),
        "TIKTOK_SHOP_SERVICE_ID": str(7_000_000_000_000_000_000 + secrets.randbelow(10**15)),
        "SHOPIFY_CLIENT_ID": secrets.token_hex(16),
        "SHOPIFY_CLIENT_SECRET": f"shpss_{secrets.token_hex(16)}",
        "AMAZON_APP_ID": f"amzn1.sp.solution.{secrets.token_hex(16)}",
        "AMAZON_CLIENT_ID": f"amzn1.application-oa2-client.{secrets.token_hex(16)}",
        "AMAZON_CLIENT_SECRET": f"amzn1.oa2-cs.v1.{secrets.token_hex(32)}",
        "WIX_APP_ID": "11111111-2222-4333-8444-" + secrets.token_hex(6),
        "WIX_APP_SECRET": secrets.token_hex(16),
        "WIX_PUBLIC_KEY": base64.b64encode(public).decode(),
        "SQUARESPACE_CLIENT_ID": secrets.token_hex(10),
        "SQUARESPACE_CLIENT_SECRET": secrets.token_hex(20),
        "wix_private_key": private.private_bytes(serialization.Encoding.PEM, form, nothing).decode(),
    }


def settings_of(keys: Keys, *, sandbox: str) -> dict[str, str]:
    """The platforms' settings for the environment: our keys, and base URLs that lead to the sandbox."""
    return {
        **{name: value for name, value in keys.items() if name.isupper()},
        "TIKTOK_SHOP_API_URL": f"{sandbox}/tiktok_shop/api",
        "TIKTOK_SHOP_AUTH_URL": f"{sandbox}/tiktok_shop/auth",
        "TIKTOK_SHOP_AUTHORIZE_URL": f"{sandbox}/tiktok_shop/services",
        "SHOPIFY_BASE_URL": f"{sandbox}/shopify/{{shop}}",
        "AMAZON_API_URL": f"{sandbox}/amazon/api/{{region}}",
        "AMAZON_TOKEN_URL": f"{sandbox}/amazon/auth/o2/token",
        "AMAZON_CONSENT_URL": f"{sandbox}/amazon/consent",
        "WIX_API_URL": f"{sandbox}/wix/api",
        "WIX_INSTALL_URL": f"{sandbox}/wix/installer/install",
        "SQUARESPACE_API_URL": f"{sandbox}/squarespace/api",
        "SQUARESPACE_LOGIN_URL": f"{sandbox}/squarespace/login",
    }


def register(control: Callable[..., Any], keys: Keys, *, site: str) -> None:
    """What a developer would enter in the five consoles. `control(path, **body)` speaks to the sandbox's own door."""

    def back(platform: str) -> str:
        return f"{site}/connect/{platform}/callback/"

    def hook(platform: str) -> str:
        return f"{site}/webhooks/{platform}/"

    control(
        "tiktok_shop/app",
        app_key=keys["TIKTOK_SHOP_APP_KEY"],
        app_secret=keys["TIKTOK_SHOP_APP_SECRET"],
        service_id=keys["TIKTOK_SHOP_SERVICE_ID"],
        redirect_url=back("tiktok_shop"),
        webhook_url=hook("tiktok_shop"),
    )
    control(
        "shopify/app",
        client_id=keys["SHOPIFY_CLIENT_ID"],
        client_secret=keys["SHOPIFY_CLIENT_SECRET"],
        redirect_urls=[back("shopify")],
        app_url=f"{site}/connect/shopify/",
        webhook_url=hook("shopify"),
    )
    control(
        "amazon/app",
        app_id=keys["AMAZON_APP_ID"],
        client_id=keys["AMAZON_CLIENT_ID"],
        client_secret=keys["AMAZON_CLIENT_SECRET"],
        redirect_urls=[back("amazon")],
        login_url=f"{site}/connect/amazon/",
    )
    control(
        "wix/app",
        app_id=keys["WIX_APP_ID"],
        app_secret=keys["WIX_APP_SECRET"],
        redirect_urls=[back("wix")],
        webhook_url=hook("wix"),
        private_key=keys["wix_private_key"],
    )
    control(
        "squarespace/app",
        client_id=keys["SQUARESPACE_CLIENT_ID"],
        client_secret=keys["SQUARESPACE_CLIENT_SECRET"],
        redirect_urls=[back("squarespace")],
        initiate_url=f"{site}/connect/squarespace/",
    )
