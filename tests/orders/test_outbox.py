"""Say it, claim it, do it, settle it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError

from accounts.access import merchant_rows
from connectors.base.errors import OutcomeUnknown, PermanentError, RateLimited
from connectors.base.types import SourceStatus
from connectors.models import ConnectedStore
from orders import outbox
from orders.ingest import store_order
from orders.models import OutboxItem, OutboxKind, OutboxStatus
from tests.orders.builders import NOON, seen

SOON = NOON + timedelta(seconds=5)


@pytest.fixture
def item(tiktok: ConnectedStore, shopify: ConnectedStore) -> OutboxItem:
    store_order(seen=seen(SourceStatus.AWAITING_SHIPMENT), store=tiktok, now=NOON)
    with merchant_rows(tiktok.merchant_id):
        return outbox.claim(store=shopify, now=NOON, limit=5)[0]


def again(item: OutboxItem) -> OutboxItem:
    with merchant_rows(item.merchant_id):
        return OutboxItem.objects.get(pk=item.pk)


class TestClaim:
    def test_gives_an_item_to_one_only(self, item: OutboxItem, shopify: ConnectedStore) -> None:
        with merchant_rows(item.merchant_id):
            assert outbox.claim(store=shopify, now=SOON, limit=5) == []

    def test_never_lets_a_cancel_overtake_its_create(self, item: OutboxItem, shopify: ConnectedStore) -> None:
        with merchant_rows(item.merchant_id):
            outbox.enqueue(
                order=item.order, store=shopify, kind=OutboxKind.CANCEL_ORDER, reference=item.reference, now=NOON
            )
            outbox.postpone(item=item, now=NOON, error="busy", wait=60)
            assert outbox.claim(store=shopify, now=SOON, limit=5) == []


class TestPauseAfter:
    def test_is_short_for_five_minutes_and_grows_then(self) -> None:
        pauses = [outbox.pause_after(attempts) for attempts in range(1, outbox.MOST_ATTEMPTS)]
        assert pauses[:5] == [2, 4, 8, 16, 20]
        assert max(pauses[:16]) == 20
        assert 240 <= sum(pauses[:16]) <= 300
        assert pauses[16:20] == [40, 80, 160, 320]
        assert pauses[-1] == 900
        assert sum(pauses) > 4 * 3600  # a person is asked only then


class TestWaitBehind:
    def test_keeps_what_waits_for_an_older_one_from_waking_its_lane(
        self, item: OutboxItem, shopify: ConnectedStore
    ) -> None:
        with merchant_rows(item.merchant_id):
            behind = outbox.enqueue(
                order=item.order, store=shopify, kind=OutboxKind.CANCEL_ORDER, reference=item.reference, now=NOON
            )
            outbox.postpone(item=item, now=NOON, error="busy", wait=60)
            assert outbox.wait_behind(store=shopify, now=SOON) == 1
            assert outbox.wait_behind(store=shopify, now=SOON) == 0
        assert again(behind).not_before == SOON + timedelta(seconds=5)

    def test_leaves_alone_what_waits_for_nothing(self, item: OutboxItem, shopify: ConnectedStore) -> None:
        with merchant_rows(item.merchant_id):
            outbox.postpone(item=item, now=NOON, error="busy", wait=0)
            assert outbox.wait_behind(store=shopify, now=SOON) == 0


class TestAhead:
    """What is asked and answered at the source about a request, beside a parcel that waits for the answer."""

    def two(self, item: OutboxItem, tiktok: ConnectedStore) -> tuple[OutboxItem, OutboxItem]:
        with merchant_rows(item.merchant_id):
            said = {"order": item.order, "store": tiktok, "reference": "r", "now": NOON}
            push = outbox.enqueue(**said, kind=OutboxKind.PUSH_TRACKING, subject="1")
            return push, outbox.enqueue(**said, kind=OutboxKind.ANSWER_CANCEL, subject="2")

    def test_goes_before_what_is_older(self, item: OutboxItem, tiktok: ConnectedStore) -> None:
        _, answer = self.two(item, tiktok)
        with merchant_rows(item.merchant_id):
            assert [each.pk for each in outbox.claim(store=tiktok, now=SOON, limit=5)] == [answer.pk]
            assert outbox.claim(store=tiktok, now=SOON, limit=5) == []

    def test_that_is_not_due_keeps_nothing_waiting(self, item: OutboxItem, tiktok: ConnectedStore) -> None:
        push, answer = self.two(item, tiktok)
        with merchant_rows(item.merchant_id):
            OutboxItem.objects.filter(pk=answer.pk).update(not_before=NOON + timedelta(hours=1))
            assert [each.pk for each in outbox.claim(store=tiktok, now=SOON, limit=5)] == [push.pk]

    def test_waits_for_what_is_under_way(self, item: OutboxItem, tiktok: ConnectedStore) -> None:
        push, answer = self.two(item, tiktok)
        with merchant_rows(item.merchant_id):
            OutboxItem.objects.filter(pk=answer.pk).update(not_before=NOON + timedelta(hours=1))
            outbox.claim(store=tiktok, now=SOON, limit=5)
            OutboxItem.objects.filter(pk=answer.pk).update(not_before=NOON)
            assert outbox.claim(store=tiktok, now=SOON, limit=5) == []
            assert outbox.wait_behind(store=tiktok, now=SOON) == 1
        assert again(answer).not_before > SOON
        assert again(push).status == OutboxStatus.IN_FLIGHT

    def test_never_makes_two_of_an_order_be_under_way(self, item: OutboxItem, tiktok: ConnectedStore) -> None:
        push, answer = self.two(item, tiktok)
        with merchant_rows(item.merchant_id):
            until = NOON + outbox.LEASE
            flying = OutboxItem.objects.filter(pk=push.pk)
            flying.update(status=OutboxStatus.IN_FLIGHT, lease_until=until)
        with pytest.raises(IntegrityError), merchant_rows(item.merchant_id):
            OutboxItem.objects.filter(pk=answer.pk).update(status=OutboxStatus.IN_FLIGHT, lease_until=until)


class TestSending:
    def test_marks_the_item_doubtful_before_the_call(self, item: OutboxItem) -> None:
        with outbox.sending(item=item, now=SOON):
            assert again(item).is_doubtful

    def test_leaves_it_doubtful_when_no_answer_came(self, item: OutboxItem) -> None:
        with pytest.raises(OutcomeUnknown), outbox.sending(item=item, now=SOON):
            raise OutcomeUnknown("silence")
        assert item.is_doubtful

    def test_waits_until_absent_is_sure_since_the_mark_or_a_shorter_time_since_the_connection_broke(
        self, item: OutboxItem, shopify: ConnectedStore
    ) -> None:
        with pytest.raises(OutcomeUnknown), outbox.sending(item=item, now=SOON):
            raise OutcomeUnknown("cut off")
        assert again(item).sure_at == SOON + outbox.SURE_AFTER  # all that is known if nobody lives to tell more
        with merchant_rows(item.merchant_id):
            outbox.postpone(item=item, now=SOON, error="cut off", wait=0, is_doubtful=True)
            tried = outbox.claim(store=shopify, now=SOON, limit=1)[0]
            assert tried.sure_at == SOON + outbox.SURE_AFTER_FAILURE
            later = SOON + timedelta(seconds=10)  # a look that finds nothing is no call that could be cut off
            outbox.postpone(item=tried, now=later, error="not there", wait=0, is_doubtful=True)
        assert again(item).sure_at == SOON + outbox.SURE_AFTER_FAILURE

    def test_takes_a_refusal_for_an_answer(self, item: OutboxItem) -> None:
        with pytest.raises(PermanentError), outbox.sending(item=item, now=SOON):
            raise PermanentError("no")
        assert not item.is_doubtful

    def test_learns_nothing_of_an_earlier_call_from_the_answer_to_a_later_one(
        self, item: OutboxItem, shopify: ConnectedStore
    ) -> None:
        may_come_until = SOON + outbox.SURE_AFTER_FAILURE
        tried = self._tried_again(item, shopify, at=SOON + timedelta(seconds=1))
        assert tried.is_doubtful
        assert tried.sure_at == may_come_until
        tried = self._tried_again(item, shopify, at=may_come_until)
        assert not tried.is_doubtful

    def _tried_again(self, item: OutboxItem, shopify: ConnectedStore, *, at: datetime) -> OutboxItem:
        """Cut off, and refused the second time."""
        with pytest.raises(OutcomeUnknown), outbox.sending(item=item, now=SOON):
            raise OutcomeUnknown("cut off")
        with merchant_rows(item.merchant_id):
            outbox.postpone(item=item, now=SOON, error="cut off", wait=0, is_doubtful=True)
            tried = outbox.claim(store=shopify, now=at, limit=1)[0]
        with pytest.raises(RateLimited), outbox.sending(item=tried, now=at):
            raise RateLimited("busy")
        with merchant_rows(item.merchant_id):
            outbox.postpone(item=tried, now=at, error="busy", wait=0, is_doubtful=tried.is_doubtful)
            item.status, item.fence = OutboxStatus.IN_FLIGHT, outbox.claim(store=shopify, now=at, limit=1)[0].fence
        return again(item)

    def test_is_refused_to_whoever_lost_the_item(self, item: OutboxItem, shopify: ConnectedStore) -> None:
        late = NOON + outbox.LEASE + timedelta(seconds=1)
        with merchant_rows(item.merchant_id):
            assert outbox.rescue(store=shopify, now=late) == 1
            outbox.claim(store=shopify, now=late, limit=1)
        with pytest.raises(outbox.LostLease), outbox.sending(item=item, now=late):
            pytest.fail("sent all the same")


class TestWaitForPlatform:
    def test_the_try_does_not_count_and_a_call_that_was_cut_off_stays_in_doubt(
        self, item: OutboxItem, shopify: ConnectedStore
    ) -> None:
        with pytest.raises(OutcomeUnknown) as caught, outbox.sending(item=item, now=NOON):
            raise OutcomeUnknown("cut off")
        with merchant_rows(item.merchant_id):
            outbox.wait_for_platform(failed=[(item, caught.value)], now=SOON)
        left = again(item)
        assert (left.status, left.attempts, left.last_error, left.not_before) == ("PENDING", 0, "cut off", SOON)
        assert (left.is_doubtful, left.sure_at) == (True, SOON + outbox.SURE_AFTER_FAILURE)

    def test_leaves_alone_what_somebody_else_holds(self, item: OutboxItem, shopify: ConnectedStore) -> None:
        late = NOON + outbox.LEASE + timedelta(seconds=1)
        with merchant_rows(item.merchant_id):
            outbox.rescue(store=shopify, now=late)
            outbox.claim(store=shopify, now=late, limit=1)
            outbox.wait_for_platform(failed=[(item, RateLimited("busy"))], now=late)
        assert again(item).status == OutboxStatus.IN_FLIGHT


class TestGiveBack:
    def test_is_as_if_the_try_had_not_been(self, item: OutboxItem, shopify: ConnectedStore) -> None:
        with merchant_rows(item.merchant_id):
            outbox.mark_sending(items=[item], now=NOON)
            outbox.give_back(items=[item], now=SOON)
            given = again(item)
            assert (given.status, given.attempts, given.is_doubtful) == (OutboxStatus.PENDING, 0, False)
            assert [each.pk for each in outbox.claim(store=shopify, now=SOON, limit=1)] == [item.pk]

    def test_leaves_the_doubt_about_an_earlier_call(self, item: OutboxItem, shopify: ConnectedStore) -> None:
        with merchant_rows(item.merchant_id):
            outbox.mark_sending(items=[item], now=NOON)
            outbox.postpone(item=item, now=NOON, error="cut off", wait=0, is_doubtful=True)
            tried = outbox.claim(store=shopify, now=SOON, limit=1)
            outbox.mark_sending(items=tried, now=SOON)
            outbox.give_back(items=tried, now=SOON)
            assert again(item).is_doubtful
            assert again(item).sure_at == NOON + outbox.SURE_AFTER

    def test_leaves_alone_what_somebody_else_holds(self, item: OutboxItem, shopify: ConnectedStore) -> None:
        late = NOON + outbox.LEASE + timedelta(seconds=1)
        with merchant_rows(item.merchant_id):
            outbox.rescue(store=shopify, now=late)
            outbox.claim(store=shopify, now=late, limit=1)
            outbox.give_back(items=[item], now=late)
            assert again(item).status == OutboxStatus.IN_FLIGHT


class TestFindOut:
    def test_has_what_was_parked_in_doubt_tried_again(self, item: OutboxItem, shopify: ConnectedStore) -> None:
        with merchant_rows(item.merchant_id):
            outbox.settle(item=item, status=OutboxStatus.PARKED, now=NOON, reason="permanent", is_doubtful=True)
            assert outbox.find_out(order=item.order, kind=OutboxKind.CREATE_ORDER, now=SOON) == 1
            assert outbox.claim(store=shopify, now=SOON, limit=1)[0].is_doubtful

    def test_leaves_what_surely_was_not_done(self, item: OutboxItem) -> None:
        with merchant_rows(item.merchant_id):
            outbox.settle(item=item, status=OutboxStatus.PARKED, now=NOON, reason="permanent")
            assert outbox.find_out(order=item.order, kind=OutboxKind.CREATE_ORDER, now=SOON) == 0


class TestSettle:
    def test_is_refused_to_whoever_lost_the_item(self, item: OutboxItem, shopify: ConnectedStore) -> None:
        late = NOON + outbox.LEASE + timedelta(seconds=1)
        with merchant_rows(item.merchant_id):
            outbox.rescue(store=shopify, now=late)
        with pytest.raises(outbox.LostLease), merchant_rows(item.merchant_id):
            outbox.settle(item=item, status=OutboxStatus.DONE, now=late)

    def test_a_crash_after_sending_leaves_a_doubtful_item_for_the_next(
        self, item: OutboxItem, shopify: ConnectedStore
    ) -> None:
        late = NOON + outbox.LEASE + timedelta(seconds=1)
        with outbox.sending(item=item, now=NOON):
            pass
        with merchant_rows(item.merchant_id):
            outbox.rescue(store=shopify, now=late)
            assert outbox.claim(store=shopify, now=late, limit=1)[0].is_doubtful


class TestResume:
    def test_makes_parked_items_due(self, item: OutboxItem, shopify: ConnectedStore) -> None:
        with merchant_rows(item.merchant_id):
            outbox.settle(item=item, status=OutboxStatus.PARKED, now=NOON, reason="permanent")
            assert outbox.resume(order=item.order, now=SOON) == 1
            assert outbox.claim(store=shopify, now=SOON, limit=1)
