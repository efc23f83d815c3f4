"""Which of the source's carriers a store's word means. Never guesses: no match is a question for a person."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from connectors.base.types import Carrier
from connectors.models import ConnectedStore
from orders.carrier_numbers import carriers_like
from orders.models import CarrierMapping

# Names that stores use for the same carrier, after `bare`. The first is the carrier's short name.
_SAME = (
    ("usps", "unitedstatespostalservice", "uspostalservice", "uspsus"),
    ("ups", "unitedparcelservice", "upsus", "upsuk"),
    ("fedex", "federalexpress", "fedexus", "fedexuk"),
    ("dhlexpress", "dhl"),
    ("dhlecommerce", "dhlglobalmail", "dhlecommerceus", "dhlecommerceuk"),
    ("royalmail", "royalmailgroup"),
    ("amazonlogistics", "amazonlogisticsus", "amzl", "amazonshipping", "amzlus", "amazon", "amznus"),
    ("ontrac", "ontraclogistics"),
    ("evri", "hermesuk", "myhermes", "evriuk"),
    ("dpd", "dpduk"),
    ("yamato", "yamatotransport", "yamatotransportcoltd", "kuronekoyamato"),
    ("sagawa", "sagawaexpress"),
    ("japanpost", "jppost", "yupack"),
)
_SHORT = {name: names[0] for names in _SAME for name in names}
CLOSE = 0.75  # how alike two spellings have to be before one is suggested for the other
MOST_SUGGESTED = 5


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A carrier that may be meant, and why, in words for the merchant."""

    carrier: Carrier
    why: str


@dataclass(frozen=True, slots=True)
class Choices:
    """The carriers that the source takes for a delivery option, and which of them the store's words mean."""

    listed: Sequence[Carrier]
    source_store: ConnectedStore
    delivery_option_id: str
    _known: dict[str, Carrier | None] = field(default_factory=dict)

    def of(self, text: str) -> Carrier | None:
        """`choose`, in merchant_rows; each word is looked up once."""
        if text not in self._known:
            self._known[text] = choose(
                text=text,
                carriers=self.listed,
                source_store=self.source_store,
                delivery_option_id=self.delivery_option_id,
            )
        return self._known[text]


def bare(name: str) -> str:
    """A carrier's name reduced to letters and digits."""
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def key_of(name: str) -> str:
    """A carrier's name reduced to its short name where it has several, else to letters and digits."""
    return _SHORT.get(bare(name), bare(name))


def is_other(carrier: Carrier) -> bool:
    """Whether this is no carrier but the source's word for one that it does not list."""
    return bare(carrier.name).startswith("other")


def choose(
    *, text: str, carriers: Sequence[Carrier], source_store: ConnectedStore, delivery_option_id: str
) -> Carrier | None:
    """The carrier for the store's word: the merchant's mapping first, then the same name, else None.

    "Other" only where the merchant's mapping says so.
    """
    mapping = (
        CarrierMapping.objects.filter(
            source_store=source_store,
            carrier_text__iexact=text.strip(),
            delivery_option_id__in=[delivery_option_id, ""],
        )
        .order_by("-delivery_option_id")
        .first()
    )
    if mapping is not None:
        return next((carrier for carrier in carriers if carrier.external_id == mapping.carrier_id), None)
    return named(text=text, carriers=carriers)


def named(*, text: str, carriers: Sequence[Carrier]) -> Carrier | None:
    """The one carrier of this name, or of a name that means the same; None where there is none or several. Pure."""
    listed = [carrier for carrier in carriers if bare(text) and not is_other(carrier)]
    exact = [carrier for carrier in listed if bare(carrier.name) == bare(text)]
    matches = exact or [carrier for carrier in listed if key_of(carrier.name) == key_of(text)]
    return matches[0] if len(matches) == 1 else None


def suggest(*, text: str, tracking_number: str, carriers: Sequence[Carrier]) -> list[Suggestion]:
    """The carriers that a store's word may mean, best first: by name, by the number, by spelling. Pure.

    Only what speaks for itself is suggested, so the list may be empty; "Other" never is.
    """
    like = carriers_like(tracking_number)
    found: dict[str, tuple[float, Suggestion]] = {}
    for carrier in carriers:
        if is_other(carrier):
            continue
        reasons = [each for each in (_by_name(text, carrier), _by_number(like, carrier)) if each]
        if reasons:
            weight = max(reasons)[0] + 0.1 * (len(reasons) - 1)  # two reasons weigh more than one
            found[carrier.external_id] = (weight, Suggestion(carrier, max(reasons)[1]))
    ranked = sorted(found.values(), key=lambda each: (-each[0], each[1].carrier.name))
    return [suggestion for _, suggestion in ranked[:MOST_SUGGESTED]]


def _by_name(text: str, carrier: Carrier) -> tuple[float, str] | None:
    ours, theirs = bare(text), bare(carrier.name)
    if not ours or not theirs:
        return None
    if ours == theirs:
        return 1.0, "The same name"
    if key_of(text) == key_of(carrier.name):
        return 0.95, f"Another name of {carrier.name}"
    words, others = (set(re.findall(r"[a-z0-9]+", name.casefold())) for name in (text, carrier.name))
    if others <= words or words <= others:
        return 0.85, "The name is part of the other"
    likeness = SequenceMatcher(None, ours, theirs).ratio()
    return (0.8 * likeness, "A close spelling") if likeness >= CLOSE else None


def _by_number(like: dict[str, bool], carrier: Carrier) -> tuple[float, str] | None:
    tells = like.get(key_of(carrier.name))
    if tells is None:
        return None
    return (0.9, "The number is one of theirs") if tells else (0.4, "The number may be one of theirs")
