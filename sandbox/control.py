"""`/_sandbox/`: the JSON API through which tests and the demo steer the world."""

from __future__ import annotations

import json
from typing import Any

from werkzeug.wrappers import Request, Response

from sandbox.origin import is_same_origin
from sandbox.world import ControlError, World


class Control:
    def __init__(self, world: World) -> None:
        self.world = world

    def answer(self, request: Request) -> Response:
        """Answers in JSON; 400 with `error` for a verb or a body it cannot use."""
        parts = request.path.strip("/").split("/")[1:]
        if not is_same_origin(request):
            return self._json({"error": "only from the sandbox's own address"}, 403)
        try:
            body = self._body(request)
            content = self._dispatch(request, parts, body)
        except (ControlError, KeyError, TypeError, ValueError) as error:
            return self._json({"error": f"{type(error).__name__}: {error}"}, 400)
        if content is None:
            return self._json({"error": "no such control"}, 404)
        return self._json(content)

    def _dispatch(self, request: Request, parts: list[str], body: dict[str, Any]) -> dict[str, Any] | None:
        name = "/".join(parts)
        own = getattr(self, f"_{request.method.lower()}_{name.replace('/', '_')}", None)
        if own:
            result: dict[str, Any] = own(request, body)
            return result
        half = self.world.halves.get(parts[0]) if parts else None
        if half is None:
            return None
        with self.world.lock:
            half.tick()
            if request.method == "GET" and len(parts) == 1:
                return half.snapshot()
            if request.method == "POST" and len(parts) == 2:
                return half.control(parts[1], body)
        return None

    def _get_(self, _request: Request, _body: dict[str, Any]) -> dict[str, Any]:
        return {
            "now": self.world.now(),
            "hold_seconds": self.world.hold_seconds,
            "halves": sorted(self.world.halves),
            "webhooks_waiting": self.world.outgoing.waiting(),
        }

    def _post_reset(self, _request: Request, _body: dict[str, Any]) -> dict[str, Any]:
        self.world.reset()
        return {"ok": True}

    def _post_seed(self, _request: Request, body: dict[str, Any]) -> dict[str, Any]:
        self.world.seed()
        if "random" in body:
            self.world.faults.seed(int(body["random"]))
        return {"ok": True}

    def _get_clock(self, _request: Request, _body: dict[str, Any]) -> dict[str, Any]:
        return {"now": self.world.now(), "hold_seconds": self.world.hold_seconds}

    def _post_clock(self, _request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """{"advance": seconds} and/or {"freeze": true | epoch | false} and/or {"hold_seconds": n}."""
        unknown = set(body) - {"advance", "freeze", "hold_seconds"}
        if unknown:
            raise ControlError(f"unknown: {sorted(unknown)}")
        if "hold_seconds" in body:
            self.world.hold_seconds = int(body["hold_seconds"])
        if "freeze" in body:
            self._freeze(body["freeze"])
        if "advance" in body:
            self.world.advance(float(body["advance"]))
        return {"now": self.world.now(), "hold_seconds": self.world.hold_seconds}

    def _freeze(self, at: Any) -> None:
        if at is False:
            self.world.unfreeze()
        else:
            self.world.freeze(None if at in (True, None) else float(at))

    def _get_faults(self, _request: Request, _body: dict[str, Any]) -> dict[str, Any]:
        return {"faults": self.world.faults.listing()}

    def _post_faults(self, _request: Request, body: dict[str, Any]) -> dict[str, Any]:
        settings = dict(body)
        platform = settings.pop("platform", "*")
        operation = settings.pop("operation", "*")
        fault = self.world.faults.add(platform, operation, **settings)
        return {"id": fault.id}

    def _delete_faults(self, request: Request, _body: dict[str, Any]) -> dict[str, Any]:
        self.world.faults.clear(request.args.get("platform"))
        return {"ok": True}

    def _get_journal(self, request: Request, _body: dict[str, Any]) -> dict[str, Any]:
        """?unknown=1 for what no half knew, ?since=seq, ?platform=, ?operation=."""
        since = int(request.args.get("since", 0))
        with self.world.lock:
            entries = [entry for entry in self.world.journal if entry["seq"] > since]
        if request.args.get("unknown"):
            entries = [entry for entry in entries if entry["note"] == "unknown"]
        for field in ("platform", "operation", "direction"):
            if wanted := request.args.get(field):
                entries = [entry for entry in entries if entry[field] == wanted]
        return {"journal": entries}

    def _post_journal(self, _request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """{"bodies": true} makes the journal keep what is sent from now on, word for word."""
        self.world.keeps_bodies = bool(body["bodies"])
        return {"bodies": self.world.keeps_bodies}

    def _get_ledger(self, request: Request, _body: dict[str, Any]) -> dict[str, Any]:
        since = int(request.args.get("since", 0))
        with self.world.lock:
            return {"ledger": self.world.ledger[max(since, 0) :]}  # the first entry has the number 1

    def _get_calls(self, _request: Request, _body: dict[str, Any]) -> dict[str, Any]:
        """How many calls came, by platform, operation and what was done to them."""
        rows = [(*key, count) for key, count in self.world.calls.copy().items()]
        names = ("platform", "operation", "fault", "calls")
        return {"calls": [dict(zip(names, row, strict=True)) for row in rows]}

    def _get_webhooks(self, _request: Request, _body: dict[str, Any]) -> dict[str, Any]:
        return {"waiting": self.world.outgoing.waiting(), "automatic": self.world.outgoing.automatic}

    def _post_webhooks_drain(self, _request: Request, _body: dict[str, Any]) -> dict[str, Any]:
        return {"tries": self.world.outgoing.drain(), "waiting": self.world.outgoing.waiting()}

    def _post_webhooks_mode(self, _request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """{"automatic": false} leaves delivery to `webhooks/drain`."""
        self.world.outgoing.automatic = bool(body["automatic"])
        return {"automatic": self.world.outgoing.automatic}

    def _body(self, request: Request) -> dict[str, Any]:
        raw = request.get_data()
        content = json.loads(raw) if raw.strip() else {}
        if not isinstance(content, dict):
            raise ControlError("the body must be a JSON object")
        return content

    def _json(self, content: dict[str, Any], status: int = 200) -> Response:
        return Response(json.dumps(content), status, mimetype="application/json")
