# TRUTHS of the transmitter: a quadrature modulator's image is (1 - 2 g cos p + g^2) / (1 + 2 g cos p + g^2), measured on
#   a tone too | order 1 holds, order 2 joins by lines | a tone's interpolation image lies at the raster's rate, as low as
#   foretold | steps, jitter add to a pulse what the table says | a perfect modulator has no image
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.hardware.spectrometer import load_spectrometer_brief, transmit_figures
from fullbore.hardware.spectrometer.transmit import image_rejection_dB, interpolated, modulated, pulse_error

BRIEF = load_spectrometer_brief("3t")
PULSE = 0.5 * np.sinc(np.linspace(-3, 3, 300)) + 0j


def changed(clock=None, **transmit):
    quiet = replace(BRIEF.clock, phase_bits=32, **(clock or {}))
    return replace(BRIEF, clock=quiet, transmit=replace(BRIEF.transmit, **transmit))


@pytest.mark.parametrize(("gain", "phase"), [(0.02, 0.0), (0.0, 0.01), (0.05, -0.03)])
def test_image(gain, phase):
    count = np.arange(1000)
    lines = np.abs(np.fft.fft(modulated(np.exp(2j * np.pi * 0.05 * count), gain, phase)))
    assert 20 * np.log10(lines[50] / lines[-50]) == pytest.approx(image_rejection_dB(gain, phase), abs=1e-6)


def test_no_error_no_image():
    assert image_rejection_dB(0.0, 0.0) == np.inf
    assert image_rejection_dB(0.0, 0.02) == pytest.approx(20 * np.log10(2 / 0.02), abs=1e-3)


def test_interpolation():
    got = interpolated(np.array([1.0, 3.0 + 0j]), 1, 4)
    np.testing.assert_allclose(got, [1, 1, 1, 1, 3, 3, 3, 3, 0, 0, 0])
    np.testing.assert_allclose(interpolated(np.array([0, 4.0 + 0j, 0]), 2, 4)[4:11], [1, 2, 3, 4, 3, 2, 1])


def test_interpolation_image():
    """A tone at the edge of 10 kHz, on a raster of 1 us: its image at 1 MHz less 5 kHz."""
    ratio, count = 400, 2000
    tone = np.exp(2j * np.pi * 5e-3 * np.arange(count))
    whole = interpolated(tone, 2, ratio)[ratio * 4 : ratio * (count - 400)]
    turns = np.arange(len(whole)) / ratio
    own, image = (abs(np.mean(whole * np.exp(-2j * np.pi * f * turns) * np.hanning(len(whole)))) for f in (5e-3, 5e-3 - 1))
    brief = changed(order=2)
    assert 20 * np.log10(image / own) == pytest.approx(transmit_figures(brief)["interpolation_image_dB"], abs=0.1)


@pytest.mark.parametrize("bits", [10, 14])
def test_steps_and_jitter_add_what_the_table_says(bits):
    """Against the pulse's own mean power, whereas the table is for full scale."""
    below = 10 * np.log10(np.mean(np.abs(PULSE) ** 2))
    coarse = changed({"jitter_s": 0.0}, bits=bits)
    # 1 dB: between the boxcar's noise bandwidth (0.48 of the raster's rate for four in a row) and the table's whole rate, 3.2 dB
    # are taken off; steps of a slowly varying carrier are white only nearly (at 8 bits and fewer they are not: up to 15 dB more).
    got = 20 * np.log10(pulse_error(PULSE, coarse))
    assert got == pytest.approx(transmit_figures(coarse)["steps_dB"] - below - 3.2, abs=1.0)
    shaky = changed({"jitter_s": 3e-12}, bits=24)
    got = 20 * np.log10(pulse_error(PULSE, shaky))
    assert got == pytest.approx(transmit_figures(shaky)["jitter_dB"] - 3.2, abs=0.7)


def test_an_image_adds_its_own_level():
    """A pulse that is real is its own mirror image: gain error alone would only scale it. A phase error turns it."""
    tilted = changed({"jitter_s": 0.0}, phase_error_rad=0.02, bits=24)
    assert pulse_error(PULSE * np.exp(0.25j * np.pi), tilted) == pytest.approx(abs(np.exp(0.02j) - 1) / np.sqrt(2), rel=0.02)
