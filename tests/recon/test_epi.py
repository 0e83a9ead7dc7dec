"""Echo-planar readouts: ramps, polarities, and the phase between them."""

# TRUTHS of EPI: a readout solved from the k of its ramps = one on the grid | on the grid the solution is the inverse transform
#   | a known delay and constant leave a ghost, references remove it below 0.1 %, so does the image's entropy
#   | off-resonance during the references cancels | the linear fit is exact on a line and shrugs off a bad column
#   | a local phase needs the local fit | no references -> a refusal where they are asked for
#   | real trains: signal outside the object below 2 %

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from fullbore.data import AcquisitionFlag, RawData
from fullbore.errors import DataError
from fullbore.files.siemens import read_siemens
from fullbore.recon import Recipe, default_recipe, reconstruct
from fullbore.recon.calibration.epi_phase import linear_phase, local_phase, reference_product
from fullbore.recon.encodings.ramp import gridding_matrix
from fullbore.recon.recipe import EpiPhase
from tests.recon.measured import FOV, HEAD, array_of, encoding_of, geometry_of, head_signal

MATRIX, SAMPLES = (64, 60), 112
# Smaller than the field of view along the phase, so that half a field of view from it there is air.
NARROW = tuple(((c[0], 0.5 * c[1], c[2]), (h[0], 0.5 * h[1], h[2]), d) for c, h, d in HEAD)


def ramp_k(samples=SAMPLES, share=0.25, reach=32.0):
    """k in grid steps at equal times of a trapezoid whose ramps take `share` of the readout each; symmetric."""
    t = (np.arange(20 * samples) + 0.5) / (20 * samples)
    gradient = np.minimum(1, np.minimum(t, 1 - t) / share)
    k = np.cumsum(gradient)
    k = k / k[-1] * 2 * reach - reach
    return k[10::20]


def train(*, delay=0.0, constant=0.0, references=3, turn=0.0, local=None, coils=4, grid=False):
    """Backward every other line. delay (grid steps), constant (rad): of forward against backward; turn: rad per readout."""
    geometry = geometry_of((*MATRIX, 1))
    lines = np.concatenate([np.full(references, MATRIX[1] // 2), np.arange(MATRIX[1])])
    encoding = encoding_of(geometry, lines)
    k = np.arange(64) - 32.0 if grid else ramp_k()
    backward = np.concatenate([np.arange(references) % 2 == 1, np.arange(MATRIX[1]) % 2 == 1])
    flags = np.where(backward, np.uint64(AcquisitionFlag.REVERSE), np.uint64(0))
    flags[:references] |= np.uint64(AcquisitionFlag.PHASE_CORRECTION)
    nominal = np.where(backward[:, None], k[::-1], k)
    sign = np.where(backward, -0.5, 0.5)
    true = nominal + delay * sign[:, None]
    along = lambda read: np.stack(  # noqa: E731
        [read / FOV[0], np.broadcast_to((lines - MATRIX[1] // 2)[:, None] / FOV[1], read.shape), np.zeros_like(read)], -1
    )
    samples = np.moveaxis(head_signal(along(true), array_of(coils, 2), 2, objects=NARROW), 0, 1) * 0.005
    phase = constant * sign + turn * np.arange(len(lines)) * (np.arange(len(lines)) < references)
    samples = samples * np.exp(1j * phase)[:, None, None]
    encoding = replace(encoding, flags=flags, samples=len(k), centre_sample=len(k) // 2)
    return RawData(encoding=encoding, samples=samples.astype(np.complex64), b0_T=3.0, trajectory_per_m=along(nominal))


def smooth(image):
    """Filtered along the readout: a delay changes which outermost k are seen, and with them the ringing, not the ghost."""
    window = np.fft.ifftshift(np.hanning(MATRIX[0] + 1)[:-1])
    return np.fft.ifft(np.fft.fft(image.values[0], axis=1) * window, axis=1)


def ghost(image, clean):
    """RMS of what is not in `clean` half a field of view from the object, over RMS within it."""
    rows = np.abs(np.arange(MATRIX[1]) - MATRIX[1] // 2)
    values, wanted = smooth(image), smooth(clean)
    extra = values[rows > 20] - wanted[rows > 20]
    return np.sqrt(np.mean(np.abs(extra) ** 2) / np.mean(np.abs(wanted[rows < 10]) ** 2))


def relative(image, reference):
    return np.linalg.norm(np.abs(image.values) - np.abs(reference.values)) / np.linalg.norm(reference.values)


def test_a_solved_readout_equals_one_on_the_grid():
    still, ramped = reconstruct(train(grid=True), Recipe()), reconstruct(train(), Recipe())
    # Samples between grid points see what the grid's readout folds at its edges: objects are not band-limited.
    assert relative(ramped, still) < 5e-3
    eye = gridding_matrix(np.arange(16) - 8.0, 16)
    dense = np.exp(2j * np.pi * np.outer(np.arange(16) - 8, np.arange(16) - 8) / 16) / 4
    assert np.abs(eye - dense).max() < 1e-7


def test_references_remove_a_known_ghost():
    clean = reconstruct(train(), Recipe())
    raw = train(delay=0.7, constant=0.4)
    assert ghost(reconstruct(raw, Recipe()), clean) > 0.1
    fixed = reconstruct(raw, Recipe(readout_phase=EpiPhase(source="reference")))
    assert ghost(fixed, clean) < 1e-3
    assert relative(fixed, clean) < 5e-3  # the outermost samples of the delayed readouts are not those of the others
    assert fixed.report["warning"] == "none"


def test_the_entropy_of_the_image_needs_no_reference():
    raw = train(delay=0.7, constant=0.4, references=0)
    fixed = reconstruct(raw)
    assert default_recipe(raw).readout_phase == EpiPhase()
    clean = reconstruct(train(references=0), Recipe())
    assert ghost(fixed, clean) < 1e-3
    assert ghost(reconstruct(raw, Recipe()), clean) > 0.1


def test_off_resonance_of_the_references_cancels():
    still, turned = (
        reconstruct(train(delay=0.7, constant=0.4, turn=turn), Recipe(readout_phase=EpiPhase())) for turn in (0.0, 0.15)
    )
    # The mean of two neighbours is shorter, not turned.
    assert np.linalg.norm(turned.values - still.values) < 1e-5 * np.linalg.norm(still.values)


def test_linear_fit():
    x = np.arange(64) - 32
    size = np.exp(-((x / 20) ** 2))
    product = size * np.exp(1j * (0.3 - 0.11 * x))
    assert np.allclose(linear_phase(product), (0.3, -0.11), atol=1e-10)
    spoiled = product.copy()
    spoiled[20:23] = 0.5 * np.exp(2j)
    assert np.allclose(linear_phase(spoiled), (0.3, -0.11), atol=2e-3)  # three of 64 columns are wrong by radians
    bent = size * np.exp(1j * (0.3 - 0.11 * x + 0.3 * np.sin(x / 12)))
    inside = np.abs(x) < 25
    rest = lambda phase: np.abs(np.angle(bent * np.exp(-1j * phase)))[inside].max()  # noqa: E731
    constant, slope = linear_phase(bent)
    assert rest(local_phase(bent)) < 0.03 < 0.1 < rest(constant + slope * x)  # smoothing over five columns bends less


def test_two_references_suffice():
    columns = np.stack([np.full((2, 8), np.exp(0.2j)), np.full((2, 8), np.exp(-0.2j))])
    assert np.allclose(np.angle(reference_product(columns, np.array([False, True]))), 0.4)
    assert np.allclose(np.angle(reference_product(columns[::-1], np.array([True, False]))), 0.4)


def test_missing_references_are_refused():
    with pytest.raises(DataError, match="no readout is marked"):
        reconstruct(train(references=0), Recipe(readout_phase=EpiPhase(source="reference")))


# --- real scans

SPHERES = ["02_01_ro_dur_1200_pe+", "02_02_ro_dur_1200_pe-"] + [
    f"04_02_0{n}_ro_dur_{t}_pe{s}"
    for n, t, s in zip(range(1, 9), 2 * (1200, 960, 480, 240), 4 * ("+",) + 4 * ("-",), strict=True)
]


@pytest.mark.parametrize("name", SPHERES)
def test_real_trains_have_no_ghost(shared_data, name):
    file = shared_data / "raw_siemens_pulseq" / "epi" / f"{name}.dat"
    if not file.exists():
        pytest.skip(f"no {file}")
    raw = read_siemens(file)
    values, before = (np.abs(reconstruct(raw, recipe).values[0]) for recipe in (None, Recipe()))
    level = np.percentile(values, 95)
    inside = ndimage.binary_dilation(values > 0.15 * level, iterations=2)
    assert 0.35 < inside.mean() < 0.65
    assert values[~inside].mean() < 0.02 * level
    assert before[~inside].mean() > 2 * values[~inside].mean()
