# TRUTHS of SAR: a rect train has mean square B1 = b1^2 tau / TR in closed form | a short burst in a long quiet sequence fills
# only its share of a window | the worst window is found wherever the burst is | a short sequence counts as repeated
# | doubling B1 quadruples SAR | head and whole body by their own coefficients | 10 s may have twice the 6 min limit
# | the advised TR is legal | = brute-force sliding window on random sequences | the exposed part takes all the power, its limit
# falls with its share | local SAR by observation points is w^H Q w, without them a hint | RF power is forward power per B1
# squared | a shim that drives harder deposits more
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullbore import safety
from fullbore.errors import ShapeError
from fullbore.safety.power import mean_square_T2
from tests.safety.hand_built import SUBJECT, finding, rect, sequence, spec

PULSE = rect(5e-6, 1e-3)
QUIET = {"duration": 8e-3}


def train(count, tr_s, pulse=PULSE):
    return [{"duration": 2e-3, "rf": pulse}, {"duration": tr_s - 2e-3}] * count


def judge(blocks, mode="normal"):
    return safety.check(sequence(blocks), spec(), SUBJECT, mode)


def test_rect_train_in_closed_form():
    verdict = judge(train(100, 0.02))
    square = (5e-6) ** 2 * 1e-3 / 0.02
    assert finding(verdict, "SAR head, 6 min").value == pytest.approx(2e11 * square, rel=1e-9)
    assert finding(verdict, "SAR whole body, 6 min").value == pytest.approx(5e10 * square, rel=1e-9)
    assert finding(verdict, "B1+rms, 6 min").value == pytest.approx(1e6 * np.sqrt(square), rel=1e-9)
    assert "as if repeated" in finding(verdict, "SAR head, 6 min").where


@pytest.mark.parametrize("silence", [(30.0, 0.0), (0.0, 30.0), (13.37, 17.0)])
def test_worst_window_is_found(silence):
    before, after = silence
    quiet = [{"duration": s} for s in (before, after)]
    seq = sequence([quiet[0], *train(100, 0.02), quiet[1]])
    square, begin = mean_square_T2(seq, 10.0)
    assert square == pytest.approx((5e-6) ** 2 * 1e-3 * 100 / 10.0, rel=1e-9)
    assert begin <= before + 100e-6 and begin + 10.0 >= before + 2.0 - 0.02 + 1.1e-3 - 1e-9


def test_doubling_b1_quadruples_sar():
    one, two = (finding(judge(train(10, 0.05, rect(b1, 1e-3))), "SAR head, 10 s").value for b1 in (4e-6, 8e-6))
    assert two == pytest.approx(4 * one, rel=1e-12)


def test_limits_of_modes_and_windows():
    normal, first = judge(train(1, 0.05)), judge(train(1, 0.05), "first_level")
    limits = [
        finding(v, f"SAR {part}, {w}").limit
        for v in (normal, first)
        for part in ("whole body", "head")
        for w in ("6 min", "10 s")
    ]
    assert limits == [2.0, 4.0, 3.2, 6.4, 4.0, 8.0, 3.2, 6.4]


def test_advised_tr_is_legal():
    pulse = rect(15e-6, 1e-3)
    bad = finding(judge(train(50, 4e-3, pulse)), "SAR head, 6 min")
    assert not bad.allowed
    longer = 1 + float(bad.advice.split("by ")[1].split("%")[0]) / 100
    mended = finding(judge(train(50, 4e-3 * longer, pulse)), "SAR head, 6 min")
    assert mended.value == pytest.approx(3.2, rel=1e-3)


def brute_force(seq, window_s, step_s=1e-3):
    """Second, slow implementation: power on a 1 ms raster, every window by a running sum."""
    power = np.zeros(round(seq.total_duration_s / step_s))
    for start, index in zip(seq.block_starts_s(), seq.rf, strict=True):
        if index >= 0:
            pulse = seq.rf_pulses[index]
            power[int((start + pulse.delay_s) / step_s)] += np.sum(np.abs(pulse.b1_T) ** 2) * pulse.raster_s
    n = min(round(window_s / step_s), len(power))
    sums = np.convolve(power, np.ones(n), mode="valid")
    return sums.max() / (n * step_s)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_equals_brute_force(seed):
    rng = np.random.default_rng(seed)
    pulses = [rect(b1, 0.5e-3) for b1 in (3e-6, 9e-6)]
    blocks = []
    for _ in range(60):
        blocks.append({"duration": 2e-3, "rf": pulses[rng.integers(2)]})
        blocks.append({"duration": 10e-3 * rng.integers(1, 80)})
    seq = sequence(blocks)
    # 1 %: the reference moves its windows in steps of 1 ms of 10 s and never cuts a pulse.
    assert mean_square_T2(seq, 10.0)[0] == pytest.approx(brute_force(seq, 10.0), rel=1e-2)


def test_silence_has_no_sar():
    verdict = judge([QUIET])
    assert finding(verdict, "SAR head, 6 min").value == 0.0 and verdict.allowed


def test_partial_body():
    verdict = judge(train(10, 0.02))
    body, part = (finding(verdict, f"SAR {p}, 6 min") for p in ("whole body", "partial body"))
    assert part.value == pytest.approx(body.value / 0.2) and part.limit == pytest.approx(10 - 8 * 0.2)
    assert finding(judge(train(10, 0.02), "first_level"), "SAR partial body, 10 s").limit == pytest.approx(2 * (10 - 6 * 0.2))


def test_local_sar_without_fields_is_a_hint():
    verdict = judge(train(50, 4e-3, rect(18e-6, 1e-3)))
    local = finding(verdict, "SAR local 10 g, 6 min")
    assert local.value == pytest.approx(3 * finding(verdict, "SAR head, 6 min").value)
    assert local.value > local.limit and local.allowed and "no fields" in local.basis and local in verdict.hints


def test_local_sar_by_observation_points():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(5, 3, 3)) + 1j * rng.normal(size=(5, 3, 3))
    points = 1e11 * np.conj(np.swapaxes(a, 1, 2)) @ a
    shims = (np.array([1.0, 1j, -0.5]), np.array([0.3, -1.0, 1j]))
    seq = sequence(train(4, 0.02))
    seq = replace(seq, rf_shim=np.array([0, -1, 1, -1, -1, -1, 0, -1], dtype=np.int32), rf_shims=shims)
    machine = replace(spec(), power=replace(spec().power, observation_points=points))
    found = finding(safety.check(seq, machine, SUBJECT), "SAR local 10 g, 6 min")
    drives = [shims[0], shims[1], np.ones(3), shims[0]]
    energy = (5e-6) ** 2 * 1e-3
    expected = max(sum((np.conj(w) @ q @ w).real * energy for w in drives) for q in points) / seq.total_duration_s
    assert found.value == pytest.approx(expected, rel=1e-12) and found.binding and "5 virtual" in found.basis


def test_rf_power():
    power = replace(spec().power, forward_W_per_T2=1e14, peak_W=2000.0, mean_W=100.0)
    verdict = safety.check(sequence(train(10, 0.02)), replace(spec(), power=power), SUBJECT)
    peak, mean = finding(verdict, "RF power peak"), finding(verdict, "RF power, 10 s")
    assert peak.value == pytest.approx(1e14 * (5e-6) ** 2) and not peak.allowed
    assert mean.value == pytest.approx(peak.value * 1e-3 / 0.02) and not mean.allowed
    longer = peak.changes[0]
    assert longer.quantity == "pulse duration" and peak.value / longer.factor**2 == pytest.approx(2000.0)


def test_a_shim_that_drives_harder():
    seq = sequence(train(4, 0.02))
    hard = replace(seq, rf_shim=np.where(seq.rf >= 0, 0, -1).astype(np.int32), rf_shims=(np.array([2.0, 0.1]),))
    values = [finding(safety.check(s, spec(), SUBJECT), "SAR head, 6 min").value for s in (seq, hard)]
    assert values[1] == pytest.approx(4 * values[0])
    assert finding(safety.check(hard, spec(), SUBJECT), "B1 peak").value == pytest.approx(10.0)


def test_observation_points_are_hermitian():
    with pytest.raises(ShapeError, match="Hermitian"):
        replace(spec().power, observation_points=np.array([[[1.0, 2.0], [0.0, 1.0]]]))
