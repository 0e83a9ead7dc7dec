# TRUTHS of readouts: echo train: k of samples from the gradient, neighbours within 1 / fov, forth = back, coverage, limits |
#   ramp sampling is quicker | spacing at the closed form | nerves and bands kept | blip halves add up | spokes: UTE starts at
#   k = 0, amplitude of the dwell time | waves: swing of the closed form, about 0, slew legal | blades cover the disc

import numpy as np
import pytest

from fullbore.data import Limits, StimulationModel
from fullbore.errors import LimitError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T as GAMMA
from fullbore.sequence.waveforms import NerveLimit, blade_lines, echo_train, spoke, wave

LIMITS = Limits(gradient_T_per_m=0.04, slew_T_per_m_s=150.0, b1_peak_T=20e-6)
MODEL = StimulationModel(rheobase_T_per_s=20.0, chronaxie_s=0.36e-3, effective_length_m=(0.32, 0.30, 0.36), source="test")


@pytest.mark.parametrize("options", [{}, {"ramp_sampling": False}, {"dwell_s": 4e-6}, {"nerves": NerveLimit(model=MODEL)}])
def test_echo_train(options: dict) -> None:
    fov, samples = 0.22, 96
    train = echo_train(fov, samples, 1 / fov, LIMITS, **options)
    times = train.adc.delay_s + (np.arange(train.adc.samples) + 0.5) * train.adc.dwell_s
    assert np.allclose(train.k_per_m, GAMMA * (train.lobe.area_until_T_s_per_m(times) + train.prephase_T_s_per_m), atol=1e-9)
    assert np.abs(train.k_per_m + train.k_per_m[::-1]).max() < 1e-6
    assert np.diff(train.k_per_m).max() * fov <= 1 + 1e-9
    assert np.ptp(train.k_per_m) >= (samples - 1.5) / fov  # the sampled span; each sample stands for 1 / fov about it
    slopes = np.diff(train.lobe.values_T_per_m) / np.diff(train.lobe.times_s)
    assert np.abs(slopes).max() <= 150 * (1 + 1e-9) and train.lobe.values_T_per_m.max() <= 0.04
    assert times[0] - train.adc.dwell_s / 2 >= train.blip_s / 2 - 1e-9
    assert train.lobe.times_s[-1] == pytest.approx(train.spacing_s)
    if "dwell_s" in options:
        assert train.adc.dwell_s <= 4e-6


def test_spacing_of_flat_sampling_in_closed_form() -> None:
    # Flat top width / g, ramps g / slew on both sides: least for g = sqrt(width slew / 2), or the amplitude's limit.
    width = 96 / 0.22 / GAMMA
    g = min(0.04, np.sqrt(width * 150 / 2))
    closed = width / g + 2 * g / 150
    flat = echo_train(0.22, 96, 0.0, LIMITS, ramp_sampling=False).spacing_s
    assert closed <= flat <= closed + 30e-6  # ramps and flat top on a raster of 10 us
    assert echo_train(0.22, 96, 0.0, LIMITS).spacing_s < 0.85 * flat


def test_bands_and_blips() -> None:
    train = echo_train(0.22, 96, 2 / 0.22, LIMITS, bands=((500.0, 1300.0),))
    assert not 500 < 0.5 / train.spacing_s < 1300
    first, last = train.blip(0.0, 2 / 0.22), train.blip(2 / 0.22, 0.0)
    assert first is not None and last is not None and train.blip(0.0, 0.0) is None
    assert GAMMA * (first.area_T_s_per_m + last.area_T_s_per_m) == pytest.approx(2 / 0.22, rel=1e-9)
    assert first.values_T_per_m[-1] == pytest.approx(last.values_T_per_m[0])
    with pytest.raises(LimitError, match="blip"):
        train.blip(5 / 0.22, 0.0)
    with pytest.raises(LimitError, match="spacing"):
        echo_train(0.01, 4096, 0.0, LIMITS)


def test_spokes() -> None:
    full, ute = spoke(0.22, 256, 4e-6, LIMITS), spoke(0.22, 256, 4e-6, LIMITS, centre_out=True, ramp_sampling=True)
    assert full.adc.samples == 256 and np.allclose(np.diff(full.k_per_m), 1 / 0.22)
    assert np.abs(full.k_per_m + full.k_per_m[::-1]).max() < 0.05 / 0.22  # the window lies on the receiver's raster
    assert 0 < ute.k_per_m[0] < 0.01 / 0.22 and ute.k_per_m[-1] > 127 / 0.22
    assert np.diff(ute.k_per_m).max() <= (1 + 1e-9) / 0.22
    with pytest.raises(LimitError, match="dwell"):
        spoke(0.22, 256, 1e-6, LIMITS)


@pytest.mark.parametrize("cosine", [False, True])
def test_waves(cosine: bool) -> None:
    helix = wave(5e-3, 8, LIMITS, cosine=cosine)
    t = helix.lead_s + np.linspace(0, 5e-3, 2001)
    k = GAMMA * (helix.gradient.area_until_T_s_per_m(t) + helix.prephase_T_s_per_m)
    assert k.max() == pytest.approx(-k.min(), rel=1e-3) and k.max() == pytest.approx(helix.amplitude_per_m, rel=1e-3)
    turn = 2 * np.pi * 8 / 5e-3
    # 1 - (turn raster)^2 / 12 = 0.99916 of the smooth wave's swing, for it is linear between raster corners.
    assert helix.amplitude_per_m == pytest.approx(GAMMA * 150 / turn**2, rel=1.5e-3)
    slew = np.diff(helix.gradient.values_T_per_m) / np.diff(helix.gradient.times_s)
    assert np.abs(slew).max() <= 150 and helix.gradient.values_T_per_m[[0, -1]].tolist() == [0, 0]
    if not cosine:
        assert abs(helix.gradient.area_T_s_per_m) < 1e-12


def test_blades_cover_the_disc() -> None:
    blades = blade_lines(13, 16, 0.22, 128)  # 13 * 16 = 208 >= 128 pi / 2
    assert blades.shape == (13, 16, 2, 2)
    assert np.allclose(np.linalg.norm(np.diff(blades, axis=2), axis=-1), 128 / 0.22)
    rng = np.random.default_rng(0)
    angle, radius = 2 * np.pi * rng.random(2000), 0.98 * 64 / 0.22 * np.sqrt(rng.random(2000))
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    along = blades[:, 0, 1] - blades[:, 0, 0]
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    across = np.abs(points[:, 0, None] * -along[None, :, 1] + points[:, 1, None] * along[None, :, 0])
    assert (across.min(axis=1) <= 8 / 0.22).all()
