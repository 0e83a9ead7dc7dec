# TRUTHS: a flat Gz between excitation and readout gives gamma Gz^2 t r^2 / (8 B0) at its worst point of a sphere, Gx four times
# as much | equal lobes around a refocusing pulse cancel | a repetition's area over the voxel is what it spoils | a balanced
# repetition says nothing | too small a spoiler says by how much, and that much suffices
from dataclasses import replace

import pytest

from fullbore import safety
from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from tests.safety.hand_built import SUBJECT, finding, readout, rect, sequence, spec, trapezoid

PULSE = rect(5e-6, 0.5e-3)
LOBE = trapezoid(0.02, 100e-6, 1e-3)
ADC = {"duration": 1e-3, "adc": readout(delay_s=100e-6)}
NAME = "concomitant phase at 100 mm"


def judge(blocks):
    return safety.check(sequence(blocks), spec(), SUBJECT)


@pytest.mark.parametrize(("axis", "factor"), [("z", 0.25), ("x", 1.0), ("y", 1.0)])
def test_one_lobe(axis, factor):
    found = finding(judge([{"duration": 1e-3, "rf": PULSE}, {"duration": 2e-3, axis: LOBE}, ADC]), NAME)
    square = 0.02**2 * (1e-3 + 2 * 100e-6 / 3)
    assert found.value == pytest.approx(GYROMAGNETIC_RATIO_RAD_PER_S_T * factor * square * 0.1**2 / (2 * 3.0), rel=1e-9)
    assert found.allowed and not found.binding


def test_refocusing_cancels():
    turn = replace(PULSE, use="r")
    pair = [
        {"duration": 1e-3, "rf": PULSE},
        {"duration": 2e-3, "z": LOBE},
        {"duration": 1e-3, "rf": turn},
        {"duration": 2e-3, "z": LOBE},
    ]
    assert finding(judge([*pair, ADC]), NAME).value == pytest.approx(0.0, abs=1e-9)
    assert finding(judge([*pair[:3], ADC]), NAME).value == finding(judge([*pair[:2], ADC]), NAME).value > 0.04


def repetition(scale):
    return [{"duration": 1e-3, "rf": PULSE}, ADC, {"duration": 2e-3, "x": (LOBE, scale)}]


def test_spoiling_and_its_advice():
    voxel = 0.2 / 8
    area = LOBE.area_T_s_per_m
    found = finding(judge(repetition(1.0) * 3), "spoiling")
    assert found.value == pytest.approx(42.57638543e6 * area * voxel, rel=1e-9) and found.at_least and not found.advice
    weak = finding(judge(repetition(0.01) * 3), "spoiling")
    (change,) = weak.changes
    assert weak.allowed and weak.block == 3 and change.quantity == "spoiler area" and change.unit == "T s/m"
    more = 0.01 + change.added / area
    assert finding(judge(repetition(more) * 3), "spoiling").value == pytest.approx(1.0, rel=1e-9)


def test_balanced_repetitions_are_not_told():
    blocks = [*repetition(1.0), {"duration": 2e-3, "x": (LOBE, -1.0)}] * 3
    assert not [f for f in judge(blocks).findings if f.check == "spoiling"]
