"""The settings about cancellations and returns: versions, words, and the form."""

from __future__ import annotations

import dataclasses

import pytest

from accounts.access import merchant_rows
from connectors.models import ConnectedStore
from orders import aftersale_forms, saving
from orders.aftersale_forms import AftersalesForm
from orders.aftersale_rules import AftersaleRules, AnswerRule, CancelReason, Reply, Restocking, rules_of
from orders.models import SettingsVersion
from orders.queries.changes import Names, changes_of
from tests.orders.builders import NOON

ALICE = saving.Author(name="Alice", now=NOON)
SMALL = AnswerRule("Small", at_most=2000, within_hours=2, reasons=("mistake",))


def save(tiktok: ConnectedStore, rules: AftersaleRules) -> None:
    with merchant_rows(tiktok.merchant_id):
        saving.save_aftersales(source_store=tiktok, rules=rules, by=ALICE)


def versions(tiktok: ConnectedStore) -> list[SettingsVersion]:
    with merchant_rows(tiktok.merchant_id):
        return list(SettingsVersion.objects.order_by("number"))


class TestSave:
    def test_is_a_version_in_words(self, tiktok: ConnectedStore) -> None:
        save(tiktok, AftersaleRules(cancels_at_source=True, restock_returns=Restocking.NEVER, answer_rules=(SMALL,)))
        (version,) = versions(tiktok)
        names = Names(stores={tiktok.pk: tiktok}, options={})
        told = {change.what: change.after for change in changes_of(version, names)}
        assert told["Stock of what comes back"] == "Never"
        assert told["Orders that you cancel in the store"] == "Are cancelled on TikTok Shop as well"
        assert told["Answer “Small”"] == "Accept, if “mistake”, up to 20.00, within 2 h of the purchase"

    def test_of_nothing_new_is_none(self, tiktok: ConnectedStore) -> None:
        save(tiktok, AftersaleRules())
        assert versions(tiktok) == []

    def test_comes_back(self, tiktok: ConnectedStore) -> None:
        save(tiktok, AftersaleRules(answer_rules=(SMALL,)))
        save(tiktok, AftersaleRules())
        with merchant_rows(tiktok.merchant_id):
            saving.restore(version=versions(tiktok)[0], by=ALICE)
            assert rules_of(tiktok.pk).answer_rules == (SMALL,)

    def test_of_a_shop_without_a_setup_makes_one(self, tiktok: ConnectedStore) -> None:
        with merchant_rows(tiktok.merchant_id):
            tiktok.setup.delete()
        save(tiktok, AftersaleRules(restock_cancelled=False))
        with merchant_rows(tiktok.merchant_id):
            assert rules_of(tiktok.pk).restock_cancelled is False


class TestForm:
    def filled(self, **more: str) -> dict[str, str]:
        base = {
            "restock_cancelled": "yes", "cancels_at_source": "no", "cancel_reason": "out_of_stock",
            "restock_returns": "ASK",
        }  # fmt: skip
        row = {
            "name": "Small",
            "reply": "ACCEPT",
            "reasons": "mistake",
            "at_most": "20",
            "within_hours": "2",
            "reason": "",
        }
        return base | {f"answer_rules-0-{name}": value for name, value in row.items()} | more

    def form(self, tiktok: ConnectedStore, **more: str) -> AftersalesForm:
        with merchant_rows(tiktok.merchant_id):
            return AftersalesForm(self.filled(**more), source_store=tiktok)

    def test_has_a_field_for_every_rule(self) -> None:
        assert aftersale_forms.fields_of() == {each.name for each in dataclasses.fields(AftersaleRules)}

    def test_says_what_would_be_kept(self, tiktok: ConnectedStore) -> None:
        form = self.form(tiktok, **{"store_reasons-0-word": "inventory", "store_reasons-0-reason": "out_of_stock"})
        assert form.is_valid(), form.errors
        said = form.proposed()
        assert said.answer_rules == (SMALL,)
        assert said.store_reasons == {"INVENTORY": CancelReason.OUT_OF_STOCK}

    def test_shows_what_is_kept(self, tiktok: ConnectedStore) -> None:
        save(tiktok, AftersaleRules(answer_rules=(SMALL,), cancels_at_source=True))
        with merchant_rows(tiktok.merchant_id):
            form = AftersalesForm(source_store=tiktok)
        rows = {row.bound.name: row for row in form.rows()}
        assert rows["answer_rules"].bound.value()[0]["at_most"] == "20.00"
        assert rows["cancels_at_source"].bound.value() == "yes"
        assert [card.choice.value for card in rows["restock_returns"].cards if card.is_chosen] == ["ASK"]

    @pytest.mark.parametrize(
        ("more", "why"),
        [
            ({"answer_rules-0-name": ""}, "give the rule a name"),
            ({"answer_rules-0-reply": "REFUSE"}, "without a reason"),
            ({"answer_rules-0-at_most": "twenty"}, "Rule 1"),
            ({"answer_rules-0-within_hours": "1.5"}, "whole hours"),
        ],
    )
    def test_names_what_is_wrong(self, tiktok: ConnectedStore, more: dict[str, str], why: str) -> None:
        form = self.form(tiktok, **more)
        assert not form.is_valid()
        assert why in str(form.errors)

    def test_refuses_are_kept_with_their_reason(self, tiktok: ConnectedStore) -> None:
        form = self.form(tiktok, **{"answer_rules-0-reply": "REFUSE", "answer_rules-0-reason": "packed"})
        assert form.is_valid()
        assert form.proposed().answer_rules[0].reply is Reply.REFUSE
