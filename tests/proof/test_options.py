"""What the proof's command line makes of what was asked for."""

from __future__ import annotations

import pytest

from proof.options import read


class TestSides:
    @pytest.mark.parametrize(
        ("arguments", "sides"),
        [
            ([], [("R1",), ("R2",), ("R7", "R3", "R4")]),
            (["--full"], [("R1", "R2", "R7", "R3", "R4")]),
            (["--only", "R1,R5"], [("R1",)]),
            (["--only", "R2,R4,R5,R6"], [("R2",), ("R4",)]),
            (["--only", "R5"], [("R1",)]),
            (["--only", "R6"], []),
        ],
    )
    def test_storms_stand_beside_each_other_but_at_full_size(
        self, arguments: list[str], sides: list[tuple[str, ...]]
    ) -> None:
        assert read(arguments).sides == sides
