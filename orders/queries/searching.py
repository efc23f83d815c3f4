"""Finding orders by words. The database keeps every word of an order; a search names beginnings of some."""

from __future__ import annotations

import re

from django.db.models import QuerySet, Value
from django.db.models.functions import Concat, Upper

from orders.models import Order, SearchWord

MOST_IDS = 100
MOST_WORDS = 8
MOST_FOUND = 1000  # the last ones that came; whoever has more adds a word
_LOOKED_AT = 5000  # orders that are looked at for one of several words
_AROUND = ".,;:!?()[]{}\"'&/|+*#"
_LAST = "\U0010ffff"  # sorts behind whatever may follow


def words_of(text: str) -> list[str]:
    """The words of a search, without the signs around them; single characters find nothing and are left out."""
    words = (word.strip(_AROUND) for word in text.replace("\x00", "").split())
    return [word[:60] for word in words if len(word) > 1]


def searched(orders: QuerySet[Order], text: str) -> QuerySet[Order]:
    """Words must all be there, in any case, each by its beginning; many order ids, pasted, find each of them.

    At most MOST_FOUND and one more, so that a caller can tell that there are others.
    """
    words = words_of(text)
    if len(words) > 1 and all(re.fullmatch(r"[0-9]{12,20}", word) for word in words[:MOST_IDS]):
        return orders.filter(external_id__in=words[:MOST_IDS])
    if not words:
        return orders
    found = _beginning_with(words[0])
    for word in words[1:MOST_WORDS]:
        found = found.filter(order_id__in=_beginning_with(word).values("order_id")[:_LOOKED_AT])
    return orders.filter(pk__in=found.values("order_id")[: MOST_FOUND + 1])


def _beginning_with(word: str) -> QuerySet[SearchWord]:
    begin = Upper(Value(word))
    found = SearchWord.objects.filter(word__gte=begin, word__lt=Concat(begin, Value(_LAST)))
    return found.order_by("-word", "-order_id")
