"""Addresses that people name: what is refused by its looks, what by where it leads, and how a call is made."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer

from connectors import outside

OURS = [
    *("0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.9.8.7", "169.254.169.254", "172.16.0.1", "192.0.2.1"),
    *("192.168.1.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fc00::1", "fe80::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
    *("64:ff9b::7f00:1", "2002:7f00:1::1"),
]
REFUSED = [
    "",
    "hook",
    "//example.com/x",
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:alert(1)",
    "https://",
    "https:///x",
    "https://user@example.com/",
    "https://user:secret@example.com/",
    "https://example.com:22/",
    "https://example.com:8443/",
    "https://example.com:99999/",
    "https://example.com:x/",
    "https://exa mple.com/",
    "https://example.com/\r\nX-Evil: 1",
    "https://example.com\\@127.0.0.1/",
    "https://[::1",
    "https://[fe80::1%25eth0]/",
    "https://" + "a" * 600 + ".com/",
    "https://a..b/",
    *(f"https://[{each}]/" if ":" in each else f"https://{each}/" for each in OURS),
]


def leads_to(*addresses: str) -> outside.Resolve:
    return lambda host, port: addresses


class TestAddress:
    @pytest.mark.parametrize("url", REFUSED)
    def test_is_refused_by_its_looks(self, url: str) -> None:
        with pytest.raises(outside.AddressRefused):
            outside.judge(url)

    @pytest.mark.parametrize("url", ["https://hooks.example.com/a?b=c", "https://EXAMPLE.com", "https://1.1.1.1/"])
    def test_of_the_open_internet_is_taken(self, url: str) -> None:
        target = outside.judge(url)
        assert (target.port, target.is_secure) == (443, True)

    @pytest.mark.parametrize("address", OURS)
    def test_is_refused_by_where_its_name_leads(self, address: str) -> None:
        for found in ((address,), ("93.184.216.34", address)):
            with pytest.raises(outside.AddressRefused):
                outside.post("https://hooks.example.com/", body=b"", headers={}, look_up=leads_to(*found))

    @pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "127.1", "localhost."])
    def test_that_the_system_knows_as_ours_is_refused(self, host: str) -> None:
        with pytest.raises((outside.AddressRefused, outside.NoAnswer)):
            outside.post(f"https://{host}/", body=b"", headers={})

    @pytest.mark.parametrize("address", OURS)
    def test_of_ours_is_not_public(self, address: str) -> None:
        assert not outside.is_public(ipaddress.ip_address(address))

    @pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1"])
    def test_of_the_internet_is_public(self, address: str) -> None:
        assert outside.is_public(ipaddress.ip_address(address))


@pytest.fixture
def dripping() -> Iterator[int]:
    """A server that answers a byte every 50 ms, and never ends."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            peer, _ = server.accept()
            with peer:
                while True:
                    peer.sendall(b"H")
                    time.sleep(0.05)
        except OSError:
            return

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1]
    server.close()


class TestPost:
    def test_goes_to_the_judged_address_under_the_name_that_was_asked_for(self, httpserver: HTTPServer) -> None:
        httpserver.expect_request("/hook", query_string="a=b").respond_with_data("taken", status=202)
        url = f"http://hooks.example.com:{httpserver.port}/hook?a=b"
        headers = {"Content-Type": "application/json", "X-Sign": "1"}
        asked = {"body": b"{}", "headers": headers, "may_be_ours": True, "look_up": leads_to("127.0.0.1")}
        assert outside.post(url, **asked) == 202
        request, _ = httpserver.log[0]
        assert request.host == f"hooks.example.com:{httpserver.port}"
        assert (request.method, request.get_data(), request.headers["X-Sign"]) == ("POST", b"{}", "1")

    def test_follows_no_redirect(self, httpserver: HTTPServer) -> None:
        httpserver.expect_request("/hook").respond_with_data("", status=302, headers={"Location": "/other"})
        assert outside.post(httpserver.url_for("/hook"), body=b"", headers={}, may_be_ours=True) == 302
        assert len(httpserver.log) == 1

    def test_looks_a_name_up_once(self, httpserver: HTTPServer) -> None:
        httpserver.expect_request("/hook").respond_with_data("")
        asked: list[str] = []

        def look_up(host: str, port: int) -> list[str]:
            asked.append(host)
            return ["127.0.0.1"]

        url = f"http://hooks.example.com:{httpserver.port}/hook"
        outside.post(url, body=b"", headers={}, may_be_ours=True, look_up=look_up)
        assert asked == ["hooks.example.com"]

    def test_leaves_a_peer_that_answers_drop_by_drop(self, dripping: int) -> None:
        began = time.monotonic()
        with pytest.raises(outside.NoAnswer):
            outside.post(f"http://127.0.0.1:{dripping}/", body=b"", headers={}, may_be_ours=True, seconds=0.3)
        assert time.monotonic() - began < 3

    def test_says_that_nobody_answers(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        for url in (f"http://127.0.0.1:{port}/", "http://nowhere.invalid/"):
            with pytest.raises(outside.NoAnswer):
                outside.post(url, body=b"", headers={}, may_be_ours=True)

    def test_believes_no_certificate_of_another(self, httpserver: HTTPServer) -> None:
        """A machine that speaks no TLS, or not that name's, gets nothing."""
        with pytest.raises(outside.NoAnswer):
            outside.post(f"https://hooks.example.com:{httpserver.port}/", body=b"secret", headers={},
                         may_be_ours=True, look_up=leads_to("127.0.0.1"))  # fmt: skip
        assert httpserver.log == []
