# TRUTHS of what `fullbore scan` tells: a scan that spins play is told with its reason and its time, once, before it begins
#   | one that states play is not
from __future__ import annotations

import pytest

from fullbore.cli.scan import _teller
from fullbore.cli.terminal import ExamTerminal


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        ("plan: 7920783 isochromats on 2 threads, at most 3.2 GB, about 20 hours: Flaws.gradient_fields_m", 1),
        ("plan: configuration states in 1 group(s): the sequence reads a lattice", 0),
    ],
)
def test_a_scan_by_spins_is_told_before_it_begins(capsys: pytest.CaptureFixture[str], plan: str, told: int) -> None:
    with ExamTerminal({"t2_tse/scan": 10.0}) as terminal:
        tell = _teller(terminal)
        for fraction, text in ((0.0, "planning"), (0.0, plan), (0.5, "spins through pulses and readouts"), (1.0, "")):
            tell("t2_tse", "scan", fraction, text)
    said = capsys.readouterr().err
    assert said.count("plan: ") == told and said.count("t2_tse") == 1 + told
    assert not told or plan in said
