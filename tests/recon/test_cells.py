"""The layout that sums over neighbours without gathering them, against sums written out one by one."""

# TRUTHS of cells: what GRAPPA predicts = the sum over each cell's sources, written out, for any steps, shift, origin, reach and
#   extent, where k-space was cut off too | what was measured stays to the bit | any number of threads predicts the same
#   | the Gram matrix of neighbourhoods = A^H A with every row of A written out

import itertools

import numpy as np
import pytest
import torch

from fullbore.recon.completions import grappa
from fullbore.recon.completions.kernel import neighbourhood_gram
from fullbore.recon.recipe import Grappa

CHANNELS, COLUMNS = 3, 2


def mask_of(shape, steps, origin, cut):
    """A lattice (partitions, lines, shift) with a point at `origin` and a dense centre; cut: to an ellipse."""
    z, y = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    turn, rest = np.divmod(z - origin[0], steps[0])
    lattice = (rest == 0) & ((y - origin[1] - steps[2] * turn) % steps[1] == 0)
    middle = [np.abs(place - n // 2 + 0.25) < min(n, 18) / 2 for place, n in zip((z, y), shape, strict=True)]
    radius = np.hypot(2 * z / shape[0] - 1, 2 * y / shape[1] - 1) if shape[0] > 1 else np.abs(2 * y / shape[1] - 1)
    return (lattice & (radius < (0.85 if cut else 9))) | (middle[0] & middle[1])


def predicted_one_by_one(kernels, kspace, mask):
    """Every cell of the lattice: the weighted sum of its measured sources, if more than 0.52 of those inside are measured."""
    result, (kz, ky) = kspace.clone(), mask.shape
    inside = lambda z, y: 0 <= z < kz and 0 <= y < ky  # noqa: E731
    for z, y in itertools.product(range(-4, kz + 4), range(-4, ky + 4)):
        if not kernels.lattice.contains(np.array([z]), np.array([y]))[0]:
            continue
        sources = [(z + dz, y + dy) for dz, dy in kernels.sources.tolist()]
        known = [inside(*place) and bool(mask[place]) for place in sources]
        if sum(known) <= 0.52 * sum(inside(*place) for place in sources):
            continue
        seen = [
            kspace[:, :, a, b] if k else torch.zeros_like(kspace[:, :, 0, 0]) for (a, b), k in zip(sources, known, strict=True)
        ]
        found = torch.einsum("xi,xij->xj", torch.cat(seen, dim=1), kernels.weights).split(CHANNELS, dim=1)
        for (dz, dy), value in zip(kernels.targets.tolist(), found, strict=True):
            if inside(z + dz, y + dy) and not mask[z + dz, y + dy]:
                result[:, :, z + dz, y + dy] = value
    return result


CASES = [
    ((24, 26), (2, 2, 0), (0, 0), False, 2), ((24, 27), (2, 2, 1), (1, 1), False, 2), ((25, 26), (1, 4, 2), (0, 3), True, 1),
    ((39, 38), (3, 2, 1), (2, 1), True, 1), ((24, 26), (2, 1, 0), (1, 0), True, 2), ((1, 64), (1, 2, 0), (0, 1), False, 2),
    ((1, 65), (1, 3, 0), (0, 1), True, 2), ((27, 32), (2, 4, 3), (1, 2), True, 1), ((27, 28), (4, 3, 1), (3, 1), False, 1),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "steps", "origin", "cut", "reach"), CASES)
def test_prediction_is_the_sum_over_neighbours(shape, steps, origin, cut, reach):
    rng = torch.Generator().manual_seed(0)
    mask = mask_of(shape, steps, origin, cut)
    kspace = torch.randn((COLUMNS, CHANNELS, *shape), dtype=torch.complex64, generator=rng) * torch.from_numpy(mask)
    block = torch.randn((1, CHANNELS, min(18, shape[0]), 18, 6), dtype=torch.complex64, generator=rng)
    kernels = grappa.calibrate(block, mask, COLUMNS, Grappa(columns=3, reach=reach))
    assert (kernels.lattice.partitions, kernels.lattice.lines, kernels.lattice.shift) == steps
    filled, wanted = kernels.complete(kspace, mask), predicted_one_by_one(kernels, kspace, mask)
    assert torch.equal(filled[..., torch.from_numpy(mask)], kspace[..., torch.from_numpy(mask)])
    assert torch.equal(filled == 0, wanted == 0) and int((wanted != 0).sum()) > int((kspace != 0).sum())
    assert float((filled - wanted).abs().max()) < 1e-5 * float(wanted.abs().max())


def test_threads_predict_the_same(monkeypatch):
    mask = mask_of((40, 48), (2, 2, 1), (0, 1), True)
    kspace = torch.randn((5, CHANNELS, 40, 48), dtype=torch.complex64) * torch.from_numpy(mask)
    block = torch.randn((1, CHANNELS, 18, 18, 6), dtype=torch.complex64)
    kernels = grappa.calibrate(block, mask, 5, Grappa(columns=3))
    whole = kernels.complete(kspace, mask)
    monkeypatch.setattr(grappa, "_BLOCK_CELLS", 700)
    monkeypatch.setattr(grappa, "_FEWEST_CELLS", 100)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        pieces = kernels.complete(kspace, mask)
    finally:
        torch.set_num_threads(threads)
    assert float((pieces - whole).abs().max()) < 1e-6 * float(whole.abs().max())


def test_gram_of_neighbourhoods():
    rng = np.random.default_rng(0)
    block = (rng.normal(size=(2, 6, 7, 8, 5)) + 1j * rng.normal(size=(2, 6, 7, 8, 5))).astype(np.complex64)
    offsets = np.array([(z, y, x) for z in (-2, 0, 1) for y in (0, 1, 3) for x in (-1, 1)])
    rows = [
        np.concatenate([frame[:, z + a, y + b, x + c] for a, b, c in offsets])
        for frame in block
        for z, y, x in itertools.product(range(2, 6), range(5), range(1, 4))
    ]
    wanted = np.conj(rows).T @ np.array(rows)
    found = neighbourhood_gram(torch.from_numpy(block), offsets).numpy()
    assert np.abs(found - wanted).max() < 1e-5 * np.abs(wanted).max()
    assert np.array_equal(found, found.conj().T)
