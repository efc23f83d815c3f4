"""Squarespace's signature, by the sheet's vector."""

from __future__ import annotations

import pytest

from connectors.platforms.squarespace import signing

SECRET = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
BODY = (
    b'{"id":"5c2ba184b63ed3cb411ce2b1","websiteId":"5f3c3d55ac435e1a051f77b3","subscriptionId":"5f3c2155d947844beedda991",'
    b'"topic":"order.update","createdOn":"2020-04-22T22:18+00:00","data":{"orderId":"5f3c39ce69e11e796f19990e",'
    b'"update":"FULFILLED"}}'
)
GOOD = "9cd4f16563c840c8aaf25f0731ac5d1061c08351b430766baf6cd84a8bb2f5ec"


class TestSignature:
    def test_of_the_vector_is_right(self):
        assert signing.is_webhook_signed(BODY, GOOD, SECRET)

    def test_made_with_the_secret_as_text_is_refused(self):
        wrong = "24437ab17feb883138ab04941489662513b9c8f859e1a5c15835afba6675957b"
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
