"""A program with everything that it started: killed, stopped and woken as one, as a machine would be."""

from __future__ import annotations

import contextlib
import random
import signal

import psutil


def members(pid: int) -> list[psutil.Process]:
    """The program and all that descends from it, whatever process group each is in. Empty when it is gone."""
    try:
        leader = psutil.Process(pid)
        return [leader, *leader.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kill(family: list[psutil.Process]) -> None:
    """All at once, as when a machine loses its power. Returns when they are gone."""
    send(family, signal.SIGKILL)
    psutil.wait_procs(family, timeout=10)


def send(family: list[psutil.Process], number: int) -> None:
    """One signal to each of them."""
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.send_signal(number)


def kill_one(family: list[psutil.Process], *, dice: random.Random) -> str:
    """One of them, as when the memory ran out; its name, or nothing when there was none."""
    if len(family) < 2:
        return ""
    victim = dice.choice(family[1:])
    try:
        name = " ".join(victim.cmdline())[-40:]
        victim.kill()
    except psutil.NoSuchProcess:
        return ""
    return name
