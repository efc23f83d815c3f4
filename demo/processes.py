"""Starting and ending the demo's programs: each its own process group, all gone when the demo is."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parent.parent
_PR_SET_PDEATHSIG = 1


class DemoFailed(Exception):
    """The demo cannot go on. The text says what failed and what to do."""


@dataclass
class Programs:
    """The programs that run, in the order in which they were started."""

    logs: Path
    running: list[tuple[str, subprocess.Popen[bytes]]] = field(default_factory=list)
    begun: set[str] = field(default_factory=set)  # whose logs are of this run

    def run(self, name: str, *command: str, env: Mapping[str, str]) -> None:
        """Run a program to its end. Raises DemoFailed with the end of its log."""
        self._open(name, command, env).wait()
        name, process = self.running.pop()
        if process.returncode:
            raise DemoFailed(f"{name} failed:\n{self.tail(name)}")

    def start(self, name: str, *command: str, env: Mapping[str, str]) -> None:
        """Start a program that stays."""
        self._open(name, command, env)

    def _open(self, name: str, command: tuple[str, ...], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        self.logs.mkdir(parents=True, exist_ok=True)
        how = "ab" if name in self.begun else "wb"
        self.begun.add(name)
        with (self.logs / f"{name}.log").open(how) as log:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        self.running.append((name, process))
        return process

    def take(self, name: str) -> subprocess.Popen[bytes]:
        """Hand a running program over to whoever wants to end it. Raises DemoFailed when it is not among them."""
        for entry in self.running:
            if entry[0] == name:
                self.running.remove(entry)
                return entry[1]
        raise DemoFailed(f"{name} does not run.")

    def check(self) -> None:
        """Raise DemoFailed when a program ended by itself."""
        for name, process in self.running:
            if process.poll() is not None:
                raise DemoFailed(f"{name} ended by itself ({process.returncode}):\n{self.tail(name)}")

    def wait_for(self, url: str, *, name: str, seconds: float) -> None:
        """Wait until the address answers. Raises DemoFailed."""

        def answers() -> bool:
            self.check()
            try:
                return requests.get(url, timeout=2, allow_redirects=False).status_code < 500
            except requests.RequestException:
                return False

        if not wait_until(answers, seconds=seconds):
            raise DemoFailed(f"{name} does not answer at {url}:\n{self.tail(name)}")

    def stop(self) -> None:
        """End all programs, the last first, and leave none behind, however often Ctrl-C is pressed."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for _, process in reversed(self.running):
            _signal(process, signal.SIGTERM)
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait()
            _signal(process, signal.SIGKILL)
        self.running.clear()

    def tail(self, name: str) -> str:
        """The last lines a program wrote."""
        lines = (self.logs / f"{name}.log").read_text(errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-15:])


def wait_until(is_so: Callable[[], bool], *, seconds: float, pause: float = 0.1) -> bool:
    """Whether it came true in that time."""
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        if is_so():
            return True
        time.sleep(pause)
    return False


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def require_free(port: int, *, option: str) -> None:
    """Raise DemoFailed when something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise DemoFailed(
                f"Port {port} is taken by another program. Stop it, or choose another: make demo {option}={port + 10}"
            ) from error


def die_with_parent() -> None:
    """On Linux, a program that is killed takes those that it started with it."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return
