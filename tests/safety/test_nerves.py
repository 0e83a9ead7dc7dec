# TRUTHS of nerve stimulation: one ramp on the IEC curve reads 100 %, 80 % of it is the normal-mode limit | two axes add by
# root sum of squares | the advised ramp brings it to the limit | = direct convolution on a fine raster for random sequences
# | a block cut in two plays the same | 50 000 blocks in seconds
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullbore import safety
from fullbore.data import Gradient
from fullbore.physics.stimulation import cardiac_exponentials, nerve_exponentials, nerve_kernel_per_s, ramp_threshold_T_per_s
from tests.safety.hand_built import SUBJECT, finding, sequence, spec, trapezoid

CHRONAXIE, LENGTH = 0.36e-3, 0.33


def percent(blocks, mode="normal", check="nerve stimulation"):
    return finding(safety.check(sequence(blocks), spec(), SUBJECT, mode), check)


def ramp_block(ramp_s, fraction, **other):
    slew = fraction * ramp_threshold_T_per_s(ramp_s, 20.0, CHRONAXIE) / LENGTH
    return {"duration": 20e-3, "x": trapezoid(slew * ramp_s, ramp_s, 15e-3)} | other


@pytest.mark.parametrize("ramp_s", [0.1e-3, 0.2e-3, 0.5e-3])
def test_trapezoid_on_the_iec_curve(ramp_s):
    # The long flat top lets the nerve forget the first ramp; what remains of it (< 0.2 %) lowers the second, not the first.
    found = percent([ramp_block(ramp_s, 1.0)], "first_level")
    assert found.value == pytest.approx(100.0, rel=2e-4) and found.limit == 100.0
    assert percent([ramp_block(ramp_s, 0.799)]).allowed
    bad = percent([ramp_block(ramp_s, 0.81)])
    assert not bad.allowed and bad.where.startswith("mostly axis x, block 0")


def test_axes_add_by_root_sum_of_squares():
    one = ramp_block(0.2e-3, 0.3)
    both = one | {"y": (one["x"], -1.0)}
    assert percent([both]).value == pytest.approx(np.sqrt(2) * percent([one]).value, rel=1e-9)


def test_advised_ramp_meets_the_limit():
    ramp, amplitude = 0.2e-3, 0.040
    bad = percent([{"duration": 20e-3, "x": trapezoid(amplitude, ramp, 10e-3)}])
    added = float(bad.advice.split(" by ")[1].split(" us")[0]) * 1e-6
    assert not bad.allowed
    mended = percent([{"duration": 20e-3, "x": trapezoid(amplitude, ramp + added, 10e-3)}])
    assert mended.value == pytest.approx(80.0, rel=3e-3)  # the advice is rounded to a whole microsecond


def convolved(blocks, raster_s=1e-6):
    """Second, slow implementation: sample the gradient on a fine raster and convolve its differences with the kernel."""
    total = sum(block["duration"] for block in blocks)
    n = round(total / raster_s)
    t = np.arange(n + 1) * raster_s
    gradient = np.zeros((n + 1, 3))
    start = 0.0
    for block in blocks:
        for axis, letter in enumerate("xyz"):
            if letter in block:
                event, scale = block[letter]
                gradient[:, axis] += scale * np.interp(t - start, event.times_s, event.values_T_per_m, left=0.0, right=0.0)
        start += block["duration"]
    kernel = nerve_kernel_per_s(t[:-1] + raster_s / 2, CHRONAXIE)
    size = 2 * n
    spectrum = np.fft.rfft(np.diff(gradient, axis=0) * LENGTH, size, axis=0) * np.fft.rfft(kernel, size)[:, None]
    response = np.fft.irfft(spectrum, size, axis=0)[:n]
    return np.linalg.norm(response, axis=1).max() / 20.0


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 8))
def test_equals_direct_convolution(seed, count):
    rng = np.random.default_rng(seed)
    blocks = []
    for _ in range(count):
        shapes = {
            letter: (trapezoid(0.02, 10e-6 * rng.integers(5, 50), 10e-6 * rng.integers(1, 100), 10e-6 * rng.integers(0, 20)),
                     rng.uniform(-1, 1)) for letter in "xyz" if rng.random() < 0.8
        }  # fmt: skip
        blocks.append({"duration": 2.5e-3} | shapes)
    found = percent(blocks).value / 100
    # 1 %: the reference samples dB/dt on a 1 us raster, the kernel changes by 0.6 % over one of its steps.
    assert found == pytest.approx(convolved(blocks), rel=1e-2, abs=1e-9)


def test_a_block_cut_in_two_plays_the_same():
    times, values = np.array([0.0, 100e-6, 700e-6, 900e-6]), np.array([0.0, 0.02, 0.02, 0.0])
    whole = Gradient(times_s=times, values_T_per_m=values)
    first = Gradient(times_s=np.array([0.0, 100e-6, 400e-6]), values_T_per_m=values[:3])
    second = Gradient(times_s=np.array([0.0, 300e-6, 500e-6]), values_T_per_m=values[1:])
    one = percent([{"duration": 1e-3, "x": whole}])
    two = percent([{"duration": 400e-6, "x": first}, {"duration": 600e-6, "x": second}])
    assert one.value == pytest.approx(two.value, rel=1e-9)


def test_segments_integrate_to_the_waveform():
    shape = trapezoid(0.02, 100e-6, 300e-6, 50e-6)
    seq = sequence([{"duration": 2e-3, "x": shape, "y": trapezoid(0.01, 70e-6, 0.0)}, {"duration": 1e-3, "x": (shape, -0.5)}])
    wave = safety.waveform(seq)
    assert wave.duration_s.sum() == pytest.approx(seq.total_duration_s, rel=1e-12)
    area = 0.5 * (wave.begin + wave.end) * wave.duration_s[:, None]
    sums = [area[wave.offset[k] : wave.offset[k + 1]].sum(axis=0) for k in wave.kind] * wave.scale
    np.testing.assert_allclose(sums[:, 0], [shape.area_T_s_per_m, -0.5 * shape.area_T_s_per_m], rtol=1e-12)


def test_heart_needs_far_more_than_the_nerves():
    assert percent([ramp_block(0.2e-3, 0.8)], check="cardiac stimulation").value < 30.0


def test_long_sequence_in_seconds():
    shape = trapezoid(0.02, 150e-6, 600e-6)
    blocks = [{"duration": 1.4e-3, "x": shape, "y": (shape, s), "z": (shape, -s)} for s in np.linspace(-1, 1, 50)]
    short = sequence(blocks)
    long = repeat(short, 1000)
    for exponentials in (nerve_exponentials(CHRONAXIE), cardiac_exponentials()):
        safety.peak_response(safety.waveform(short), (LENGTH,) * 3, exponentials)
    begin = time.perf_counter()
    verdict = safety.check(long, spec(), SUBJECT)
    assert time.perf_counter() - begin < 10.0  # 0.06 s alone on one core; the rest is for a crowded machine
    few = safety.check(repeat(short, 3), spec(), SUBJECT)
    assert finding(verdict, "nerve stimulation").value == pytest.approx(finding(few, "nerve stimulation").value, rel=1e-4)


def repeat(seq, times):
    columns = ("duration_s", "rf", "rf_phase_rad", "rf_frequency_Hz", "adc", "adc_phase_rad", "gradient", "gradient_scale")
    return replace(seq, **{name: np.concatenate([getattr(seq, name)] * times) for name in columns})
