# TRUTHS of refusals: each broken limit is a LimitError that names field, limit and nearest legal value | the legal value builds |
#   one step less does not | values that depend on each other come together | weaker gradients lengthen the shortest times |
#   gradient modes lower the slew

import re
from dataclasses import replace

import numpy as np
import pytest

from fullbore.errors import LimitError, UsageError
from fullbore.sequence import build
from tests.sequence.reference import LIMITS, protocol, small, waveform

CASES = [
    ("localizer", {"echo_time": "0.5 ms"}, "shortest", "excitation, encoding"),
    ("localizer", {"repetition_time": "1 ms"}, "shortest", "events"),
    ("localizer", {"repetition_time": "4.503 ms"}, "nearest", "raster"),
    ("localizer", {"flip_angle": "90 deg"}, "largest", "peak B1"),
    ("t1_mprage", {"bandwidth": "9000 Hz/px"}, "highest", "mT/m"),
    ("t1_mprage", {"echo_spacing": "3 ms"}, "shortest", "events"),
    ("t1_mprage", {"inversion_time": "100 ms"}, "shortest", "half the train"),
    ("t1_mprage", {"repetition_time": "1200 ms"}, "shortest", "train"),
    ("t1_mprage", {"inversion_duration": "4 ms"}, "shortest", "adiabatic"),
    ("t2_tse", {"echo_time": "97 ms"}, "nearest", "every 10 ms"),
    ("t2_tse", {"echo_spacing": "5 ms", "echo_time": "50 ms"}, "shortest", "crushers"),
    ("t2_tse", {"repetition_time": "500 ms"}, "shortest", "4 slices"),
    ("t2_tse", {"slice_thickness": "0.5 mm"}, "smallest", "slice gradient"),
    ("t2_tse", {"refocusing_flip_angle": "300 deg"}, "largest", "peak B1"),
    ("t1t2_map", {"echo_spacing": "3 ms", "matrix": [24, 24]}, "shortest", "crushers"),
]


@pytest.mark.parametrize(("name", "changes", "bound", "reason"), CASES)
def test_refusal_names_a_legal_value(name: str, changes: dict[str, str], bound: str, reason: str) -> None:
    with pytest.raises(LimitError) as error:
        build(protocol(name, **changes), LIMITS)
    message = str(error.value)
    field = next(iter(changes))
    found = re.search(rf"{field}: got (.+?), {bound} is (\S+ \S+) \(.*{reason}", message)
    assert found, message
    others = dict(re.findall(r"(\w+) = (\S+ \w+)", message))
    build(protocol(name, **{**changes, field: found[2], **others}), LIMITS)


@pytest.mark.parametrize(
    ("name", "field", "asked"), [("localizer", "echo_time", "0.5 ms"), ("t1_mprage", "echo_spacing", "3 ms")]
)
def test_the_shortest_is_the_shortest(name: str, field: str, asked: str) -> None:
    with pytest.raises(LimitError) as error:
        build(protocol(name, **{field: asked}), LIMITS)
    shortest = float(re.search(r"shortest is (\S+) ms", str(error.value))[1])
    with pytest.raises(LimitError):
        build(protocol(name, **{field: f"{shortest - 0.01:.6g} ms"}), LIMITS)


def test_inversion_times_are_refused_together() -> None:
    with pytest.raises(LimitError, match="inversion_times: got \\[5 ms, 100 ms\\], nearest is \\[11") as error:
        build(protocol("t1t2_map", inversion_times=["5 ms", "100 ms"], matrix=[24, 24]), LIMITS)
    shortest = re.search(r"nearest is \[(\S+) ms", str(error.value))[1]
    build(protocol("t1t2_map", inversion_times=[f"{shortest} ms", "100 ms"], matrix=[24, 24]), LIMITS)


def test_weaker_gradients_need_longer() -> None:
    def shortest(amplitude: float) -> float:
        with pytest.raises(LimitError) as error:
            build(protocol("localizer", echo_time="0.1 ms"), replace(LIMITS, gradient_T_per_m=amplitude, slew_T_per_m_s=50.0))
        return float(re.search(r"shortest is (\S+) ms", str(error.value))[1])

    assert shortest(8e-3) > shortest(20e-3)


def test_a_machine_too_weak_for_the_map_says_so() -> None:
    weak = replace(LIMITS, b1_peak_T=8e-6)
    with pytest.raises(
        LimitError, match=r"flip_angle.*largest.*8.00 uT.*It also needs refocusing_flip_angle.*inversion_duration"
    ):
        build(small("t1t2_map"), weak)


def test_impossible_sampling_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="acceleration: got 40"):
        build(protocol("t1_mprage", acceleration=40.0), LIMITS)


def test_gradient_modes_lower_the_slew() -> None:
    steepest = {}
    for mode in ("fast", "normal", "whisper"):
        sequence = build(protocol("t2_tse", gradient_mode=mode), LIMITS)
        times, values = waveform(sequence, 2)
        gap = np.diff(times)
        steepest[mode] = (np.abs(np.diff(values))[gap > 1e-9] / gap[gap > 1e-9]).max()
    assert steepest["whisper"] <= 80.0 * (1 + 1e-9) < steepest["normal"] <= 160.0 * (1 + 1e-9)
    assert steepest["fast"] <= 200.0 * (1 + 1e-9)
