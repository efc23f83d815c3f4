"""A TikTok shop whose every answer is written down, over real HTTP."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from connectors.base.types import Credentials, StoreIdentity
from connectors.http import CallRecord, HttpClient
from connectors.platforms.tiktok_shop.connector import TikTokShop

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
DONE: dict[str, Any] = {}
GONE = None  # the connection breaks instead of an answer


class Shop:
    """Answers by the last part of the path, each in its turn and the last one for ever. Remembers what was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.region = "US"
        self.answers: dict[str, list[Any]] = {}
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        self.records: list[CallRecord] = []

    def says(self, name: str, *answers: Any) -> None:
        """`data` for a success, a code for a refusal."""
        self.answers[name] = list(answers)

    def answer(self, request: Request) -> Response:
        name = request.path.rpartition("/")[2]
        body = json.loads(request.get_data() or b"null")
        self.asked.append((request.path, dict(request.args), body))
        left = self.answers[name]
        said = left.pop(0) if len(left) > 1 else left[0]
        if said is GONE:
            return Response("<html>Bad gateway</html>", status=502)
        code = said if isinstance(said, int) else 0
        content = {"code": code, "message": f"says {code}", "data": None if code else said, "request_id": "r"}
        return Response(json.dumps(content), mimetype="application/json")

    def named(self, name: str) -> list[tuple[str, dict[str, str], Any]]:
        return [each for each in self.asked if each[0].endswith(f"/{name}")]

    @property
    def speaking(self) -> TikTokShop:
        return TikTokShop(
            config={"APP_KEY": "key", "APP_SECRET": "secret", "API_URL": self.url},
            http=HttpClient(private_keys=TikTokShop.private_keys, record=self.records.append),
            clock=lambda: NOW,
            store=StoreIdentity("7495", "Alice's Candles", region=self.region, extra={"cipher": "ROW_1"}),
            credentials=Credentials("token"),
        )


@pytest.fixture
def shop(httpserver: Any) -> Shop:
    shop = Shop(httpserver.url_for("").rstrip("/"))
    httpserver.expect_request(re.compile(".*")).respond_with_handler(shop.answer)
    return shop
