"""Which of the source's carriers a store's word means. Never guesses: no match is a question for a person."""

from __future__ import annotations

import re
from collections.abc import Sequence

from connectors.base.types import Carrier
from connectors.models import ConnectedStore
from orders.models import CarrierMapping

# Names that stores use for the same carrier, after `key_of`. The first is the carrier's short name.
_SAME = (
    ("usps", "unitedstatespostalservice", "uspostalservice", "uspsus"),
    ("ups", "unitedparcelservice", "upsus"),
    ("fedex", "federalexpress", "fedexus"),
    ("dhlexpress", "dhl"),
    ("dhlecommerce", "dhlglobalmail", "dhlecommerceus"),
    ("royalmail", "royalmailgroup"),
    ("amazonlogistics", "amazonlogisticsus", "amzl", "amazonshipping", "amzlus"),
    ("ontrac", "ontraclogistics"),
    ("yamato", "yamatotransport", "yamatotransportcoltd"),
    ("sagawa", "sagawaexpress"),
    ("japanpost", "jppost"),
)
_SHORT = {name: names[0] for names in _SAME for name in names}


def key_of(name: str) -> str:
    """A carrier's name reduced to letters and digits, and to its short name where it has several."""
    bare = re.sub(r"[^a-z0-9]", "", name.casefold())
    return _SHORT.get(bare, bare)


def choose(
    *, text: str, carriers: Sequence[Carrier], source_store: ConnectedStore, delivery_option_id: str
) -> Carrier | None:
    """The carrier for the store's word: the merchant's mapping first, then the same name, else None."""
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
    matches = [carrier for carrier in carriers if text.strip() and key_of(carrier.name) == key_of(text)]
    return matches[0] if len(matches) == 1 else None
