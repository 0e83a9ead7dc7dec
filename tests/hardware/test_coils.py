# TRUTHS of receive: unit at the isocentre | each coil strongest near its own place | smooth
# | covariance Hermitian, positive, correlated
# | SNR of the reference MPRAGE at the isocentre and over white matter
# | magnetisation of the reference = inversion-train recursion
# TRUTHS of transmit: 1.15 in the middle, 0.75 at the brain's rim, smooth, bounded, not symmetric
import numpy as np
import pytest

from fullbore.hardware import receive_array, transmit_field
from fullbore.hardware.array import coil_set as receive_module


@pytest.fixture(scope="module")
def coils():
    return receive_array(12)


def combined_variance(coils, where):
    values = coils.sensitivity.values[(slice(None), *where)].astype(complex)
    return 1 / (values.conj() @ np.linalg.solve(coils.noise_covariance, values)).real


def test_root_sum_of_squares_is_one_at_the_isocentre_and_more_at_the_scalp(coils):
    total = np.linalg.norm(coils.sensitivity.values, axis=0)
    assert total[20, 20, 20] == pytest.approx(1, abs=1e-5)
    assert total[20, 20, 11] > 1.5
    assert total[20, 20, 29] > 1.5


def test_coils_see_different_places_and_are_smooth(coils):
    values = coils.sensitivity.values
    head = np.linalg.norm(coils.sensitivity.grid.points_m() / [0.08, 0.1, 0.09], axis=-1) < 1
    peaks = {int(np.argmax(np.where(head, np.abs(v), 0))) for v in values}
    assert len(peaks) == 12
    jump = np.abs(np.diff(values, axis=3))[:, head[:, :, 1:] & head[:, :, :-1]]
    assert jump.max() < 0.6 * np.abs(values[:, head]).max()  # 8 mm of a loop 50 mm wide, 15 mm away
    assert np.std(np.angle(values[:, head])) > 0.5


@pytest.mark.parametrize("channels", [8, 16])
def test_noise_is_correlated_and_positive(channels):
    covariance = receive_array(channels).noise_covariance
    spread = np.sqrt(np.diag(covariance).real)
    correlation = np.abs(covariance / np.outer(spread, spread))
    assert np.allclose(covariance, covariance.conj().T, rtol=1e-12)
    assert np.linalg.eigvalsh(covariance).min() > 0.05 * np.diag(covariance).real.mean()
    assert 0.15 < correlation[~np.eye(channels, dtype=bool)].max() < 0.7


def mprage_centre(t1_s):
    """Transverse magnetisation at the central view: steady state of the inversion train, by fixed point."""
    tr, ti, echo, views, flip = 2.3, 0.9, 7e-3, 176, np.deg2rad(9)
    before, after = ti - views // 2 * echo, tr - ti - (views - views // 2) * echo
    m, seen = 1.0, 0.0
    for _ in range(60):
        m = 1 - (1 + m) * np.exp(-before / t1_s)
        for view in range(views):
            seen = m * np.sin(flip) if view == views // 2 else seen
            m = 1 - (1 - m * np.cos(flip)) * np.exp(-echo / t1_s)
        m = 1 - (1 - m) * np.exp(-after / t1_s)
    return seen


def test_reference_magnetisation_is_the_recursion_of_its_train():
    assert pytest.approx(mprage_centre(0.832), rel=2e-3) == receive_module.REFERENCE_MAGNETISATION  # three digits are written


def test_noise_level_gives_the_stated_snr(coils):
    variance = combined_variance(coils, (20, 20, 20)) / (256 * 256 * 176 / (256 * 200.0))
    snr = 0.70 * 1e-9 * mprage_centre(0.832) / np.sqrt(variance / 2)
    assert snr == pytest.approx(14, rel=3e-3)  # the magnetisation is written with three digits


def test_snr_over_white_matter_is_20_to_30(coils):
    where = np.argwhere(np.linalg.norm(coils.sensitivity.grid.points_m() / [0.055, 0.07, 0.05], axis=-1) < 1)
    gain = np.sqrt(combined_variance(coils, (20, 20, 20)) / [combined_variance(coils, tuple(p)) for p in where])
    assert 20 < 14 * gain.mean() < 30


def test_transmit_field():
    field = transmit_field()
    size = np.abs(field.values[0])
    assert size[20, 20, 20] == pytest.approx(1.15, abs=1e-3)
    grid = field.grid.points_m()
    rim = np.abs(np.linalg.norm(grid / [0.068, 0.086, 0.075], axis=-1) - 1) < 0.05
    assert size[rim].mean() == pytest.approx(0.75, abs=0.03)  # a shell of finite thickness
    assert 0.4 < size.min() < size.max() < 1.2
    assert np.abs(np.diff(size, axis=2)).max() < 0.1
    assert size[20, 20, 14] > size[20, 20, 26] * 1.02
