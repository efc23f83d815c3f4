"""Start-up checks: production starts only with the platforms' own hosts, and with every secret it needs."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

from connectors import registry
from connectors.base.connector import Setting


@register(Tags.security)
def settings_are_safe(app_configs: Any = None, **_kwargs: Any) -> list[CheckMessage]:  # noqa: ARG001
    """Every unsafe or missing setting, each with what to do. Nothing is refused while DEBUG is on."""
    if settings.DEBUG:
        return []
    return [Error(text, hint=hint, id=f"verisync.E{number:03}") for number, (text, hint) in enumerate(_wrong(), 1)]


def refuse_unsafe_start() -> None:
    """Raise ImproperlyConfigured, naming everything that is wrong. Called by what serves and works in production."""
    if wrong := settings_are_safe():
        lines = "\n".join(f"  {message.msg} {message.hint}" for message in wrong)
        raise ImproperlyConfigured(f"VeriSync does not start:\n{lines}")


def _wrong() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if len(settings.SECRET_KEY) < 40 or settings.SECRET_KEY.startswith("development"):
        found.append(("SECRET_KEY is missing or too short.", "Set 40 random characters or more."))
    if not settings.CREDENTIAL_KEYS:
        found.append(("CREDENTIAL_KEYS is missing.", "Set a Fernet key: tokens are encrypted with it."))
    if not settings.PUBLIC_URL.startswith("https://"):
        found.append(("PUBLIC_URL does not begin with https://.", "Platforms send webhooks and people only there."))
    for platform in registry.PLATFORMS:
        found += _wrong_of(platform)
    return found


def _wrong_of(platform: str) -> list[tuple[str, str]]:
    """A platform that is not configured at all is not offered; one that is, is configured in full."""
    config = registry.config_of(platform)
    declared = registry.connector_class(platform).settings
    required = [setting for setting in declared if setting.is_required]
    found = []
    if any(config[setting.name] for setting in required):
        for setting in required:
            if not config[setting.name]:
                found.append((f"{platform.upper()}_{setting.name} is missing.", setting.help))
    for setting in declared:
        if setting.hosts and not _is_own_host(config[setting.name], setting):
            name = f"{platform.upper()}_{setting.name}"
            hosts = ", ".join(setting.hosts)
            found.append((f"{name} does not lead to {hosts} by https.", "Leave it unset, or correct it."))
    return found


def _is_own_host(url: str, setting: Setting) -> bool:
    """Whether the address, whatever fills its placeholder, is https and one of the platform's hosts."""
    filled = [re.sub(r"\{\w+\}", fill, url) for fill in setting.fills] or [url]
    return all(_leads_to(each, setting.hosts) for each in filled)


def _leads_to(url: str, hosts: tuple[str, ...]) -> bool:
    """Whether it is https to one of the hosts; a leading dot allows subdomains."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    is_known = any(host == known or (known.startswith(".") and host.endswith(known)) for known in hosts)
    return parts.scheme == "https" and is_known and port in (None, 443) and not parts.username
