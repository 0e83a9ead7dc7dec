"""Our side of the reconstruction benchmark: the solvers on a case's arrays, with the maps that every tool is given."""

from __future__ import annotations

import time

import numpy as np
import torch
from recon_cases import NOISE, Case, nrmse

from fullbore.numerics.fourier import ifft_centred
from fullbore.recon.calibration.coil_compression import principal_channels
from fullbore.recon.encodings.cartesian import CartesianVolume
from fullbore.recon.encodings.readouts import Readouts
from fullbore.recon.recipe import Prior, Recipe, Solver
from fullbore.recon.solvers.solve import solve_volume


class OurCase:
    """A case's arrays in memory, as a peer has them before its clock starts."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.mask, self.truth = case.load("mask"), case.load("truth")
        self.kspace, self.maps = torch.from_numpy(case.load("kspace")), torch.from_numpy(case.load("maps"))

    def solve(self, solver: Solver, prior: Prior | None, virtual_coils: int | None = None) -> np.ndarray:
        """(frame, x, z, y): everything from k-space to image that is not reading the files."""
        return solved(self.volume(virtual_coils), solver, prior)

    def timed(
        self, solver: Solver, prior: Prior | None, virtual_coils: int | None = None, times: int = 3
    ) -> tuple[float, float, float]:
        """Best wall time and processor time of several runs, seconds, and the error of the image."""
        wall, cpu = [], []
        for _ in range(times):
            began, busy = time.perf_counter(), time.process_time()
            image = self.solve(solver, prior, virtual_coils)
            wall.append(time.perf_counter() - began)
            cpu.append(time.process_time() - busy)
        return min(wall), min(cpu), nrmse(image, self.truth)

    def volume(self, virtual_coils: int | None) -> CartesianVolume:
        """The encoding, with samples and, of fewer channels, maps of its own."""
        samples, (frame, partition, line) = self._rows()
        maps = self.maps.movedim(0, 1)[None]
        if virtual_coils is not None and virtual_coils < samples.shape[1]:
            distance = np.abs(line - self.mask.shape[2] // 2) + np.abs(partition - self.mask.shape[1] // 2)
            strongest = samples[torch.from_numpy(np.argsort(distance, kind="stable")[:512])]
            few = principal_channels(strongest.movedim(1, 0).reshape(samples.shape[1], -1).numpy(), virtual_coils)
            mixing = torch.from_numpy(few.astype(np.complex64))
            samples = mixing @ samples
            maps = self.maps.new_empty((1, self.maps.shape[1], virtual_coils, *self.maps.shape[2:]))
            # Column by column: all of them at once would be there twice, in the order of the channels and of the columns.
            for mixed, column in zip(maps[0], self.maps.unbind(1), strict=True):
                torch.matmul(mixing, column.reshape(len(column), -1), out=mixed.view(virtual_coils, -1))
        frames = len(self.mask)
        readouts = Readouts(
            values=samples, frame=frame, slice_number=np.zeros_like(frame), partition=partition, line=line,
            for_calibration=np.zeros(len(frame), bool), frames=frames, slices=1,
            matrix=(int(self.mask.shape[1]), int(self.mask.shape[2])), columns_sampled=1.0,
        )  # fmt: skip
        return CartesianVolume(
            readouts=readouts,
            rows=tuple(readouts.rows(number, 0) for number in range(frames)),
            counts=tuple(readouts.mask(number, 0) for number in range(frames)),
            maps=maps.contiguous(),
        )

    def _rows(self) -> tuple[torch.Tensor, np.ndarray]:
        """Samples (row, coil, x) on the image's columns, and the frame, partition and line of each."""
        labels = np.argwhere(self.mask).T
        samples = torch.empty((labels.shape[1], *self.kspace.shape[1:3]), dtype=self.kspace.dtype)
        first = 0
        for data, measured in zip(self.kspace, self.mask, strict=True):
            z, y = (torch.from_numpy(place) for place in np.nonzero(measured))
            part = samples[first : first + len(z)]
            # Channel by channel: all at once would be there twice.
            for channel, row in zip(data, part.unbind(1), strict=True):
                torch.div(channel[:, z, y].T, NOISE, out=row)
                if row.shape[1] > 1:
                    row.copy_(ifft_centred(row, (-1,)))
            first += len(z)
        return samples, labels


def solved(volume: CartesianVolume, solver: Solver, prior: Prior | None) -> np.ndarray:
    """(frame, x, z, y)."""
    return solve_volume(volume, Recipe(solver=solver, prior=prior), lambda done: None).values[:, 0].numpy()
