# TRUTHS of SAR: a rect train has mean square B1 = b1^2 tau / TR in closed form | a short burst in a long quiet sequence fills
# only its share of a window | the worst window is found wherever the burst is | a short sequence counts as repeated
# | doubling B1 quadruples SAR | head and whole body by their own coefficients | 10 s may have twice the 6 min limit
# | the advised TR is legal | = brute-force sliding window on random sequences
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullbore import safety
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
