"""The pages: a person plays buyer, seller and warehouse, and sees what the product makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from sandbox.board import ROWS, Board, title_of
from sandbox.markup import fill, join
from sandbox.origin import is_same_origin, is_this_machine
from sandbox.page_actions import Actions
from sandbox.panels import Panels
from sandbox.world import ControlError, World

STATIC = Path(__file__).with_name("static")
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Pages:
    def __init__(self, world: World) -> None:
        self.world = world
        self.actions = Actions(world)
        self.board = Board(world)
        self.panels = Panels(world)

    def __call__(self, request: Request) -> Response:
        response = self._answer(request)
        response.headers.update(HEADERS)
        return response

    def _answer(self, request: Request) -> Response:
        if not is_this_machine(request, self.world.public_url):
            return Response("Ask for this page by the sandbox's own address.", 403)
        path = request.path
        if request.method == "POST" and path.startswith("/do-"):
            return self._do(request, path.removeprefix("/do-"))
        if request.method not in ("GET", "HEAD"):
            return Response("Only GET here.", 405)
        if path == "/":
            return Response(self._page(request.args.get("said", "")), mimetype="text/html")
        if path == "/live":
            return Response(json.dumps(self._live()), mimetype="application/json")
        if path.startswith("/assets/"):
            return self._asset(path.removeprefix("/assets/"))
        return Response("Nothing here.", 404)

    def _do(self, request: Request, action: str) -> Response:
        """Does it, and says so: to the script as JSON, without it by the page anew."""
        if not is_same_origin(request):
            return Response("Only the sandbox's own pages may do this.", 403)
        try:
            said, status = self.actions.run(action, request.form), 200
        except KeyError as error:
            said, status = f"missing: {error.args[0] if error.args else error}", 400
        except (ControlError, TypeError, ValueError) as error:
            said, status = str(error), 400
        if request.accept_mimetypes.best == "application/json":
            return Response(json.dumps({"said": said, "ok": status == 200}), status, mimetype="application/json")
        answer = redirect(f"/?said={quote(said)}", 303)
        assert isinstance(answer, Response)
        return answer

    def _page(self, said: str) -> Markup:
        live = self._live()
        platforms = [name for name in ("tiktok_shop", *live["platforms"]) if name in self.world.halves]
        return fill(
            "page",
            said=said,
            now=live["now"],
            frozen="yes" if live["frozen"] else "",
            stalls=len(platforms),
            window=self.panels.window(),
            heads=join(fill("head", platform=name, title=title_of(name)) for name in platforms),
            rows=join(fill("row", key=key, cells=Markup(html)) for key, html in live["rows"]),
            feet=join(fill("foot", platform=name, state=self.panels.state(name)) for name in platforms),
            breakers=join(self.panels.breaker(name) for name in platforms),
            rows_limit=ROWS,
            **{name: Markup(html) for name, html in live["parts"].items()},  # filled by the panels
        )

    def _live(self) -> dict[str, Any]:
        """What the script asks for every second: the parts of the page that change."""
        with self.world.lock:
            snapshots = {name: half.snapshot() for name, half in self.world.halves.items()}
            rows = self.board.rows(snapshots)
            parts = self.panels.parts(snapshots)
        stores = [name for name in snapshots if name != "tiktok_shop"]
        return {
            "now": self.world.now(),
            "frozen": self.world.is_frozen,
            "platforms": stores,
            "parts": parts,
            "rows": [[key, str(html)] for key, html in rows],
        }

    def _asset(self, name: str) -> Response:
        file = STATIC / name
        if "/" in name or file.suffix not in TYPES or not file.is_file():
            return Response("Nothing here.", 404)
        return Response(file.read_bytes(), mimetype=TYPES[file.suffix])


def make_pages(world: World) -> Pages:
    return Pages(world)
