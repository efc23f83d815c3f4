"""Something that runs beside this process, in one of its own: programs end with the thread that started them."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Generic, TypeVar, cast

import psycopg

from demo.processes import DemoFailed, die_with_parent

ENDING_TAKES = 30.0
Found = TypeVar("Found")


class Beside(Generic[Found]):
    """`what`, which has to be picklable as what it returns has, begins at once. As a context it is ended at its end,
    done or not."""

    def __init__(self, name: str, what: Callable[[], Found]) -> None:
        self.name = name
        context = multiprocessing.get_context("spawn")
        self.line, theirs = context.Pipe(duplex=False)
        self.process = context.Process(target=_run, args=(what, theirs))
        self.process.start()
        theirs.close()  # else the line would stay open when the process dies

    def __enter__(self) -> Beside[Found]:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.terminate()
        self.process.join(ENDING_TAKES)
        self.process.kill()
        self.process.join()

    @property
    def is_done(self) -> bool:
        return self.line.poll()

    def found(self) -> Found:
        """What it returns, once it does. Raises DemoFailed where it failed."""
        try:
            found = self.line.recv()
        except EOFError as error:
            raise DemoFailed(f"{self.name} ended without a word.") from error
        if isinstance(found, DemoFailed):
            raise found
        return cast("Found", found)


def _run(what: Callable[[], object], line: Connection) -> None:
    die_with_parent()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    try:
        line.send(what())
    except (DemoFailed, psycopg.Error) as error:
        line.send(DemoFailed(str(error)))
    except KeyboardInterrupt:
        sys.exit(130)


def interrupt(number: int, frame: object) -> None:  # noqa: ARG001 - the signature of a signal handler
    """What is under way ends as after Ctrl-C, and takes its programs with it."""
    raise KeyboardInterrupt
