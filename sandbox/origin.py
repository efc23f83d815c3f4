"""Who may ask: the sandbox's own pages on this machine, and no page of another site."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from werkzeug.wrappers import Request


def is_this_machine(request: Request, public_url: str) -> bool:
    """A foreign name that resolves to this machine is refused (DNS rebinding)."""
    host = urlsplit(f"//{request.host}").hostname or ""
    if host in ("localhost", urlsplit(public_url).hostname) or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_same_origin(request: Request) -> bool:
    """Programs send no Origin and pass; a browser sends one with every POST."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host
