"""What runs beside the proof: its findings come back, and so does what went wrong."""

from __future__ import annotations

import os
import socket
import time
from functools import partial

import pytest

from demo.processes import DemoFailed, require_free
from proof.beside import Beside


class TestBeside:
    def test_hands_over_what_was_found(self) -> None:
        with Beside("division", partial(divmod, 7, 2)) as beside:
            assert beside.found() == (3, 1)

    def test_says_why_it_could_not_go_on(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            beside = Beside("port", partial(require_free, port, option="PORT"))
            with beside, pytest.raises(DemoFailed, match=f"Port {port} is taken"):
                beside.found()

    def test_says_that_it_died(self) -> None:
        with Beside("R2", partial(os._exit, 3)) as beside, pytest.raises(DemoFailed, match="R2 ended without a word"):
            beside.found()

    def test_is_ended_with_what_waits_for_it(self) -> None:
        with Beside("sleep", partial(time.sleep, 600)) as beside:
            assert not beside.is_done
        assert beside.process.exitcode is not None
