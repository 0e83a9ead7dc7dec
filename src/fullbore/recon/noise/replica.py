"""Noise of any reconstruction by repeating it on data with more noise: pseudo-replicas.

The channels are white once whitened, so a replica is white noise in every sample, encoded and solved like the data, with
coil maps that stay as they are. Replicas are frames of one acquisition, so a solver prepares itself once for many of them.
Source: Robson et al., Magn Reson Med 60:895 (2008).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor

from fullbore.data import RawData
from fullbore.numerics.threads import map_threaded
from fullbore.recon.admission import imaging_rows
from fullbore.recon.device import CPU, carrier
from fullbore.recon.encodings.volume import Prepared
from fullbore.recon.frames import frame_of
from fullbore.recon.parts import join_parts
from fullbore.recon.priors.proximal import joins_frames
from fullbore.recon.recipe import Combination, Direct, Recipe
from fullbore.recon.solvers.solve import solve_volume

# Memory of the samples of the replicas that are worked on together.
_BATCH_BYTES = 64 << 20
_REPETITION = 6


def replica_error(replicas: int) -> float:
    """Relative standard error of a standard deviation known from so many complex replicas: 1 / (2 sqrt(n))."""
    return float(0.5 / np.sqrt(replicas))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chain:
    """A reconstruction that was done, to be repeated.

    mixing: to white channels. prepare: encodes raw data that are in these channels already.
    maps: of each slice, kept fixed. images: first frame of each slice, parts joined. device: where it is solved.
    """

    raw: RawData
    recipe: Recipe
    mixing: Complex[np.ndarray, "white coil"]
    prepare: Callable[[RawData], Prepared]
    maps: list[Complex[Tensor, "part x channel z y"]]
    images: list[Complex[Tensor, "x z y"]]
    workers: int
    device: torch.device = CPU

    @property
    def linear(self) -> bool:
        """True when the image depends on the data linearly: a replica of noise alone is then as good.

        Completions and phases that are calibrated on the data are not.
        """
        filled = self.recipe.completion or self.recipe.partial_fourier or self.recipe.multiband or self.recipe.readout_phase
        one_step = isinstance(self.recipe.solver, Combination | Direct) and all(maps.shape[0] == 1 for maps in self.maps)
        return one_step and filled is None


def replica_variance(chain: Chain, progress: Callable[[float], None]) -> list[Float[Tensor, "x z y"]]:
    """Variance of the complex image of each slice, for complex noise of variance 1 in every sample and channel; first frame.

    Where the image depends on the data linearly the replicas are noise alone and their mean is known to be zero; elsewhere
    noise is added to the data, so that the variance is that near the image itself. Thresholds then meet the data's own noise
    too and shrink the sum a little less, so a strong prior's noise is overstated by some percent.
    """
    total = [torch.zeros_like(image) for image in chain.images]
    square = [torch.zeros_like(image.real) for image in chain.images]
    count = 0
    for batch in _batches(chain):
        deviations = _solved(chain, chain.prepare(batch))
        for number, deviation in enumerate(deviations):
            total[number] += deviation.sum(0)
            square[number] += torch.view_as_real(deviation).square().sum((0, -1))
        count += len(deviations[0])
        progress(count / chain.recipe.replicas)
    if chain.linear:
        return [power / count for power in square]
    return [(p - t.abs().square() / count).clamp_min(0) / (count - 1) for p, t in zip(square, total, strict=True)]


def _rows(chain: Chain) -> Int[np.ndarray, " row"]:
    imaging = imaging_rows(chain.raw)
    kept = np.flatnonzero(imaging)
    return kept if joins_frames(chain.recipe.prior) else kept[frame_of(chain.raw, kept, imaging)[0] == 0]


def _batches(chain: Chain) -> Iterator[RawData]:
    """Acquisitions whose repetitions are the replicas. The same noise whatever the size of the batches."""
    raw, rows = chain.raw, _rows(chain)
    rng = np.random.default_rng(0)
    shape = (len(rows), len(chain.mixing), raw.encoding.samples)
    data = 0 if chain.linear else (chain.mixing.astype(np.complex64) @ raw.samples[rows]).astype(np.complex64)
    # Frames that a prior joins are one replica together.
    largest = 1 if joins_frames(chain.recipe.prior) else chain.recipe.replicas
    fitting = max(1, min(largest, _BATCH_BYTES // (8 * int(np.prod(shape)))))
    for first in range(0, chain.recipe.replicas, fitting):
        size = min(fitting, chain.recipe.replicas - first)
        tiled = np.tile(rows, size)
        encoding = raw.encoding.take(tiled)
        if largest > 1:
            counters = encoding.counters.copy()
            counters[:, _REPETITION] = np.repeat(np.arange(size), len(rows))
            encoding = replace(encoding, counters=counters)
        yield replace(
            raw,
            encoding=encoding,
            samples=np.concatenate([data + _white(rng, shape) for _ in range(size)]),
            noise=None,
            trajectory_per_m=None if raw.trajectory_per_m is None else raw.trajectory_per_m[tiled],
        )


def _white(rng: np.random.Generator, shape: tuple[int, ...]) -> Complex[np.ndarray, "row channel sample"]:
    pairs = rng.standard_normal((*shape, 2), dtype=np.float32)
    pairs *= np.float32(np.sqrt(0.5))
    return pairs.view(np.complex64)[..., 0]


def _solved(chain: Chain, data: Prepared) -> list[Complex[Tensor, "frame x z y"]]:
    """Each slice's replicas; less the image that was found, where they have data in them."""

    to = carrier(chain.device, data)

    def solve(number: int) -> Tensor:
        with to.room():
            volume = to.there(data.volume(number, chain.maps[number]))
            values = to.back(solve_volume(volume, chain.recipe, lambda done: None).values)
        images = join_parts(values[:1] if joins_frames(chain.recipe.prior) else values, chain.maps[number])
        return images if chain.linear else images - chain.images[number]

    slices = range(len(chain.maps))
    return list(map(solve, slices) if len(slices) == 1 else map_threaded(solve, slices, chain.workers))
