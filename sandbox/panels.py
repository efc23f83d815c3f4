"""The parts of the page around the board: shop window, clock, faults, journal, ledger."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import Any

from markupsafe import Markup

from sandbox.board import ROWS, title_of
from sandbox.cards import clock_text
from sandbox.faults import REQUEST_KINDS, WEBHOOK_KINDS
from sandbox.markup import button, fill, join, options
from sandbox.tiktok_shop.cast import BUYERS, PRODUCTS, SELLERS
from sandbox.tiktok_shop.notices import EVENT_TYPES
from sandbox.world import World

LINES = 150
HOLDS = ((3600, "1 hour"), (600, "10 min"), (60, "1 min"), (20, "20 s"), (10, "10 s"), (5, "5 s"))
KIND_TEXTS = {
    "status": "answers with an error",
    "stall": "is slow, then answers",
    "reset_before": "hangs up, nothing done",
    "reset_after": "does it, then hangs up",
    "error_after": "does it, then says 500",
    "silence_after": "does it, then says nothing",
    "late_commit": "hangs up, does it later",
    "stale_lookup": "finds only what is old",
    "garbage": "answers with nonsense",
    "webhook_lose": "webhook is lost",
    "webhook_duplicate": "webhook comes twice",
    "webhook_delay": "webhook comes late",
    "webhook_reorder": "webhooks change places",
}
SLOW = frozenset({"stall", "silence_after", "late_commit", "stale_lookup", "webhook_delay"})
SHAPES = {"TPR": "tapers", "TIN": "tin", "MLT": "melts", "ACC": "trimmer", "GFT": "match"}


class Panels:
    def __init__(self, world: World) -> None:
        self.world = world

    def window(self) -> Markup:
        """The shop window. It is sent once: what a person has filled in is never replaced."""
        products = join(
            fill(
                "product",
                sku=product.sku,
                title=product.title,
                price=f"{product.price:.2f}",
                shape=SHAPES.get(product.sku.split("-")[0], "candle"),
                hue=product.number % 7,
            )
            for product in PRODUCTS.values()
        )
        snapshot = self.world.halves["tiktok_shop"].snapshot()
        shops = [(shop["id"], f"{shop['name']} ({shop['region']})") for shop in snapshot["shops"]]
        buyers = [(number, f"{buyer['name']} ({buyer['region_code']})") for number, buyer in enumerate(BUYERS)]
        return fill(
            "window",
            products=products,
            shops=options(shops),
            buyers=options([("", "whoever lives there"), *buyers]),
            holds=options([("", "as the clock says"), ("no", "none"), *HOLDS]),
            sellers=options((key, name) for key, (name, _) in SELLERS.items()),
        )

    def parts(self, snapshots: dict[str, dict[str, Any]]) -> dict[str, str]:
        """HTML by the id of the part it fills."""
        faults = self.world.faults.listing()
        parts = {
            "chips": self._chips(),
            "count": self._count(snapshots),
            "approved": self._approved(snapshots.get("tiktok_shop", {})),
            "faults": join(self._fault(fault) for fault in faults) or fill("nothing", text="Nothing is broken."),
            "journal": self._journal(),
            "ledger": self._ledger(),
        }
        parts |= {f"state-{name}": self.state(name) for name in snapshots}
        return {name: str(html) for name, html in parts.items()}

    def state(self, platform: str) -> Markup:
        """All fine, or what is broken."""
        own = [fault for fault in self.world.faults.listing() if fault["platform"] in (platform, "*")]
        if not own:
            return fill("fine")
        texts = [f"{KIND_TEXTS[fault['kind']]} ({_times(fault)})" for fault in own[:2]]
        texts += [f"and {len(own) - 2} more"] if len(own) > 2 else []
        mend = button("Mend it", "mend", "mend", platform=platform)
        return fill("broken", text="; ".join(texts), mend=mend)

    def breaker(self, platform: str) -> Markup:
        half = self.world.halves[platform]
        known = getattr(half, "operations", None)
        operations = sorted({one.name for one in known.values()} if isinstance(known, dict) else set())
        events = sorted(EVENT_TYPES) if platform == "tiktok_shop" else []
        requests = options((kind, text) for kind, text in KIND_TEXTS.items() if kind in REQUEST_KINDS)
        webhooks = options((kind, text) for kind, text in KIND_TEXTS.items() if kind in WEBHOOK_KINDS)
        return fill(
            "breaker",
            platform=platform,
            title=title_of(platform),
            requests=requests,
            webhooks=webhooks,
            operations=options((name, "") for name in [*operations, *events]),
        )

    def _chips(self) -> Markup:
        world, outgoing = self.world, self.world.outgoing
        automatic = "go out" if outgoing.automatic else "stay here"
        return fill(
            "chips",
            clock=clock_text(world.now()),
            clock_state="stands" if world.is_frozen else "",
            freeze=button(
                "Run" if world.is_frozen else "Stop",
                "clock",
                "small",
                freeze="no" if world.is_frozen else "yes",
            ),
            hold=_duration(world.hold_seconds),
            webhooks=f"{automatic}, {outgoing.waiting()} wait",
            mode=button(
                "Stop" if outgoing.automatic else "Run",
                "webhooks",
                "small",
                automatic="no" if outgoing.automatic else "yes",
            ),
            drain=button("Send now", "webhooks", "small", drain="yes"),
        )

    def _count(self, snapshots: dict[str, dict[str, Any]]) -> Markup:
        total = len(snapshots.get("tiktok_shop", {}).get("orders", []))
        text = f"{total} orders" if total <= ROWS else f"the newest {ROWS} of {total} orders"
        return fill("text", text=text if total else "Nobody has bought anything yet: press Buy.")

    def _approved(self, snapshot: dict[str, Any]) -> Markup:
        names = [shop["name"] for shop in snapshot.get("shops", []) if shop["id"] in snapshot.get("authorized", [])]
        if not snapshot.get("app"):
            return fill("text", text="No app is registered.")
        return fill("text", text=f"Approved: {', '.join(names)}" if names else "No seller has approved the app.")

    def _fault(self, fault: dict[str, Any]) -> Markup:
        operation = "everything" if fault["operation"] == "*" else fault["operation"]
        where = "Everywhere" if fault["platform"] == "*" else title_of(fault["platform"])
        return fill(
            "fault",
            where=where,
            text=f"{operation}: {KIND_TEXTS[fault['kind']]}",
            details=_details(fault),
            mend=button("Mend it", "mend", "small", id=fault["id"]),
        )

    def _journal(self) -> Markup:
        newest = islice(reversed(self.world.journal), LINES)
        lines = [self._journal_line(entry) for entry in newest]
        return join(lines) or fill("nothing", text="No call yet.")

    def _journal_line(self, entry: dict[str, Any]) -> Markup:
        status = entry["status"]
        is_good = status is not None and status < 400
        said = f"{status} in {entry['ms']} ms" if status is not None else "no answer"
        note = entry["note"] or ""
        if is_good and entry["direction"] == "in" and note and "fault" not in note:
            is_good = False  # a refusal in an envelope that says 200
        return fill(
            "journal_line",
            at=clock_text(entry["at"]),
            platform=title_of(entry["platform"]),
            direction=entry["direction"],
            arrow="←" if entry["direction"] == "in" else "→ webhook",
            what=entry["operation"] or f"{entry['method']} {entry['path']}",
            path=f"{entry['method']} {entry['path']}",
            note=_short_ids(note),
            said=said,
            kind="good" if is_good and "fault" not in note else "bad",
        )

    def _ledger(self) -> Markup:
        newest = islice(reversed(self.world.ledger), LINES)
        usual = {"seq", "at", "platform", "event", "key", "shipping_provider_id"}
        lines = [
            fill(
                "ledger_line",
                at=clock_text(entry["at"]),
                platform=title_of(entry["platform"]),
                event=entry["event"],
                key=_short_ids(str(entry["key"]).rsplit("/", 1)[-1]),
                facts=", ".join(f"{name} {_brief(value)}" for name, value in entry.items() if name not in usual),
            )
            for entry in newest
        ]
        return join(lines) or fill("nothing", text="Nothing has happened yet.")


def _times(fault: dict[str, Any]) -> str:
    return "until mended" if fault["times"] < 0 else f"{fault['times']} × more"


def _details(fault: dict[str, Any]) -> str:
    texts = [_times(fault)]
    if fault["kind"] in ("status", "error_after"):
        texts.append(str(fault["status"]))
    if fault["seconds"] and fault["kind"] in SLOW:
        texts.append(f"{fault['seconds']:g} s")
    if fault["probability"] < 1:
        texts.append(f"{fault['probability'] * 100:g} %")
    return ", ".join(texts)


def _duration(seconds: int) -> str:
    return dict(HOLDS).get(seconds, f"{seconds} s")


def _brief(value: Any) -> str:
    if isinstance(value, list):
        return f"({len(value)})"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = _short_ids(text)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _short_ids(text: str) -> str:
    """A platform's long numbers by their last digits, as the board prints them bold."""
    return re.sub(r"\b\d{9,}(\d{6})\b", "…\u2060\\1", text)
