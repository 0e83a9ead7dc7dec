# TRUTHS of the machine's limits: a legal sequence passes with every value known | doubled slew is refused on its axis,
# block and time, and the advised ramp is legal | too strong a gradient is refused | a jump between blocks is found
# | ends that meet across blocks are no jump | an off-raster block, early RF, late ADC, overlap are each found alone
# | B1 peak | an unknown mode and a massless subject are errors
from dataclasses import replace

import numpy as np
import pytest

from fullbore import safety
from fullbore.data import Gradient
from fullbore.errors import UsageError, ValueRangeError
from tests.safety.hand_built import SUBJECT, finding, readout, rect, sequence, spec, trapezoid

TRAPEZOID = trapezoid(0.02, 200e-6, 1e-3)  # 100 T/m/s


def legal_blocks():
    return [
        {"duration": 2e-3, "rf": rect(5e-6, 0.5e-3)},
        {"duration": 2e-3, "x": TRAPEZOID, "y": (TRAPEZOID, -0.5), "adc": readout(delay_s=300e-6)},
        {"duration": 6e-3, "z": TRAPEZOID},
    ]


def judge(blocks, machine=None, **kwargs):
    return safety.check(sequence(blocks), machine or spec(), SUBJECT, **kwargs)


def refused(verdict):
    return sorted({f.check for f in verdict.refusals})


def test_legal_sequence_passes_with_values():
    verdict = judge(legal_blocks())
    assert verdict.allowed, [str(f) for f in verdict.refusals]
    assert (verdict.sequence, verdict.scanner, verdict.mode) == ("hand", "plain", "normal")
    assert all(np.isfinite([f.value, f.limit]).all() and f.unit and not f.advice for f in verdict.findings)
    assert finding(verdict, "gradient", "axis x").value == pytest.approx(20.0)
    assert finding(verdict, "gradient", "axis y").value == pytest.approx(10.0)
    assert finding(verdict, "slew", "axis z").value == pytest.approx(100.0)
    assert finding(verdict, "B1 peak").value == pytest.approx(5.0)
    assert finding(verdict, "nerve stimulation").value > 0
    assert finding(verdict, "static field").value == 3.0


def test_doubled_slew_is_refused_where_it_is():
    blocks = legal_blocks()
    blocks[2]["z"] = trapezoid(0.04, 100e-6, 1e-3, delay_s=1e-3)
    verdict = judge(blocks)
    bad = [f for f in verdict.refusals if f.check == "slew"]
    assert [f.where for f in bad] == ["axis z, block 2 (t = 5.00 ms)"]
    assert bad[0].value == pytest.approx(400.0) and bad[0].limit == 200.0
    assert bad[0].advice == "Lengthen the ramp by 100 us."
    blocks[2]["z"] = trapezoid(0.04, 200e-6, 1e-3, delay_s=1e-3)
    assert "slew" not in refused(judge(blocks))


def test_strong_gradient_is_refused():
    blocks = legal_blocks()
    blocks[1]["y"] = (TRAPEZOID, -2.5)
    bad = next(f for f in judge(blocks).refusals if f.check == "gradient")
    assert bad.where == "axis y, block 1 (t = 2.00 ms)" and bad.value == pytest.approx(50.0)
    assert bad.advice.startswith("Lower it to 90.0%")


def test_jump_between_blocks_is_found():
    half = Gradient(times_s=np.array([0.0, 200e-6, 1e-3]), values_T_per_m=np.array([0.0, 0.01, 0.01]))
    bad = judge([{"duration": 1e-3, "x": half}, {"duration": 1e-3}]).refusals[0]
    assert (bad.check, bad.where) == ("slew", "axis x, block 1 (t = 1.00 ms)")
    assert bad.value == pytest.approx(0.01 / 10e-6) and "jumps by -10 mT/m" in bad.advice


def test_jump_at_the_very_end_is_found():
    half = Gradient(times_s=np.array([0.0, 200e-6, 1e-3]), values_T_per_m=np.array([0.0, 0.01, 0.01]))
    assert judge([{"duration": 1e-3, "x": half}]).refusals[0].where == "axis x, block 0 (t = 1.00 ms)"


def test_ends_that_meet_are_no_jump():
    up = Gradient(times_s=np.array([0.0, 200e-6, 1e-3]), values_T_per_m=np.array([0.0, 0.01, 0.01]))
    down = Gradient(times_s=np.array([0.0, 0.8e-3, 1e-3]), values_T_per_m=np.array([0.02, 0.02, 0.0]))
    verdict = judge([{"duration": 1e-3, "x": up}, {"duration": 1e-3, "x": (down, 0.5)}])
    assert verdict.allowed and finding(verdict, "slew", "axis x").value == pytest.approx(50.0)


@pytest.mark.parametrize(
    ("change", "check", "size_us"),
    [
        ({"duration": 2.003e-3}, "block raster", 3.0),
        ({"rf": rect(5e-6, 0.5e-3, delay_s=80e-6)}, "RF timing", 20.0),
        ({"rf": rect(5e-6, 0.5e-3, delay_s=100.25e-6)}, "RF timing", 0.25),
        ({"rf": rect(5e-6, 1.9e-3)}, "RF timing", 30.0),
        ({"adc": readout(delay_s=1.95e-3), "rf": None}, "ADC timing", 40.0),
        ({"adc": readout(dwell_s=1.005e-5, delay_s=1e-3), "rf": None}, "ADC timing", 0.05),
        ({"adc": readout(delay_s=500e-6)}, "RF-ADC overlap", 80.0),
        ({"x": trapezoid(0.02, 200e-6, 1.7e-3)}, "gradient timing", 100.0),
        ({"x": trapezoid(0.02, 203e-6, 1e-3)}, "gradient timing", 4.0),
    ],
)
def test_each_timing_fault_is_found(change, check, size_us):
    blocks = legal_blocks()
    blocks[0] = blocks[0] | change
    verdict = judge(blocks)
    bad = finding(verdict, check)
    assert not bad.allowed and bad.where == "block 0 (t = 0.00 ms)" and bad.advice
    assert bad.value == pytest.approx(size_us, rel=1e-6)
    assert {f.check for f in verdict.refusals} - {check} <= {"slew"}


def test_b1_peak_is_refused():
    bad = finding(judge(legal_blocks(), spec(b1_peak_T=4e-6)), "B1 peak")
    assert not bad.allowed and bad.limit == pytest.approx(4.0) and bad.advice == "Lengthen the pulse by 25.0%."


def test_seven_tesla_needs_first_level():
    machine = replace(spec(), b0_T=7.0)
    assert refused(judge(legal_blocks(), machine)) == ["static field"]
    assert judge(legal_blocks(), machine, mode="first_level").allowed


def test_unknown_mode_and_massless_subject():
    with pytest.raises(UsageError, match="unknown operating mode"):
        judge(legal_blocks(), mode="research")
    with pytest.raises(ValueRangeError, match="mass"):
        safety.check(sequence(legal_blocks()), spec(), replace(SUBJECT, mass_kg=0.0))


def test_empty_sequence_is_allowed():
    assert judge([{"duration": 1e-3}]).allowed
