"""Measured k-space of a real head: 8 channels, 230 x 180, 12.4 % sampled at random around a full centre."""

# TRUTHS of real data: sparse reconstruction clears the air around the head of aliasing and keeps the head

import os
from pathlib import Path

import numpy as np
import pytest

from fullbore.files import read_raw
from fullbore.recon import Combination, Espirit, ProximalGradient, Recipe, default_recipe, reconstruct

SHARED = Path(os.environ.get("FULLBORE_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
BRAIN = SHARED / "raw_sigpy_brain" / "cartesian_ksp.npy"


@pytest.mark.skipif(not BRAIN.exists(), reason=f"{BRAIN} is absent")
def test_clean_brain():
    raw = read_raw(BRAIN)
    recipe = default_recipe(raw)
    assert isinstance(recipe.solver, ProximalGradient)
    image = np.abs(np.squeeze(reconstruct(raw, recipe).values))
    zero_filled = np.abs(np.squeeze(reconstruct(raw, Recipe(coils=Espirit(), solver=Combination())).values))
    assert sorted(image.shape) == [180, 230]
    short = int(np.argmin(image.shape))
    head = np.take(np.take(image, range(70, 110), short), range(60, 170), 1 - short)
    # A strip of air beside the head, along the long axis.
    air, air_before = (np.take(np.take(a, range(3, 12), short), range(30, 200), 1 - short) for a in (image, zero_filled))
    # What is left in the air is this scan's noise at 8-fold undersampling.
    assert np.median(air) < 0.03 * np.median(head)
    assert np.median(air) < 0.6 * np.median(air_before)
