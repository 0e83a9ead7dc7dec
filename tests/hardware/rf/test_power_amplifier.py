# TRUTHS of the RF amplifier: a known memory polynomial is fitted exactly | pre-distortion lowers the in-band error by more than
#   20 dB, also on a pulse that it did not learn from | the scanner's compression is the steady polynomial | droop falls at its
#   rate and recovers | mean = duty times peak; class B is pi / 4 efficient at full drive | too much is refused, with a way out
from __future__ import annotations

import numpy as np
import pytest

from fullbore.errors import LimitError, ShapeError, ValueRangeError
from fullbore.hardware.rf.power_amplifier import (
    MemoryPolynomial,
    class_ab,
    corrected,
    droop,
    fit_polynomial,
    in_band_error_dB,
    learn_predistorter,
    power_budget,
    scanner_amplifier,
)


def noise(seed: int, count: int = 4000, band: float = 0.1) -> np.ndarray:
    """Band-limited complex noise, at most 0.9 of full scale."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.fft(rng.standard_normal(count) + 1j * rng.standard_normal(count))
    x = np.fft.ifft(spectrum * (np.abs(np.fft.fftfreq(count)) < band / 2))
    return 0.9 * x / np.abs(x).max()


def sinc(count: int = 2000) -> np.ndarray:
    t = np.linspace(-3, 3, count)
    return 0.9 * np.sinc(t) * np.cos(np.pi * t / 6) ** 2 * np.exp(0.3j * t)


def test_a_known_polynomial_is_fitted_exactly():
    known = class_ab()
    x = noise(1)
    found = fit_polynomial(x, known(x))
    assert found.coefficients == pytest.approx(known.coefficients, rel=1e-8, abs=1e-10)


def test_predistortion_gains_more_than_20_dB():
    amplifier = class_ab()
    learnt = learn_predistorter(amplifier, noise(2))
    for wanted in (noise(2), noise(3), sinc()):
        plain = in_band_error_dB(amplifier(wanted), wanted)
        better = in_band_error_dB(amplifier(learnt(wanted)), wanted)
        assert plain > -35 and better < plain - 20


def test_the_scanners_amplifier_is_the_steady_one():
    amplifier = class_ab()
    flaw = scanner_amplifier(amplifier, 20e-6, 2.0)
    for level in (0.2, 0.7, 1.0):
        steady = amplifier(np.full(50, level + 0j))[-1] / amplifier.gain
        model = level * (1 + sum(a * level ** (2 * i + 2) for i, a in enumerate(flaw.compression)))
        assert model == pytest.approx(steady, rel=1e-12)
    one = abs(amplifier(np.ones(50, complex))[-1] / amplifier.gain)
    assert 20 * np.log10(one) == pytest.approx(-1, abs=0.2)  # a class of about 1 dB; the choice says so
    tamed = scanner_amplifier(corrected(amplifier, learn_predistorter(amplifier, noise(2))), 16e-6, 2.0)
    for level in (0.2, 0.7, 1.0):
        factors = [1 + sum(a * level ** (2 * i + 2) for i, a in enumerate(part.compression)) for part in (flaw, tamed)]
        assert abs(factors[1] - 1) < max(0.3 * abs(factors[0] - 1), 0.01)


def test_droop_and_recovery():
    gain = droop(np.concatenate([np.ones(100), np.zeros(9900)]), 1e-5, 20.0, 10e-3)
    assert gain[0] == 1 and gain[10] == pytest.approx(1 - 20 * 1e-4, rel=1e-4)
    assert (np.diff(gain[:100]) < 0).all() and gain[-1] == pytest.approx(1, abs=1e-5)


def test_budget():
    flat = power_budget(np.full(10, 20e-6), 1e-3, 20e-3, 75e12, 30e3, 2.4e3, idle_share=0.0)
    assert (flat.peak_W, flat.mean_W, flat.duty) == pytest.approx((30e3, 1500.0, 0.05))
    assert flat.mean_W / flat.supply_W == pytest.approx(np.pi / 4)
    assert flat.heat_W == pytest.approx(flat.supply_W - flat.mean_W)
    with pytest.raises(LimitError, match="at most 20 uT"):
        power_budget(np.full(10, 25e-6), 1e-3, 20e-3, 75e12, 30e3, 2.4e3)
    with pytest.raises(LimitError, match=r"every 12\.5 ms"):
        power_budget(np.full(10, 20e-6), 1e-3, 10e-3, 75e12, 30e3, 2.4e3)


def test_bad_input_is_refused():
    with pytest.raises(ShapeError):
        MemoryPolynomial(coefficients=np.array([np.nan]))
    with pytest.raises(ValueRangeError, match="at least 9"):
        fit_polynomial(np.ones(5) + 0j, np.ones(5) + 0j)
