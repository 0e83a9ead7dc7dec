# TRUTHS of protocol files: units become SI | the exam's four files parse, quick and full | unknown keys name the nearest one |
#   unknown units, wrong types, negative, infinite and missing values are one sentence each | quick overrides protocol

import math

import pytest

from fullbore.errors import UsageError
from fullbore.sequence import Mprage, parse_protocol
from tests.sequence.reference import NAMES, protocol


def table(**changes: object) -> dict[str, object]:
    settings: dict[str, object] = {
        "sequence": "mprage",
        "name": "t1",
        "orientation": "sagittal",
        "fov": ["256 mm", "25.6 cm", "0.16 m"],
        "matrix": [64, 64, 32],
        "repetition_time": "2300 ms",
        "inversion_time": "0.9 s",
        "echo_time": "3200 us",
        "echo_spacing": "7 ms",
        "flip_angle": "9 deg",
        "bandwidth": "280 Hz/px",
        "views_per_train": 32,
    }
    settings.update(changes)
    return {"protocol": {k: v for k, v in settings.items() if v is not None}}


def test_units_become_si() -> None:
    parsed = parse_protocol(table())
    assert isinstance(parsed, Mprage)
    assert parsed.fov == pytest.approx((0.256, 0.256, 0.16))
    assert (parsed.repetition_time, parsed.inversion_time, parsed.echo_time) == pytest.approx((2.3, 0.9, 3.2e-3))
    assert parsed.flip_angle == pytest.approx(math.pi / 20)
    assert parsed.calibration == (24, 24)


@pytest.mark.parametrize("name", NAMES)
def test_the_exam_parses(name: str) -> None:
    full, quick = protocol(name, quick=False), protocol(name)
    assert full.name == quick.name == name
    assert math.prod(quick.matrix) < math.prod(full.matrix)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"echo_tme": "3 ms"}, ["'echo_tme'", "did you mean 'echo_time'"]),
        ({"qwertyuiop": 1}, ["'qwertyuiop'", "known keys are"]),
        ({"echo_time": "3 mm"}, ["echo_time", "'mm'", "ms"]),
        ({"echo_time": 3}, ["echo_time", "3", "unit"]),
        ({"echo_time": "-3 ms"}, ["echo_time", "greater than 0"]),
        ({"echo_time": "1e999 ms"}, ["echo_time", "finite"]),
        ({"echo_time": None}, ["echo_time", "Add the key"]),
        ({"fov": ["256 mm", "256 furlongs", "1 m"]}, ["fov", "furlongs"]),
        ({"fov": ["256 mm", "256 mm"]}, ["fov"]),
        ({"matrix": [64, 63, 32]}, ["matrix.1", "63", "multiple of 2"]),
        ({"orientation": "axail"}, ["orientation", "'axial'"]),
        ({"sequence": "mprge"}, ["sequence", "mprage"]),
        ({"acceleration": 0.5}, ["acceleration", "0.5"]),
        ({"readout_oversampling": 10**9}, ["readout_oversampling", "less than or equal to 65536"]),
    ],
)
def test_refusals_are_one_sentence(changes: dict[str, object], words: list[str]) -> None:
    with pytest.raises(UsageError) as error:
        parse_protocol(table(**changes))
    assert all(word in str(error.value) for word in words), str(error.value)
    assert "\n" not in str(error.value)


def test_tables_are_checked_too() -> None:
    with pytest.raises(UsageError, match="no table \\[protocol\\]"):
        parse_protocol({})
    with pytest.raises(UsageError, match="did you mean 'quick'"):
        parse_protocol({**table(), "quik": {}})
    with pytest.raises(UsageError, match="quick: unknown key 'matrx'"):
        parse_protocol({**table(), "quick": {"matrx": [32, 32, 32]}})


def test_quick_overrides() -> None:
    both = {**table(), "quick": {"matrix": [32, 32, 16]}}
    assert parse_protocol(both).matrix == (64, 64, 32)
    assert parse_protocol(both, quick=True).matrix == (32, 32, 16)
