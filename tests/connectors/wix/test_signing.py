"""Wix's signatures, by the sheet's vectors."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.platforms.wix import signing

SAMPLES = Path(__file__).resolve().parents[3].parent / "shared/contracts/samples/wix"
NOW = datetime(2026, 1, 1, 1, tzinfo=UTC)


@pytest.fixture
def vectors():
    if not SAMPLES.is_dir():
        pytest.skip("needs the contracts folder")
    return json.loads((SAMPLES / "signature_vectors.json").read_text())


class TestToken:
    def test_of_the_vector_is_believed(self, vectors):
        told = vectors["webhook_jwt"]
        body = told["request_body_is_exactly_this_token"].encode()
        claims = signing.claims_of(body, told["public_key_pem"], now=NOW)
        assert claims == told["decoded_claims"]

    def test_is_verified_with_a_key_wrapped_in_base64(self, vectors):
        told = vectors["webhook_jwt"]
        wrapped = base64.b64encode(told["public_key_pem"].encode()).decode()
        assert signing.claims_of(told["request_body_is_exactly_this_token"].encode(), wrapped, now=NOW)

    @pytest.mark.parametrize(
        "name", ["must_be_rejected_tampered", "must_be_rejected_hs256_with_public_key", "must_be_rejected_alg_none"]
    )
    def test_that_is_forged_is_refused(self, vectors, name):
        told = vectors["webhook_jwt"]
        assert signing.claims_of(told[name].encode(), told["public_key_pem"], now=NOW) is None

    def test_that_ran_out_is_refused_on_arrival_only(self, vectors):
        told = vectors["webhook_jwt"]
        body, late = told["request_body_is_exactly_this_token"].encode(), datetime(2110, 1, 1, tzinfo=UTC)
        assert signing.claims_of(body, told["public_key_pem"], now=late) is None
        assert signing.claims_of(body, told["public_key_pem"], now=None)

    @pytest.mark.parametrize("body", [b"", b"a.b", b"a.b.c", b"\xff.\xff.\xff", b"{}"])
    def test_that_is_none_is_refused(self, vectors, body):
        assert signing.claims_of(body, vectors["webhook_jwt"]["public_key_pem"], now=NOW) is None

    @pytest.mark.parametrize("key", ["", "not a key", "LS0t"])
    def test_is_refused_without_a_key(self, vectors, key):
        body = vectors["webhook_jwt"]["request_body_is_exactly_this_token"].encode()
        assert signing.claims_of(body, key, now=NOW) is None


class TestInstance:
    def test_of_the_vector_names_the_installation(self, vectors):
        told = vectors["dashboard_instance_param"]
        assert signing.instance_of(told["instance"], told["app_secret"], now=NOW) == told["decoded"]["instanceId"]

    def test_that_is_forged_is_refused(self, vectors):
        told = vectors["dashboard_instance_param"]
        assert signing.instance_of(told["must_be_rejected"], told["app_secret"], now=NOW) == ""
        assert signing.instance_of(told["instance"], "", now=NOW) == ""
        assert signing.instance_of(told["decoded"]["instanceId"], told["app_secret"], now=NOW) == ""

    def test_that_is_old_is_refused(self, vectors):
        told = vectors["dashboard_instance_param"]
        assert signing.instance_of(told["instance"], told["app_secret"], now=datetime(2026, 1, 1, 5, tzinfo=UTC)) == ""
