"""Wave encoding on k-space in closed form: sampled where the wave went."""

# TRUTHS of waves: a fully sampled wave gives the image of straight lines, on and off centre | undersampled and noisy, it has
#   less error than straight lines | a wave is recognised, straight lines and bent ones are not | adjoint is the adjoint

from dataclasses import replace

import numpy as np
import pytest
import torch

from fullbore.errors import DataError
from fullbore.recon import Cartesian, ConjugateGradient, Recipe, Wave, default_recipe, reconstruct
from fullbore.recon.encodings.wave import prepare_wave, wave_course
from tests.recon.measured import array_of, encoding_of, full_lines, geometry_of, head_signal, measure

MATRIX = (36, 32, 28)


def swing(encoding, steps=2.0, cycles=3):
    """Sine along phase, cosine along partition, (sample, 2) in cycles/m."""
    t = np.arange(encoding.samples) / encoding.samples
    fov = np.array(encoding.geometry.fov_m[1:])
    return steps * np.stack([np.sin(2 * np.pi * cycles * t), np.cos(2 * np.pi * cycles * t)], axis=1) / fov


def scan(coils=8, keep=None, wave=True, noise=0.0, centre_m=(0, 0, 0)):
    line, partition = full_lines(MATRIX)
    keep = np.ones(len(line), bool) if keep is None else keep[partition, line]
    encoding = encoding_of(geometry_of(MATRIX, oversampling=3, centre_m=centre_m), line[keep], partition[keep])
    raw = measure(encoding, array_of(coils), noise=noise, centre_m=centre_m)
    if not wave:
        return raw
    k = encoding.trajectory_per_m()
    k[..., 1:] += swing(encoding)
    exact = np.moveaxis(head_signal(k, array_of(coils), 3, centre_m), 0, 1)
    straight = np.moveaxis(head_signal(encoding.trajectory_per_m(), array_of(coils), 3, centre_m), 0, 1)
    return replace(raw, samples=(raw.samples + exact - straight).astype(np.complex64), trajectory_per_m=k)


def error(image, reference):
    return np.linalg.norm(np.abs(image.values) - np.abs(reference.values)) / np.linalg.norm(reference.values)


def test_a_wave_is_recognised():
    assert isinstance(default_recipe(scan(coils=2)).encoding, Wave)
    straight = scan(coils=2, wave=False)
    assert isinstance(default_recipe(straight).encoding, Cartesian)
    assert wave_course(replace(straight, trajectory_per_m=None)) is None
    wild = straight.trajectory_per_m + np.random.default_rng(0).normal(0, 5, straight.trajectory_per_m.shape)
    assert wave_course(replace(straight, trajectory_per_m=wild)) is None
    with pytest.raises(DataError, match="do not swing"):
        reconstruct(straight, Recipe(encoding=Wave(), solver=ConjugateGradient()))


@pytest.mark.parametrize("centre_m", [(0.0, 0.0, 0.0), (0.02, -0.013, 0.017)])
def test_full_sampling_is_the_image_of_straight_lines(centre_m):
    wave, straight = (reconstruct(scan(coils=4, wave=w, centre_m=centre_m)) for w in (True, False))
    # Rings at edges differ: the wave measures two steps of 28 more on one side of k-space and two less on the other.
    assert error(wave, straight) < 0.05


def test_undersampled_wave_beats_straight_lines():
    keep = np.zeros((MATRIX[2], MATRIX[1]), bool)
    keep[::2, ::3] = keep[1::2, 1::3] = True
    keep[6:22, 8:24] = True
    noise = 0.01 * float(np.abs(scan(coils=5, wave=False).samples).mean())
    solver = ConjugateGradient(iterations=30)
    errors = []
    for wave, encoding in ((True, Wave()), (False, Cartesian())):
        reference = reconstruct(scan(coils=5, wave=wave))
        image = reconstruct(scan(coils=5, keep=keep, wave=wave, noise=noise), Recipe(encoding=encoding, solver=solver))
        errors.append(error(image, reference))
    assert errors[0] < 0.9 * errors[1]


def test_normal_is_adjoint_of_forward():
    raw = scan(coils=3)
    data = prepare_wave(raw, np.eye(3, dtype=complex), np.zeros(3), wave_course(raw))
    z, y, x = data.grid
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(2, x, 3, z, y, dtype=torch.complex64, generator=generator)
    volume = data.volume(0, maps)
    a, b = (torch.randn(volume.shape, dtype=torch.complex64, generator=generator) for _ in range(2))
    left, right = torch.vdot(a.flatten(), volume.normal(b).flatten()), torch.vdot(volume.normal(a).flatten(), b.flatten())
    assert abs(left - right) < 1e-4 * abs(left)
    assert torch.vdot(a.flatten(), volume.normal(a).flatten()).real > 0
