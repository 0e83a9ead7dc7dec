# TRUTHS of the machine's limits: a legal sequence passes with every value known | doubled slew is refused on its axis,
# block and time, and the advised ramp is legal | too strong a gradient is refused | a jump between blocks is found
# | ends that meet across blocks are no jump | an off-raster block, early RF, late ADC, overlap are each found alone
# | B1 peak | an unknown mode and a massless subject are errors | numbers that make no sense are errors that name them
# | the vector binds in every rotation only | voltage is L dI/dt + R I at the worst end | every finding over its limit has a
# change as a number, and following it makes the sequence legal
from dataclasses import replace

import numpy as np
import pytest

from fullbore import safety
from fullbore.data import Gradient
from fullbore.data.verdict import QUANTITIES
from fullbore.errors import UsageError, ValueRangeError
from tests.safety.hand_built import SUBJECT, finding, readout, rect, sequence, spec, trapezoid
from tests.safety.random_sequences import CHAIN, machine, random_sequence

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
    assert all(np.isfinite([f.value, f.limit]).all() and f.unit and not f.advice and not f.changes for f in verdict.findings)
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


def test_silence_is_allowed():
    assert judge([{"duration": 1e-3}]).allowed
    assert judge([{"duration": 0.0}]).allowed


def test_empty_sequence_is_an_error():
    with pytest.raises(ValueRangeError, match="no blocks"):
        judge([])


NAN, SHORT = float("nan"), np.array([0.0, 1e-4])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"duration_s": np.array([2e-3, -1e-3, 6e-3])}, "duration of block 1.*negative"),
        ({"duration_s": np.array([2e-3, NAN, 6e-3])}, "duration of block 1"),
        ({"gradient_scale": np.array([[0, 0, 0], [1, 1, 1], [0, np.inf, 0]])}, "gradient scale of block 2"),
        ({"rf_phase_rad": np.array([NAN, 0, 0])}, "rf_phase_rad of block 0"),
        ({"adc_frequency_Hz": np.array([0, np.inf, 0])}, "adc_frequency_Hz of block 1"),
        ({"gradients": (TRAPEZOID, Gradient(times_s=SHORT, values_T_per_m=np.array([0.0, NAN])))}, "values of gradient 1"),
        ({"rf_pulses": (replace(rect(5e-6, 0.5e-3), b1_T=np.array([1e-6, NAN])),)}, "samples of RF pulse 0"),
        ({"rf_pulses": (replace(rect(5e-6, 0.5e-3), delay_s=-1e-6),)}, "RF pulse 0.*negative"),
        ({"adcs": (replace(readout(), dwell_s=-1e-6),)}, "ADC 0.*negative"),
        ({"rf": np.array([5, -1, -1], dtype=np.int32)}, "block 0: plays RF pulse 5 of 1"),
    ],
)
def test_numbers_that_make_no_sense(change, named):
    with pytest.raises(ValueRangeError, match=named):
        safety.check(replace(sequence(legal_blocks()), **change), spec(), SUBJECT)


def test_vector_binds_in_every_rotation():
    blocks = [{"duration": 6e-3, **{axis: trapezoid(0.03, 200e-6, 1e-3) for axis in "xyz"}}]
    far = spec(length_m=(0.01, 0.01, 0.01))
    played = judge(blocks, far)
    vector = finding(played, "gradient vector")
    assert vector.value == pytest.approx(30.0 * np.sqrt(3)) and played.allowed and vector in played.hints
    turned = judge(blocks, far, rotation="any")
    assert refused(turned) == ["gradient vector", "slew vector"]
    with pytest.raises(UsageError, match="rotation"):
        judge(blocks, far, rotation="all")


def test_coil_voltage_and_current():
    rise, amplitude = 200e-6, 0.02
    verdict = judge([{"duration": 2e-3, "x": trapezoid(amplitude, rise, 1e-3)}], machine())
    volts = (CHAIN.inductance_H[0] / rise + CHAIN.resistance_ohm[0]) * amplitude / CHAIN.sensitivity_T_per_m_A[0]
    assert finding(verdict, "coil voltage", "axis x").value == pytest.approx(volts)
    assert finding(verdict, "coil current", "axis x").value == pytest.approx(amplitude / CHAIN.sensitivity_T_per_m_A[0])
    weak = replace(machine(), chain=replace(CHAIN, voltage_V=(500.0,) * 3))
    bad = finding(judge([{"duration": 2e-3, "x": trapezoid(amplitude, rise, 1e-3)}], weak), "coil voltage", "axis x")
    assert not bad.allowed and bad.changes[0].quantity == "ramp time" and bad.changes[0].axis == 0
    longer = rise * bad.changes[0].factor
    mended = judge([{"duration": 2.4e-3, "x": trapezoid(amplitude, longer, 1e-3)}], weak)
    assert finding(mended, "coil voltage", "axis x").value == pytest.approx(500.0, rel=1e-9)


def test_findings_name_event_block_and_time():
    blocks = legal_blocks()
    blocks[2]["z"] = trapezoid(0.04, 100e-6, 1e-3, delay_s=1e-3)
    bad = next(f for f in judge(blocks).refusals if f.check == "slew")
    assert (bad.block, bad.event) == (2, "gradient 1 on axis z") and bad.time_s == pytest.approx(5e-3)
    (change,) = bad.changes
    assert (change.quantity, change.axis, change.unit) == ("ramp time", 2, "s") and change.added == pytest.approx(100e-6)


def test_every_refusal_carries_changes_that_are_known():
    for seed in range(40):
        verdict = safety.check(random_sequence(seed), machine(gradient_T_per_m=0.01, slew_T_per_m_s=20.0), SUBJECT)
        for found in (*verdict.refusals, *verdict.hints):
            assert found.changes and all(change.quantity in QUANTITIES for change in found.changes), found
            assert found.block is not None and found.time_s is not None and found.advice


def test_the_advised_amplitude_is_legal():
    tight = machine(gradient_T_per_m=0.01, slew_T_per_m_s=60.0)
    for seed in range(40):
        seq, factors = random_sequence(seed), [1.0]
        for found in safety.check(seq, tight, SUBJECT, rotation="any").refusals:
            factors += [change.factor for change in found.changes if change.quantity == "gradient amplitude"]
            if found.check.startswith("slew"):
                factors.append(found.limit / found.value)
        mended = safety.check(replace(seq, gradient_scale=min(factors) * seq.gradient_scale), tight, SUBJECT, rotation="any")
        rf = ("SAR", "B1", "RF")
        assert not [f for f in mended.refusals if not f.check.startswith(rf)], seed


def test_what_the_machine_lacks_is_said():
    assert len(judge(legal_blocks()).unchecked) == 5
    assert [text.partition(":")[0] for text in judge(legal_blocks(), machine()).unchecked] == ["Local SAR from fields"]
