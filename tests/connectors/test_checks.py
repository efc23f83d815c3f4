"""Production starts only with the platforms' own hosts, and with every secret."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from connectors import registry
from connectors.checks import refuse_unsafe_start, settings_are_safe

ROOT = Path(__file__).resolve().parents[2]
SAFE = {
    "TIKTOK_SHOP_APP_KEY": "k",
    "TIKTOK_SHOP_APP_SECRET": "s",
    "TIKTOK_SHOP_SERVICE_ID": "1",
    "SHOPIFY_CLIENT_ID": "c",
    "SHOPIFY_CLIENT_SECRET": "s",
}


@pytest.fixture
def production(settings: Any) -> Any:
    settings.DEBUG = False
    settings.SECRET_KEY = "x" * 50
    settings.CREDENTIAL_KEYS = ["k"]
    settings.PUBLIC_URL = "https://verisync.example.com"
    settings.PLATFORM_VALUES = dict(SAFE)
    return settings


class TestStart:
    def test_is_allowed_with_safe_settings(self, production: Any) -> None:
        refuse_unsafe_start()

    @pytest.mark.parametrize(
        ("name", "value"), [("SECRET_KEY", ""), ("CREDENTIAL_KEYS", []), ("PUBLIC_URL", "http://verisync.example.com")]
    )
    def test_names_a_missing_setting(self, production: Any, name: str, value: Any) -> None:
        setattr(production, name, value)
        with pytest.raises(ImproperlyConfigured, match=name):
            refuse_unsafe_start()

    @pytest.mark.parametrize("name", list(SAFE))
    def test_names_a_missing_secret_of_a_platform(self, production: Any, name: str) -> None:
        del production.PLATFORM_VALUES[name]
        assert [message.msg for message in settings_are_safe()] == [f"{name} is missing."]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("TIKTOK_SHOP_API_URL", "http://127.0.0.1:8801/tiktok_shop/api"),
            ("TIKTOK_SHOP_API_URL", "http://open-api.tiktokglobalshop.com"),
            ("TIKTOK_SHOP_API_URL", "https://open-api.tiktokglobalshop.com.evil.example"),
            ("TIKTOK_SHOP_AUTH_URL", "https://user@auth.tiktok-shops.com"),
            ("TIKTOK_SHOP_AUTHORIZE_URL", "https://services.tiktokshop.com:8443"),
            ("SHOPIFY_BASE_URL", "http://127.0.0.1:8801/shopify/{shop}"),
            ("SHOPIFY_BASE_URL", "https://{shop}.evil.example"),
            ("SHOPIFY_BASE_URL", "https://[bad"),
        ],
    )
    def test_refuses_another_host(self, production: Any, name: str, value: str) -> None:
        production.PLATFORM_VALUES[name] = value
        with pytest.raises(ImproperlyConfigured, match=name):
            refuse_unsafe_start()

    def test_allows_a_sandbox_while_developing(self, production: Any) -> None:
        production.DEBUG = True
        production.PLATFORM_VALUES["TIKTOK_SHOP_API_URL"] = "http://127.0.0.1:8801"
        refuse_unsafe_start()


class TestEnvironmentExample:
    def test_names_every_variable_that_is_read_and_no_other(self) -> None:
        source = "".join((ROOT / "verisync_site" / name).read_text() for name in ("settings.py", "postgres.py"))
        read = set(re.findall(r'env(?:\.\w+)?\(\s*"([A-Z_]+)"', source))
        read |= set(re.findall(r'environ(?:\.get\(|\[)"([A-Z_]+)"', source))
        for platform in registry.PLATFORMS:
            read |= {f"{platform.upper()}_{one.name}" for one in registry.connector_class(platform).settings}
        told = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
        assert told == read
