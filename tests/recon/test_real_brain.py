"""Measured k-space of a real head: 8 channels, 230 x 180, 12.4 % sampled at random around a full centre."""

# TRUTHS of real data: sparse reconstruction clears the air around the head of aliasing and keeps the head
#   | it foretells samples that it has not seen, better than least squares and than the plain l1 norm

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from fullbore.files import read_raw
from fullbore.numerics.fourier import fft_centred
from fullbore.recon import Combination, ConjugateGradient, Espirit, ProximalGradient, Recipe, Wavelet, default_recipe, reconstruct

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


@pytest.mark.skipif(not BRAIN.exists(), reason=f"{BRAIN} is absent")
def test_unseen_samples_are_foretold(tmp_path):
    kspace = np.load(BRAIN)
    measured = np.abs(kspace).sum(0) > 0
    outer = np.ones_like(measured)
    outer[99:131, 74:106] = False
    unseen = measured & outer & (np.random.default_rng(0).random(measured.shape) < 0.1)
    np.save(tmp_path / "seen.npy", kspace * (measured & ~unseen))
    raw = read_raw(tmp_path / "seen.npy")

    def error(recipe):
        image = reconstruct(raw, recipe)
        channels = torch.from_numpy(np.squeeze(image.sensitivities) * np.squeeze(image.values))
        foretold = fft_centred(channels, (-2, -1)).numpy()
        foretold = foretold if foretold.shape == kspace.shape else foretold.swapaxes(-2, -1)
        seen = measured & ~unseen
        scale = np.vdot(foretold[:, seen], kspace[:, seen]) / np.vdot(foretold[:, seen], foretold[:, seen])
        return np.linalg.norm(scale * foretold[:, unseen] - kspace[:, unseen]) / np.linalg.norm(kspace[:, unseen])

    ours = error(default_recipe(raw))
    assert ours < 0.5 * error(Recipe(solver=ConjugateGradient()))
    # l1 has its own best weights: of these the second is nearer to them.
    for weight, floor in ((0.8, 6e-3), (0.3, 2e-3)):
        assert ours < error(Recipe(solver=ProximalGradient(), prior=Wavelet(penalty="l1", weight=weight, floor=floor)))
