# TRUTHS of the search: phases of the heart are as many as were asked for or as fit, whether TR, views or the heart change, and
#   the heart's period is never changed | a train that the beat does not hold begins earlier | an excerpt of a long protocol
#   meets the limits of gradients as the whole does | what excerpts make believe is mended on the whole | the reason is known
#   before the search, and Ctrl-C keeps it and what was proven | the time to go is that of what is left, at the pace so far

from __future__ import annotations

import argparse
import importlib
import sys
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from fullbore import hardware
from fullbore.cli.tries import tries
from fullbore.clinical import search as searching
from fullbore.clinical.excerpt import excerpt, excerpted
from fullbore.clinical.library import sequence_protocol
from fullbore.clinical.moves import FOLLOWING
from fullbore.clinical.solve import Search, solve
from fullbore.data import ScannerSpec, Subject
from fullbore.safety import check
from fullbore.sequence import Protocol, Refusal, attempt, parse_protocol
from fullbore.sequence.settings import with_settings

SUBJECT = Subject(identifier="a", name="a", mass_kg=75.0, height_m=1.75)


@cache
def machine() -> ScannerSpec:
    return hardware.design(hardware.Brief(preset="fullbore-65cm"))


def small(name: str, **changes: Any) -> Protocol:
    found = sequence_protocol(name)
    return parse_protocol({**found, "quick": {**found.get("quick", {}), **changes}}, quick=True)


def fills_the_beat(asked: Protocol, nearest: Protocol) -> bool:
    """As many phases as asked, or one more does not fit."""
    name = next(name for name in FOLLOWING if hasattr(asked, name))
    most, now = getattr(asked, name), getattr(nearest, name)
    if now == most:
        return True
    with pytest.raises(Refusal) as refused:
        attempt(with_settings(nearest, {name: now + 1}), machine().limits)
    return now < most and refused.value.field == name


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("balanced_cine", {"repetition_time": "7 ms"}),
        ("balanced_cine", {"heart_period": "120 ms"}),
        ("balanced_cine", {"views_per_segment": 12, "gating": "prospective"}),
        ("tagged_cine", {"repetition_time": "9 ms", "phases": 4}),
        ("phase_contrast_2d", {"repetition_time": "12 ms"}),
        ("phase_contrast_2d", {"repetition_time": "5 ms", "echo_time": "2.5 ms", "cardiac_phases": 5}),
        ("phase_contrast_2d", {"heart_period": "200 ms"}),
        ("flow_4d", {"repetition_time": "7 ms", "echo_time": "3.2 ms", "cardiac_phases": 3}),
    ],
)
def test_phases_of_the_heart_follow(name: str, changes: dict[str, Any]) -> None:
    asked: Any = small(name, **changes)
    solution = solve(asked, machine(), SUBJECT, "first_level")
    nearest: Any = solution.nearest
    assert not solution.legal and nearest is not None, solution.sentence()
    assert nearest.heart_period == asked.heart_period and fills_the_beat(asked, nearest), solution.sentence()


def test_a_faster_heart_costs_phases_in_proportion() -> None:
    asked: Any = small("balanced_cine", heart_period="1000 ms", phases=31)
    solution = solve(asked, machine(), SUBJECT, "first_level")
    assert solution.legal  # 31 of 8 views of 4 ms
    for period, count in ((0.8, 25), (0.6, 18)):
        nearest: Any = solve(replace(asked, heart_period=period), machine(), SUBJECT, "first_level").nearest
        assert (nearest.phases, nearest.views_per_segment, nearest.repetition_time) == (count, 8, asked.repetition_time)


def test_a_train_that_is_too_late_begins_earlier() -> None:
    whole = parse_protocol(sequence_protocol("late_enhancement"))
    asked: Any = with_settings(whole, {"heart_period": 0.6})
    solution = solve(asked, machine(), SUBJECT, "first_level")
    nearest: Any = solution.nearest
    assert list(solution.changes) == ["trigger_delay"] and nearest.trigger_delay < asked.trigger_delay
    assert "Set heart_period" not in solution.sentence()


@pytest.mark.parametrize(
    ("name", "changes"), [("gradient_echo_epi_2d", {"frames": 12, "dummy_frames": 2}), ("tof_2d", {"slices": 6})]
)
def test_an_excerpt_plays_the_same_gradients(name: str, changes: dict[str, Any]) -> None:
    whole = small(name, **changes)
    part = excerpt(whole)
    assert part is not None and set(excerpted(whole)) <= set(changes)
    found = []
    for protocol in (whole, part):
        sequence = attempt(protocol, machine().limits)
        findings = check(sequence, machine(), SUBJECT, "normal").findings
        starts = ("gradient", "slew", "nerve", "coil voltage", "forbidden")
        found.append((sequence.blocks, [item.value for item in findings if item.check.startswith(starts) and item.binding]))
    assert found[1][0] < 0.5 * found[0][0]
    assert found[1][1] == pytest.approx(found[0][1], rel=1e-6)


def test_short_protocols_have_no_excerpt() -> None:
    assert excerpt(small("spoiled_gre_3d")) is None and excerpt(small("flow_4d")) is None
    long = parse_protocol(sequence_protocol("flow_4d"))
    part: Any = excerpt(long)
    made: Any = long
    assert part.fov[1] / part.matrix[1] == pytest.approx(made.fov[1] / made.matrix[1]) and part.matrix[1] < made.matrix[1] / 4


def test_what_an_excerpt_makes_believe_is_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    def rosy(protocol: Protocol) -> Protocol | None:
        made: Any = protocol
        gentle: Protocol = replace(made, refocusing_flip_angle=0.95 * made.refocusing_flip_angle)
        return gentle

    monkeypatch.setattr(searching, "excerpt", rosy)
    monkeypatch.setattr(importlib.import_module("fullbore.clinical.solve"), "excerpt", rosy)
    changes = {"matrix": [48, 48], "calibration_lines": 8, "repetition_time": "700 ms", "refocusing_flip_angle": "180 deg"}
    solution = solve(small("spin_echo_train_2d", **changes), machine(), SUBJECT, "normal")
    assert not solution.legal and solution.nearest is not None
    verdict = check(attempt(solution.nearest, machine().limits), machine(), SUBJECT, "normal")
    assert verdict.allowed and solution.distance < 0.5


@pytest.mark.parametrize("stop", [2, 9])
def test_an_interrupted_search_keeps_what_is_known(stop: int) -> None:
    def interrupted(number: int, what: str) -> None:
        if number == stop:
            raise KeyboardInterrupt

    asked = small("spoiled_gre_3d", repetition_time="3.8 ms", flip_angle="30 deg")
    search = Search(asked, machine(), SUBJECT, "normal", progress=interrupted)
    assert search.reasons and search.solution.builds == 1 and not search.solution.legal
    with pytest.raises(KeyboardInterrupt):
        search.run()
    known = search.solution
    assert known.reasons == search.reasons and known.builds == stop
    assert (known.nearest is None) == (stop == 2)
    if known.nearest is not None:
        assert check(attempt(known.nearest, machine().limits), machine(), SUBJECT, "normal").allowed


def test_the_time_to_go(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    times = iter([0.0, 2.0, 6.0])
    tell = tries(argparse.Namespace(json=False), 12, lambda: next(times))
    for number in range(1, 5):
        tell(number, "echo_time = 2 ms")
    lines = capsys.readouterr().err.splitlines()
    # 2 s for one try, 10 left; then 3 s a try on average, 9 left
    assert len(lines) == 3
    assert "to go" not in lines[0] and "at most 0:20 to go" in lines[1] and "at most 0:27 to go" in lines[2]
    tries(argparse.Namespace(json=True), 12)(2, "")
    assert capsys.readouterr().err == ""
