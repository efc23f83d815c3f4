"""What every platform must do, source and destinations alike: consent, tokens, trouble, signatures."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.base.errors import (
    AuthorizationError,
    InvalidSignature,
    PlatformError,
    RateLimited,
    TemporaryError,
)
from connectors.base.events import EventKind
from connectors.base.types import RawRequest
from tests.contracts.conftest import SITE, Place


def read(place: Place) -> Any:
    """Some call that only reads."""
    return place.speak().list_stores()


class TestConsent:
    def test_leads_to_a_store_with_a_currency_and_tokens(self, anyone: Place) -> None:
        assert anyone.store.external_id
        assert anyone.store.currency == "USD"
        assert anyone.credentials.access_token

    def test_that_is_refused_is_read_as_refused(self, anyone: Place) -> None:
        answer = anyone.answer(state="s2", decision="refuse")
        assert answer.error
        assert answer.state in ("s2", "")

    def test_brings_back_the_state(self, anyone: Place) -> None:
        assert anyone.answer(state="s3").state == "s3"

    def test_code_works_once(self, anyone: Place) -> None:
        answer = anyone.answer(state="s4")
        anyone.speak().exchange_code(answer)
        if anyone.platform == "wix":
            pytest.skip("the grant is the installation itself, proved by its signature")
        with pytest.raises(PlatformError):
            anyone.speak().exchange_code(answer)

    def test_of_somebody_else_is_not_taken(self, anyone: Place) -> None:
        """A callback without our state, or with its signature spoiled, is refused or left to a person to confirm."""
        request = anyone.callback(state="s5")
        query = {name: value for name, value in request.query.items() if name != "state"}
        try:
            answer = anyone.speak().read_callback(replace(request, query=query))
        except InvalidSignature:
            return
        assert answer.state == ""


class TestToken:
    def test_that_lapsed_is_an_authorization_failure_and_is_refreshed(self, anyone: Place) -> None:
        anyone.control("expire_tokens")
        with pytest.raises(AuthorizationError):
            read(anyone)
        anyone.credentials = anyone.speak().refresh()
        assert read(anyone)[0].external_id == anyone.store.external_id

    def test_that_cannot_be_refreshed_says_so(self, anyone: Place) -> None:
        anyone.control("expire_tokens", refresh=True)
        with pytest.raises(AuthorizationError):
            anyone.speak().refresh()

    def test_is_never_shown(self, anyone: Place) -> None:
        assert anyone.credentials.access_token not in repr(anyone.credentials)
        if anyone.credentials.refresh_token:
            assert anyone.credentials.refresh_token not in repr(anyone.credentials)


class TestTrouble:
    def test_of_too_many_calls_is_told_with_a_wait(self, anyone: Place) -> None:
        anyone.fault("status", status=429, retry_after=7.0)
        with pytest.raises(RateLimited) as caught:
            read(anyone)
        assert caught.value.retry_after == 7.0

    @pytest.mark.parametrize("status", [500, 502, 503])
    def test_on_their_side_passes(self, anyone: Place, status: int) -> None:
        anyone.fault("status", status=status)
        with pytest.raises(TemporaryError):
            read(anyone)
        assert read(anyone)

    @pytest.mark.parametrize("kind", ["garbage", "reset_before", "reset_after"])
    def test_on_the_way_passes(self, anyone: Place, kind: str) -> None:
        anyone.fault(kind)
        with pytest.raises(PlatformError):
            read(anyone)
        assert read(anyone)


class TestWebhook:
    @pytest.fixture
    def delivery(self, anyone: Place) -> RawRequest:
        """A webhook as it leaves the platform."""
        if not anyone.kind.features.webhooks:
            pytest.skip(f"{anyone.kind.label} sends no webhooks")
        caught: list[RawRequest] = []

        def catch(platform: str, url: str, headers: dict[str, str], body: bytes, *_: str) -> None:
            if platform == anyone.platform and url.startswith(SITE):
                caught.append(RawRequest(body=body, headers={name.lower(): value for name, value in headers.items()}))

        anyone.world.outgoing.send = catch  # type: ignore[method-assign]  # the network is not the subject here
        if anyone.platform == "tiktok_shop":
            anyone.control("buy", shop="Alice's Candles")
        else:
            anyone.create()
            order = anyone.order()
            anyone.control("ship", shop=order["shop"], order=order["name"], tracking_number="9400", carrier="USPS")
        return caught[-1]

    def test_that_is_genuine_names_its_store_and_an_order(self, anyone: Place, delivery: RawRequest) -> None:
        speaker = anyone.speak()
        speaker.verify_webhook(delivery)
        assert speaker.store_of(delivery) == anyone.store.external_id
        (event,) = speaker.parse_webhook(delivery)
        assert event.kind is not EventKind.UNKNOWN
        assert event.external_id
        assert speaker.delivery_key(delivery) == speaker.delivery_key(delivery) != ""

    def test_that_was_changed_is_refused(self, anyone: Place, delivery: RawRequest) -> None:
        with pytest.raises(InvalidSignature):
            anyone.speak().verify_webhook(replace(delivery, body=delivery.body[:-2] + b" " + delivery.body[-2:]))

    def test_without_a_signature_is_refused(self, anyone: Place, delivery: RawRequest) -> None:
        unsigned = {name: value for name, value in delivery.headers.items() if not _is_signature(name)}
        body = delivery.body.rpartition(b".")[0] + b"." if anyone.platform == "wix" else delivery.body
        with pytest.raises(InvalidSignature):
            anyone.speak().verify_webhook(RawRequest(body=body, headers=unsigned))

    def test_that_is_old_is_refused_where_its_age_is_signed(self, anyone: Place, delivery: RawRequest) -> None:
        anyone.world.advance(timedelta(days=2).total_seconds())
        speaker = anyone.speak()
        if anyone.platform == "wix":
            with pytest.raises(InvalidSignature):
                speaker.verify_webhook(delivery)
        else:
            # No moment is signed: what is repeated is recognised by its key.
            assert speaker.delivery_key(delivery)


def _is_signature(name: str) -> bool:
    return "signature" in name or "hmac" in name or name == "authorization"
