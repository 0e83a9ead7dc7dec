# TRUTHS of solving: a legal protocol stays as it is | every suggestion for random illegal protocols is legal when its text is
#   read, built and judged anew | what binds is the limit whose relief helps, and a finding's event | half-way back towards what
#   was asked is refused | where nothing exists nothing is suggested, in a clear sentence | the same request gives the same
#   answer | shortest times are legal, one raster step less is refused, and they fall with the slew rate | derived figures are
#   those of the protocol

from __future__ import annotations

import math
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from fullbore import hardware
from fullbore.clinical import derived, shortest, solve
from fullbore.clinical.library import sequence_protocol
from fullbore.clinical.moves import FIELD_COST, between, distance
from fullbore.clinical.reason import OWN_TIMES
from fullbore.data import ScannerSpec, Subject
from fullbore.errors import LimitError, UsageError
from fullbore.safety import check
from fullbore.sequence import Protocol, build, parse_protocol
from fullbore.sequence.settings import setting, with_settings

SUBJECT = Subject(identifier="a", name="a", mass_kg=75.0, height_m=1.75)
SMALL: dict[str, dict[str, Any]] = {
    "spoiled_gre_3d": {"matrix": [32, 32, 16], "dummy_views": 20},
    "mprage": {"matrix": [32, 32, 16], "calibration": [8, 8]},
    "spin_echo_train_2d": {"matrix": [48, 48], "calibration_lines": 8},
    "inversion_recovery_spin_echo": {"matrix": [36, 36], "calibration_lines": 8},
    "gradient_echo_epi_2d": {},
    "diffusion_epi_2d": {},
}


@cache
def design(preset: str) -> ScannerSpec:
    return hardware.design(hardware.Brief(preset=preset))


def machine(preset: str = "fullbore-65cm", **limits: float) -> ScannerSpec:
    spec = design(preset)
    return replace(spec, limits=replace(spec.limits, **limits))


def table(name: str, changes: Mapping[str, Any] = {}) -> dict[str, Any]:
    found = sequence_protocol(name)
    return {**found, "quick": {**found.get("quick", {}), **SMALL[name], **changes}}


def small(name: str, **changes: Any) -> Protocol:
    return parse_protocol(table(name, changes), quick=True)


def pasted(name: str, asked: Protocol, changes: Mapping[str, str]) -> Protocol:
    """The suggestion as it comes out of its text, on top of what was asked."""
    made: Any = asked
    texts = {field: _value(text) for field, text in changes.items()}
    other: Any = parse_protocol(table(name, texts), quick=True)
    return replace(made, **{field: getattr(other, field) for field in changes})


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def is_legal(protocol: Protocol, spec: ScannerSpec, mode: str) -> bool:
    try:
        return check(build(protocol, spec.limits), spec, SUBJECT, mode).allowed
    except LimitError:
        return False


def test_a_legal_protocol_stays() -> None:
    asked, spec = small("spoiled_gre_3d"), machine()
    solution = solve(asked, spec, SUBJECT, "first_level")
    assert solution.legal and solution.nearest is asked and solution.builds == 1
    assert solution.distance == 0 and solution.arguments == "" and solution.sequence is solution.nearest_sequence


def random_protocol(name: str, rng: np.random.Generator) -> Protocol:
    """Two or three fields of a small protocol, each changed up to fourfold."""
    asked = small(name)
    fields = [
        "repetition_time",
        "echo_time",
        "flip_angle",
        "bandwidth",
        "slice_thickness",
        "echo_spacing",
        "refocusing_flip_angle",
    ]
    there = [field for field in fields if hasattr(asked, field)]
    chosen = rng.choice(there, size=min(len(there), int(rng.integers(1, 4))), replace=False)
    return with_settings(asked, {str(f): float(getattr(asked, str(f)) * 4 ** rng.uniform(-1, 1)) for f in chosen})


@pytest.mark.parametrize("name", SMALL)
def test_every_suggestion_is_legal(name: str) -> None:
    rng, spec, illegal = np.random.default_rng(7), machine(), 0
    for _ in range(12):
        asked = random_protocol(name, rng)
        solution = solve(asked, spec, SUBJECT, "normal", builds=50)
        assert solution.legal == is_legal(asked, spec, "normal")
        if solution.legal:
            continue
        illegal += 1
        assert solution.reasons and solution.nearest is not None, solution.sentence()
        suggested = pasted(name, asked, solution.changes)
        assert suggested == solution.nearest
        assert is_legal(suggested, spec, "normal"), solution.sentence()
        if illegal == 4:
            return
    assert illegal > 0


@pytest.mark.parametrize(
    ("name", "changes", "binds"),
    [
        ("spoiled_gre_3d", {"echo_time": "0.5 ms"}, "gradient amplifier (slew rate)"),
        ("spoiled_gre_3d", {"flip_angle": "90 deg"}, "RF transmitter (peak B1)"),
        ("mprage", {"bandwidth": "30000 Hz/px"}, "gradient amplifier (amplitude)"),
        ("mprage", {"inversion_time": "100 ms"}, OWN_TIMES),
    ],
)
def test_what_binds_while_building(name: str, changes: dict[str, Any], binds: str) -> None:
    solution = solve(small(name, **changes), machine(), SUBJECT, "first_level")
    assert solution.sequence is None
    assert [(reason.binds, reason.field) for reason in solution.reasons] == [(binds, next(iter(changes)))]


def test_what_binds_in_the_body() -> None:
    asked = small("mprage", gradient_mode="fast", echo_spacing="6 ms")
    solution = solve(asked, machine("fullbore-60cm"), SUBJECT, "normal")
    assert solution.sequence is not None and {reason.binds for reason in solution.reasons} == {"peripheral nerves"}
    reason = solution.reasons[0]
    assert reason.value > reason.limit and reason.block is not None and reason.time_s is not None
    starts, length = solution.sequence.block_starts_s(), solution.sequence.duration_s
    assert starts[reason.block] <= reason.time_s <= starts[reason.block] + length[reason.block] + 1e-9
    assert solution.sequence.gradient[reason.block, reason.axis] >= 0


def test_heat_is_answered_by_time_or_flip() -> None:
    asked = small("spin_echo_train_2d", repetition_time="700 ms", refocusing_flip_angle="180 deg")
    solution = solve(asked, machine(), SUBJECT, "normal")
    assert {reason.binds for reason in solution.reasons} == {"tissue heating"}
    assert set(solution.changes) <= {"repetition_time", "refocusing_flip_angle", "flip_angle"} and len(solution.changes) == 1
    assert solution.distance < FIELD_COST + math.log(max(reason.value / reason.limit for reason in solution.reasons))


def test_a_step_back_is_refused() -> None:
    asked, spec = small("spoiled_gre_3d", repetition_time="3.8 ms", flip_angle="30 deg"), machine()
    solution = solve(asked, spec, SUBJECT, "normal")
    assert list(solution.changes) == ["repetition_time"]
    legal = solution.nearest.repetition_time
    back = 3.8e-3 + (legal - 3.8e-3) * 0.5
    assert not is_legal(replace(asked, repetition_time=round(back / 1e-5) * 1e-5), spec, "normal")


def test_nothing_exists() -> None:
    spec = machine()
    tender = replace(spec, stimulation=replace(spec.stimulation, rheobase_T_per_s=1e-3))
    solution = solve(small("spoiled_gre_3d"), tender, SUBJECT, "normal", builds=30)
    assert solution.nearest is None and solution.changes == {} and math.isinf(solution.distance)
    assert "none is legal" in solution.sentence() and "peripheral nerves" in solution.sentence()
    strong = replace(machine(), b0_T=9.4)
    solution = solve(small("spoiled_gre_3d"), strong, SUBJECT, "first_level", builds=30)
    assert solution.nearest is None and "static field" in {reason.binds for reason in solution.reasons}


def test_the_same_request_gives_the_same_answer() -> None:
    asked = small("spin_echo_train_2d", slice_thickness="0.5 mm")
    first, second = (solve(asked, machine(), SUBJECT, "normal") for _ in range(2))
    assert first.sentence() == second.sentence() and first.builds == second.builds


def test_progress_and_wrong_requests() -> None:
    told: list[tuple[int, str]] = []
    solution = solve(
        small("spoiled_gre_3d", echo_time="0.5 ms"), machine(), SUBJECT, progress=lambda number, what: told.append((number, what))
    )
    assert [number for number, _ in told] == list(range(1, solution.builds + 1)) and solution.builds <= 80
    with pytest.raises(UsageError, match="acceleration"):
        solve(small("mprage", acceleration=40.0), machine(), SUBJECT)
    with pytest.raises(UsageError, match="mode"):
        solve(small("spoiled_gre_3d"), machine(), SUBJECT, "wild")


def test_settings_are_read_back() -> None:
    asked = small("inversion_recovery_spin_echo")
    assert setting(asked, "inversion_times", (0.06, 1 / 3)) == '["60 ms", "333.333333333 ms"]'
    assert setting(asked, "flip_angle", math.radians(70)) == "70 deg" and setting(asked, "echoes", 4) == "4"
    assert shlex.split(shlex.quote(f"slice_thickness={setting(asked, 'slice_thickness', 2.5e-3)}")) == ["slice_thickness=2.5 mm"]
    gre = small("spoiled_gre_3d")
    assert distance(gre, gre) == 0
    assert distance(gre, replace(gre, repetition_time=9e-3)) == pytest.approx(FIELD_COST + math.log(2))
    assert 1e-3 < between(gre, "echo_time", 1e-3, 2e-3) < 2e-3 and between(gre, "gradient_mode", "fast", "whisper") is None


@pytest.mark.parametrize("name", SMALL)
def test_shortest_times(name: str) -> None:
    spec = machine()
    found = shortest(small(name), spec, SUBJECT, "first_level")
    assert found.protocol is not None and is_legal(found.protocol, spec, "first_level")
    assert found.nerve_margin >= 0 and found.bounds
    for bound in found.bounds:
        assert bound.reason is not None
        less = {bound.field: bound.value_s - bound.raster_s}
        assert not is_legal(with_settings(found.protocol, less), spec, "first_level"), bound


@pytest.mark.parametrize("name", ["spoiled_gre_3d", "mprage", "gradient_echo_epi_2d"])
def test_slew_shortens(name: str) -> None:
    weak, strong = (
        shortest(small(name), machine(slew_T_per_m_s=slew), SUBJECT, "first_level", builds=60) for slew in (80.0, 200.0)
    )
    assert strong.value_s("echo_time") < weak.value_s("echo_time")
    assert strong.value_s("repetition_time") <= weak.value_s("repetition_time")


def test_derived_figures() -> None:
    spec, asked = machine(), small("mprage")
    sequence = build(asked, spec.limits)
    figures = {item.name: item for item in derived(sequence, check(sequence, spec, SUBJECT, "normal"))}
    assert figures["repetition time"].values == (asked.repetition_time,)
    assert figures["inversion time"].values == pytest.approx((0.9,), abs=1e-5)
    assert figures["echo time"].values == pytest.approx((3.2e-3,), abs=1e-6)
    assert figures["bandwidth"].values == pytest.approx((280.0,), rel=2e-3)  # the dwell time lies on a raster of 100 ns
    assert figures["voxel"].values == pytest.approx(tuple(f / n for f, n in zip(asked.fov, asked.matrix, strict=True)))
    assert figures["resolution"].values[0] == pytest.approx(asked.fov[0] / asked.matrix[0])
    assert figures["scan time"].values == (sequence.total_duration_s,)
    assert 0 < figures["PNS of its limit"].values[0] < 100 and figures["SAR head"].values[0] > 0
    epi = {item.name: item for item in derived(build(small("diffusion_epi_2d"), spec.limits))}
    assert epi["effective echo spacing"].values[0] == pytest.approx(epi["echo spacing"].values[0] / 2)
