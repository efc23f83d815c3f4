"""Measure: `python -m bench`, all of it; `python -m bench P1 P9 --quick`, some of it, smaller.

Each line says ours, the reference that was measured in the same run, their ratio, the goal, and whether it is reached.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.installation import Installation, installed, setup_django
from bench.report import Line, markdown, plain
from bench.run import Run


def main() -> int:
    """The exit status: 1 when a yardstick could not be measured."""
    options = _options()
    began, failed, lines = datetime.now(UTC), 0, []
    with installed() as installation:
        setup_django()
        from bench import yardsticks

        yardsticks.prepare(installation)
        for measure in yardsticks.chosen(options.yardsticks):
            found = _measured(measure, installation, options)
            failed += not found
            for line in found:
                _say(plain(line))
            lines += found
    table = markdown(lines, command=_command(), began=began, ended=datetime.now(UTC))
    if options.markdown:
        options.markdown.write_text(table)
    else:
        _say("\n" + table)
    return 1 if failed else 0


def _measured(
    measure: Callable[..., list[Line]], installation: Installation, options: argparse.Namespace
) -> list[Line]:
    began = time.monotonic()
    try:
        return measure(installation, Run(is_quick=options.quick, rounds=options.rounds, say=_say))
    except Exception as error:
        _say(f"{measure.__name__} could not be measured after {time.monotonic() - began:.0f} s: {error!r}")
        installation.end_all()
        return []


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("yardsticks", nargs="*", help="P1 P2 … P14; all of them where none is named")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, one round: to see that it runs")
    parser.add_argument("--rounds", type=int, help="3 where nothing is said")
    parser.add_argument("--markdown", type=Path, help="write the table to this file, else it is printed")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    return options


def _command(words: Sequence[str] = tuple(sys.argv[1:])) -> str:
    return " ".join(["python -m bench", *words])


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
