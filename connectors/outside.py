"""Calls to addresses that people name: never to a machine of ours, whatever the name resolves to.

The name is resolved here, every address it has is judged, and the connection is made to one that was judged: a second
look-up could answer otherwise. No redirect is followed, no proxy and no .netrc of the machine is used. No Django here.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import certifi

CONNECT_SECONDS = 5.0
WHOLE_SECONDS = 10.0  # a peer that answers drop by drop is left after that
LONGEST_URL = 500
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# IPv6 addresses that carry an IPv4 address inside, which may be one of ours.
_TRANSLATED = [ipaddress.ip_network(each) for each in ("64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16")]


class AddressRefused(Exception):
    """The address may not be called. The text says why, in words for the person who named it."""


class NoAnswer(Exception):
    """The other side could not be reached, or did not answer in time. It may have got the call."""


Resolve = Callable[[str, int], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Target:
    """An address that was judged by its looks: what is left is where its name leads."""

    host: str
    port: int
    path: str
    is_secure: bool


def judge(url: str, *, may_be_ours: bool = False) -> Target:
    """Where the address leads, by its looks alone; nothing is resolved. Raises AddressRefused.

    `may_be_ours`: HTTP and addresses of this machine and its network are allowed, for development.
    """
    if len(url) > LONGEST_URL or any(ord(letter) <= 32 or ord(letter) == 127 for letter in url) or "\\" in url:
        raise AddressRefused("This is no web address.")
    parts = _split(url)
    if parts.scheme != "https" and not (may_be_ours and parts.scheme == "http"):
        raise AddressRefused("The address has to begin with https://.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("The address must not hold a name or a password.")
    host = _host(parts)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if port != 443 and not may_be_ours:
        raise AddressRefused("Only the usual port of https is called: leave the number out.")
    with contextlib.suppress(ValueError):
        if not may_be_ours and not is_public(ipaddress.ip_address(host)):
            raise AddressRefused("The address leads to a private network.")
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return Target(host=host, port=port, path=path, is_secure=parts.scheme == "https")


def is_public(address: _Address) -> bool:
    """Whether it is a single machine of the open internet."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if any(address in network for network in _TRANSLATED):
            return False
    is_special = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_link_local
    return address.is_global and not is_special


def resolve(host: str, port: int) -> list[str]:
    """Every address of a name. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def post(
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    may_be_ours: bool = False,
    look_up: Resolve = resolve,
    seconds: float = WHOLE_SECONDS,
) -> int:
    """Post to an address that a person named, and return the answer's status. Raises AddressRefused when nothing may
    be sent there, NoAnswer when none came. What the answer holds is not read."""
    target = judge(url, may_be_ours=may_be_ours)
    address = _judged_address(target, may_be_ours=may_be_ours, look_up=look_up)
    connection = _Pinned(target, address)
    # Closes the connection under whoever waits: a time-out would begin anew with every drop that comes.
    clock = threading.Timer(seconds, connection.cut)
    clock.daemon = True
    clock.start()
    try:
        connection.request("POST", target.path, body=body, headers={**headers, "Connection": "close"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoAnswer(f"No answer ({type(error).__name__})") from error
    finally:
        clock.cancel()
        connection.close()


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise AddressRefused("This is no web address.") from error
    return parts


def _host(parts: SplitResult) -> str:
    try:
        host = (parts.hostname or "").encode("idna").decode() if not _is_number(parts.hostname) else parts.hostname
    except UnicodeError as error:
        raise AddressRefused("This is no web address.") from error
    if not host or "%" in host:
        raise AddressRefused("This is no web address.")
    return host


def _is_number(host: str | None) -> bool:
    return bool(host) and ":" in (host or "")


def _judged_address(target: Target, *, may_be_ours: bool, look_up: Resolve) -> str:
    try:
        found = look_up(target.host, target.port)
        addresses = [ipaddress.ip_address(each) for each in found]
    except (OSError, ValueError) as error:
        raise NoAnswer("The address could not be found") from error
    if not addresses:
        raise NoAnswer("The address could not be found")
    # One that leads to us among others is enough: nobody names such a one by accident.
    if not may_be_ours and not all(is_public(each) for each in addresses):
        raise AddressRefused("The address leads to a private network.")
    return str(addresses[0])


class _Pinned(http.client.HTTPConnection):
    """A connection to one address that was judged, under the name that was asked for."""

    def __init__(self, target: Target, address: str) -> None:
        super().__init__(target.host, target.port, timeout=CONNECT_SECONDS)
        self._address, self._is_secure, self._is_cut = address, target.is_secure, False
        self.default_port = 443 if target.is_secure else 80  # or the Host header would name it

    def connect(self) -> None:
        """To the judged address, not to whatever the name leads to now."""
        self.sock = socket.create_connection((self._address, self.port), timeout=CONNECT_SECONDS)
        if self._is_secure:
            self.sock = _context().wrap_socket(self.sock, server_hostname=self.host)
        if self._is_cut:
            raise TimeoutError

    def cut(self) -> None:
        """End it at once, from another thread."""
        self._is_cut = True
        with contextlib.suppress(OSError):
            if self.sock is not None:
                self.sock.shutdown(socket.SHUT_RDWR)


def _context() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certifi.where())
