"""What differs between two states of a setting, in the merchant's words: names instead of ids, before and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.base.money import to_text
from connectors.models import ConnectedStore
from connectors.registry import connector_class
from orders import choices, merchant_words
from orders.aftersale_rules import AftersaleRules, AnswerRule
from orders.alert_rules import AlertRules
from orders.deadlines import DeadlineRules
from orders.fields import value_in_words
from orders.models import AlertKind, Concern, HoldMode, RouteRule, SettingsVersion
from orders.queries.settings import store_label
from orders.rules import FilterBy, RouteRules

_ROUTE_WORDS = {
    "rule": "Takes",
    "position": "Asked as number",
    "skus": "SKUs",
    "warehouse_ids": "Warehouses",
    "least_share": "At least this share, in percent",
    "takes_part": "May take a part of an order",
    "leaves_rest": "Leaves the rest to you",
    "hold_mode": choices.NAMES["hold_mode"],
    "extra_hold_hours": choices.NAMES["extra_hold_hours"],
    "is_on": "Is on",
}
NOTHING = "—"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs, in words."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Names:
    """What ids are called: the merchant's stores, and TikTok's delivery options."""

    stores: Mapping[int, ConnectedStore]
    options: Mapping[str, str]

    def store(self, pk: str | int) -> str:
        """A store among others; one that is no more is said to be."""
        found = self.stores.get(int(pk))
        return store_label(found) if found else "A store that is no more"

    def option(self, option_id: str) -> str:
        """A delivery option, by its name as far as an order told it."""
        return self.options.get(option_id, option_id) if option_id else "Any other option"


def changes_in_words(*, concern: Concern, about: str, before: Any, after: Any, names: Names) -> list[Change]:
    """Each difference between two states of this concern. Pure."""
    rows = {
        Concern.ROUTES: _routes,
        Concern.RULES: _rules,
        Concern.SHIPPING: _shipping,
        Concern.CARRIERS: _carriers,
        Concern.LINKS: _links,
        Concern.STORE: _store,
        Concern.SYNC: _sync,
        Concern.DEADLINES: _deadlines,
        Concern.ALERTS: _alerts,
        Concern.AFTERSALES: _aftersales,
    }[concern]
    found = [(what, _said(old), _said(new)) for what, old, new in rows(about, before or {}, after or {}, names)]
    return [Change(what, old, new) for what, old, new in found if old != new]


def changes_of(version: SettingsVersion, names: Names) -> list[Change]:
    """What a version changed, in words: the state before is its own document with its changes undone."""
    before = undone(version.document, version.changes)
    return changes_in_words(
        concern=Concern(version.concern), about=version.about, before=before, after=version.document, names=names
    )


def undone(document: Any, changes: Sequence[Mapping[str, Any]]) -> Any:
    """The state before these changes led to `document`. Pure."""
    leaves = {path: value for path, value in _leaves(document) if path}
    for change in changes:
        path = tuple(change["what"])
        leaves.pop(path, None)
        if path and change["before"] is not None:
            leaves[path] = change["before"]
    before: dict[str, Any] = {}
    for path, value in leaves.items():
        place = before
        for name in path[:-1]:
            place = place.setdefault(name, {})
        place[path[-1]] = value
    return before


def about_in_words(*, about: str, names: Names) -> str:
    """What a version is about: the shop, the store, or the two of a route."""
    return " › ".join(names.store(each) for each in about.split("-")) if about else ""


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from _leaves(part, (*path, str(name)))
    else:
        yield path, value


_Rows = Iterator[tuple[str, Any, Any]]  # what, before, after


def _routes(_about: str, before: Any, after: Any, names: Names) -> _Rows:
    for store_id in dict.fromkeys([*before, *after]):
        old, new, where = before.get(store_id), after.get(store_id), names.store(store_id)
        if old is None or new is None:
            yield f"Route to {where}", _route_in_words(old), _route_in_words(new)
            continue
        for name, words in _ROUTE_WORDS.items():
            yield f"{where}: {words}", _route_value(name, old.get(name)), _route_value(name, new.get(name))


def _route_in_words(said: Mapping[str, Any] | None) -> str:
    return _route_value("rule", said["rule"]) if said else "No route"


def _route_value(name: str, value: Any) -> str:
    if name == "rule":
        return str(RouteRule(value).label)
    if name == "hold_mode":
        return choices.in_words(name, HoldMode(value))
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return ", ".join(value) if isinstance(value, list) else str(value)


def _rules(about: str, before: Any, after: Any, names: Names) -> _Rows:
    old, new = RouteRules.from_json(before), RouteRules.from_json(after)
    source = names.stores.get(int(about.split("-")[0]))
    currency = (source.currency if source else "") or "USD"
    for name, words in choices.NAMES.items():
        if not hasattr(old, name) or name in ("filters", "locations"):
            continue
        yield words, choices.in_words(name, getattr(old, name)), choices.in_words(name, getattr(new, name))
    for warehouse in dict.fromkeys([*old.locations, *new.locations]):
        yield f"Location of warehouse {warehouse}", old.locations.get(warehouse), new.locations.get(warehouse)
    was, is_now = ({each.name: each for each in rules.filters} for rules in (old, new))
    for name in dict.fromkeys([*was, *is_now]):
        yield f"Filter “{name}”", _filter(was.get(name), currency), _filter(is_now.get(name), currency)


def _filter(kept: Any, currency: str) -> str:
    if kept is None:
        return ""
    title = choices.choice_of("filter_by", FilterBy(kept.by))
    return f"{title.title if title else kept.by} {value_in_words(kept, currency)}"


def _shipping(_about: str, before: Any, after: Any, names: Names) -> _Rows:
    for option in dict.fromkeys([*before, *after]):
        told = after.get(option, before.get(option, {})).get("name")
        what = "Any other option" if not option else told or names.option(option)
        yield what, _method(before.get(option)), _method(after.get(option))


def _method(kept: Mapping[str, str] | None) -> str:
    if not kept:
        return ""
    return kept["title"] if kept["title"] == kept["code"] else f"{kept['title']} ({kept['code']})"


def _carriers(_about: str, before: Any, after: Any, names: Names) -> _Rows:
    for option in dict.fromkeys([*before, *after]):
        old, new = before.get(option, {}), after.get(option, {})
        where = f", {names.option(option)}" if option else ""
        for text in dict.fromkeys([*old, *new]):
            before_it, after_it = (kept.get(text, {}).get("carrier_name", "") for kept in (old, new))
            yield f"“{text}”{where}", before_it, after_it


def _links(_about: str, before: Any, after: Any, _names: Names) -> _Rows:
    for sku in dict.fromkeys([*before, *after]):
        # A key with a space before is the very spelling, one without is any case: orders/components.py.
        yield sku.strip() if sku.startswith(" ") else sku.upper(), _link(before.get(sku)), _link(after.get(sku))


def _link(kept: Mapping[str, Any] | None) -> str:
    if not kept:
        return ""
    return str(kept.get("title") or kept.get("variant_id", ""))


def _store(about: str, before: Any, after: Any, names: Names) -> _Rows:
    found = names.stores.get(int(about))
    options = {each.name: each for each in connector_class(found.platform).options} if found else {}
    for name in dict.fromkeys([*before, *after]):
        option = options.get(name)
        labels = dict(option.choices) if option else {}
        default = option.choices[0][0] if option else ""
        old, new = (kept.get(name, default) for kept in (before, after))
        yield option.label if option else name, labels.get(old, old), labels.get(new, new)


def _sync(_about: str, before: Any, after: Any, _names: Names) -> _Rows:
    yield "Order sync", _on(before), _on(after)


def _deadlines(_about: str, before: Any, after: Any, _names: Names) -> _Rows:
    old, new = DeadlineRules.from_json(before), DeadlineRules.from_json(after)
    for name, words in merchant_words.DEADLINES.items():
        yield (
            words,
            merchant_words.in_words(name, getattr(old, name)),
            merchant_words.in_words(name, getattr(new, name)),
        )


def _alerts(_about: str, before: Any, after: Any, _names: Names) -> _Rows:
    old, new = AlertRules.from_json(before), AlertRules.from_json(after)
    for name, words in merchant_words.CHANNELS.items():
        was, is_now = getattr(old, name), getattr(new, name)
        for kind in AlertKind:
            yield f"{kind.label}: {words}", _yes(kind.value in was), _yes(kind.value in is_now)
    for name, words in merchant_words.ALERTS.items():
        yield (
            words,
            merchant_words.in_words(name, getattr(old, name)),
            merchant_words.in_words(name, getattr(new, name)),
        )


def _yes(is_so: bool) -> str:
    return "Yes" if is_so else "No"


def _aftersales(about: str, before: Any, after: Any, names: Names) -> _Rows:
    old, new = AftersaleRules.from_json(before), AftersaleRules.from_json(after)
    source = names.stores.get(int(about))
    currency = (source.currency if source else "") or "USD"
    for name in ("restock_cancelled", "cancels_at_source", "cancel_reason", "restock_returns"):
        yield (
            choices.NAMES[name],
            choices.in_words(name, getattr(old, name)),
            choices.in_words(name, getattr(new, name)),
        )
    for word in dict.fromkeys([*old.store_reasons, *new.store_reasons]):
        said = [choices.in_words("cancel_reason", kept.store_reasons.get(word, "")) for kept in (old, new)]
        yield f"Reason for “{word}”", said[0], said[1]
    was, is_now = ({each.name: each for each in rules.answer_rules} for rules in (old, new))
    for name in dict.fromkeys([*was, *is_now]):
        yield f"Answer “{name}”", rule_in_words(was.get(name), currency), rule_in_words(is_now.get(name), currency)


def rule_in_words(rule: AnswerRule | None, currency: str) -> str:
    """What a rule answers, and to which requests: Accept, if “mistake”, up to 20.00, within 24 h."""
    if rule is None:
        return ""
    parts = [choices.in_words("reply", rule.reply)]
    if rule.reasons:
        parts.append(f"if {' or '.join(f'“{each}”' for each in rule.reasons)}")
    if rule.at_most:
        parts.append(f"up to {to_text(rule.at_most, currency)}")
    if rule.within_hours:
        parts.append(f"within {rule.within_hours} h of the purchase")
    return ", ".join(parts)


def _on(kept: Mapping[str, Any]) -> str:
    return "On" if kept.get("is_on") else "Off"


def _said(value: Any) -> str:
    return str(value) if value not in ("", None) else NOTHING
