"""Every named recipe on what goes wrong in practice: an error that says so, or the right image."""

# TRUTHS of bad input: a named recipe never fails without a word of ours, and what it gives is the image that was measured:
#   NaN | silence of one channel | one channel | no calibration | counters that deny the trajectory | odd, not square

from dataclasses import replace

import numpy as np
import pytest

from fullbore.errors import FullboreError
from fullbore.recon import Recipe, reconstruct
from fullbore.recon.library import named_recipe, recipe_names
from tests.recon.measured import array_of, encoding_of, geometry_of, measure, regular_lines, with_rows

MATRIX = (31, 37)
SOFT_M = 0.005
ARRAY = array_of(6, 2)
KEPT = regular_lines(MATRIX[1], 2, 17)


def whole(coils=slice(None)):
    raw = measure(encoding_of(geometry_of((*MATRIX, 1)), np.arange(MATRIX[1])), ARRAY, noise=2e-8, softness_m=SOFT_M)
    return replace(raw, samples=raw.samples[:, coils], noise=raw.noise[coils])


def with_nan():
    raw = whole()
    samples = raw.samples.copy()
    samples[3, 1, 4] = np.nan
    return replace(raw, samples=samples)


def with_silent_channel():
    raw = with_rows(whole(), KEPT)
    samples, noise = raw.samples.copy(), raw.noise.copy()
    samples[:, 2], noise[2] = 0, 0
    return replace(raw, samples=samples, noise=noise)


def with_wrong_counters():
    raw = with_rows(whole(), KEPT)
    counters = raw.encoding.counters.copy()
    counters[:, 0] = np.random.default_rng(0).permutation(counters[:, 0])
    return replace(raw, encoding=replace(raw.encoding, counters=counters))


INPUTS = {
    "NaN": with_nan,
    "silent channel": with_silent_channel,
    "one channel": lambda: whole(slice(0, 1)),
    "one channel with gaps": lambda: with_rows(whole(slice(0, 1)), KEPT),
    "no calibration": lambda: with_rows(whole(), np.arange(0, MATRIX[1], 2)),
    "wrong counters": with_wrong_counters,
    "odd": lambda: with_rows(whole(), KEPT),
    "odd, no gaps": whole,
}


@pytest.fixture(scope="module")
def references():
    dead = [0, 1, 3, 4, 5]
    found = {"all": whole(), "dead": whole(dead), "one": whole(slice(0, 1))}
    return {name: np.abs(reconstruct(raw, Recipe()).values) for name, raw in found.items()}


@pytest.mark.parametrize("given", INPUTS)
@pytest.mark.parametrize("name", recipe_names())
def test_an_error_or_the_image(name, given, references):
    try:
        image = reconstruct(INPUTS[given](), replace(named_recipe(name), noise_map="none"))
    except FullboreError as error:
        assert len(str(error)) > 20
        return
    reference = references["one" if "one" in given else "dead" if "silent" in given else "all"]
    inside = reference > 0.15 * reference.max()
    off = np.linalg.norm((np.abs(image.values) - reference)[inside]) / np.linalg.norm(reference[inside])
    # Six channels, twofold, maps from 17 lines; a fold or a shift of a voxel is 0.2 and more.
    assert np.isfinite(image.values).all() and off < 0.12, f"{off:.3f} off"
