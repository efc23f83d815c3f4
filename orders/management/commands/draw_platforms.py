"""Write docs/platforms.md from what the connectors declare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from connectors import registry
from connectors.base.connector import Connector
from connectors.models import StorePart
from orders.queries.settings import FEATURES

_HEAD = """# Platforms

Written by `manage.py draw_platforms` from what each connector declares; a test compares the two. “Yes” means that the
conformance suite (`tests/contracts/`) passes for it against the sandbox. None of them ran against a live platform yet.
"""


def matrix() -> str:
    """The whole document."""
    kinds = list(registry.all_classes())
    parts = [_HEAD, _matrix(kinds)]
    parts += [_platform(kind) for kind in kinds]
    return "\n".join(parts)


def _matrix(kinds: list[type[Connector]]) -> str:
    rows = ["| | " + " | ".join(kind.label for kind in kinds) + " |", "|---|" + "---|" * len(kinds)]
    rows.append("| Part | " + " | ".join(_part(kind) for kind in kinds) + " |")
    for name, said in FEATURES.items():
        cells = ("yes" if getattr(kind.features, name) else "no" for kind in kinds)
        rows.append(f"| {said} | " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def _part(kind: type[Connector]) -> str:
    return "source" if registry.part_of(kind.platform) == StorePart.SOURCE else "destination"


def _platform(kind: type[Connector]) -> str:
    lines = [f"## {kind.label}", ""]
    lines += [f"- {FEATURES[name]}: {note}." for name, note in kind.features.notes.items()]
    lines += [f"- You need: {need}" for need in kind.needs]
    for option in kind.options:
        choices = ", ".join(label for _, label in option.choices)
        lines.append(f"- Choice “{option.label}”: {choices}. {option.help}")
    prefix = f"{kind.platform.upper()}_"
    lines += ["", "| Setting | Default | |", "|---|---|---|"]
    for each in kind.settings:
        default = f"`{each.default}`" if each.default else "required" if each.is_required else ""
        lines.append(f"| `{prefix}{each.name}` | {default} | {each.help} |")
    return "\n".join(lines) + "\n"


class Command(BaseCommand):
    help = "Write docs/platforms.md anew from the connectors' declarations."

    def handle(self, *args: Any, **options: Any) -> None:
        target = Path(settings.BASE_DIR) / "docs" / "platforms.md"
        target.write_text(matrix())
        self.stdout.write(str(target.relative_to(settings.BASE_DIR)))
