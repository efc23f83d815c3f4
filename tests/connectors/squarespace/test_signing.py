"""Squarespace's signature, by the sheet's vector."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connectors.platforms.squarespace import signing

VECTOR = json.loads(
    (Path(__file__).resolve().parents[2] / "payloads/squarespace/signature_vector.json").read_text(encoding="utf-8")
)
SECRET = VECTOR["secret_hex"]
BODY = VECTOR["body_utf8"].encode()
GOOD = VECTOR["expected_Squarespace-Signature"]


class TestSignature:
    def test_of_the_vector_is_right(self):
        assert len(BODY) == VECTOR["body_len"]
        assert signing.is_webhook_signed(BODY, GOOD, SECRET)

    def test_made_with_the_secret_as_text_is_refused(self):
        wrong = VECTOR["must_be_rejected_key_not_hex_decoded"]
        assert not signing.is_webhook_signed(BODY, wrong, SECRET)

    @pytest.mark.parametrize(
        ("body", "header", "secret"),
        [
            (BODY + b" ", GOOD, SECRET),
            (BODY, "", SECRET),
            (BODY, GOOD, ""),
            (BODY, GOOD, "not hex"),
            (BODY, "é", SECRET),
        ],
    )
    def test_of_anything_else_is_refused(self, body, header, secret):
        assert not signing.is_webhook_signed(body, header, secret)
