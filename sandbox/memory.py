"""What a sandbox keeps from one start to the next, so that a demo goes on where it ended."""

from __future__ import annotations

import os
import pickle
import threading
from pathlib import Path
from typing import Any

from sandbox.world import World

SAVE_EVERY = 3.0


class Memory:
    """One file, written whole and moved into place; its content is this machine's own and trusted."""

    def __init__(self, world: World, file: Path) -> None:
        self.world = world
        self.file = file
        self._stopped = threading.Event()

    def load(self) -> bool:
        """Takes up where the file left off; False when there is none, or it is of another make."""
        try:
            kept: dict[str, Any] = pickle.loads(self.file.read_bytes())
        except FileNotFoundError:
            return False
        except Exception as error:
            print(f"sandbox: {self.file} is not readable ({type(error).__name__}); starting anew", flush=True)
            return False
        with self.world.lock:
            self.world.ledger = kept["ledger"]
            for name, facts in kept["halves"].items():
                if name in self.world.halves:
                    vars(self.world.halves[name].state).update(facts)  # type: ignore[attr-defined]
        return True

    def save(self) -> None:
        with self.world.lock:
            halves = {
                name: {key: value for key, value in vars(half.state).items() if key != "world"}  # type: ignore[attr-defined]
                for name, half in self.world.halves.items()
            }
            content = pickle.dumps({"ledger": self.world.ledger, "halves": halves})
        self.file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.file.with_suffix(".new")
        fresh.write_bytes(content)
        os.replace(fresh, self.file)

    def keep_saving(self) -> None:
        """Saves every few seconds, from a thread of its own, until `stop`."""

        def run() -> None:
            while not self._stopped.wait(SAVE_EVERY):
                self.save()

        threading.Thread(target=run, name="memory", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        self.save()
