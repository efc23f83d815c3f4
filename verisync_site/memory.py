"""What a long-lived process loads once stays for good: it is taken out of the garbage collector's rounds.

A full round looks at every object there is, half a million in ours, and holds up whatever is answered meanwhile; and it
writes into the pages that forked processes would otherwise share. https://docs.python.org/3/library/gc.html#gc.freeze
"""

from __future__ import annotations

import gc

from django.urls import get_resolver

YOUNG = 10_000  # objects more, before the young ones are looked through


def settle_down() -> None:
    """To be called once all is imported, and before anything is forked."""
    list(get_resolver().reverse_dict)  # routes, and with them views and forms, are imported at the first request else
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)
