"""What was said to a platform and by it, fit to be shown: no secret, no buyer's data."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

LONGEST_RECORD = 16 * 1024
_MOST_VALUES = 1_000  # of a record: more would not fit into it
REDACTED = "[redacted]"

# Names whose values are secrets on any platform. Buyers' data is named by each platform (`private_keys`).
SECRET_KEYS = frozenset(
    [
        "access_token",
        "refresh_token",
        "app_secret",
        "client_secret",
        "auth_code",
        "code",
        "sign",
        "signature",
        "hmac",
        "authorization",
        "x-tts-access-token",
        "x-shopify-access-token",
        "password",
        "secret",
        "token",
    ]
)


def scrub(value: Any, private: frozenset[str]) -> Any:
    """A copy of a JSON value with every secret and every buyer's datum replaced by a marker."""
    return _scrub(value, _hidden(private), [_MOST_VALUES])


def scrub_text(body: bytes | str | None, private: frozenset[str]) -> str:
    """A body fit for the timeline: scrubbed JSON, cut to size; anything that is not JSON is only measured."""
    if not body:
        return ""
    try:
        parsed = json.loads(body, parse_float=str)
    except (ValueError, RecursionError):
        return f"({len(body)} bytes, not JSON)"
    text = json.dumps(scrub(parsed, private), ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= LONGEST_RECORD else text[:LONGEST_RECORD] + "…"


@cache
def _hidden(private: frozenset[str]) -> frozenset[str]:
    return SECRET_KEYS | private


def _scrub(value: Any, hidden: frozenset[str], left: list[int]) -> Any:
    """`left` counts the values that are still taken over: what would be cut off anyway is not worth the work."""
    if isinstance(value, dict):
        kept: dict[str, Any] = {}
        for key, item in value.items():
            if left[0] <= 0:
                kept["…"] = f"{len(value) - len(kept)} more"
                break
            left[0] -= 1
            if str(key).lower() in hidden and item not in (None, "", [], {}):
                kept[key] = REDACTED
            elif isinstance(item, dict | list):
                kept[key] = _scrub(item, hidden, left)
            else:
                kept[key] = item
        return kept
    if isinstance(value, list):
        rows: list[Any] = []
        for item in value:
            if left[0] <= 0:
                rows.append(f"… {len(value) - len(rows)} more")
                break
            left[0] -= 1
            rows.append(_scrub(item, hidden, left) if isinstance(item, dict | list) else item)
        return rows
    return value
