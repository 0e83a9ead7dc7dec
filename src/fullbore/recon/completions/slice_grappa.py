"""Simultaneous slices told apart by slice-GRAPPA and split-slice-GRAPPA.

How raw data say it. A readout of several slices carries the label SMS (Pulseq's) above 0. Its `slice` counter is its
group: with g groups and n slices, the slices group, group + g, group + 2 g ... of the n were excited together. Their
CAIPIRINHA blips are in the readout's k along the slice direction (from the trajectory, else the nominal one): slice s at
z_s has the phase exp(-2 pi i k_z z_s), and from line to line it must advance evenly, up to whole turns. Single slices
for calibration are readouts flagged CALIBRATION, without the label, each with the counter of its own slice.
Sources: Setsompop et al., Magn Reson Med 67:1210 (2012); Cauley et al., Magn Reson Med 72:93 (2014).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Complex, Float, Int
from torch import Tensor

from fullbore.data import RawData
from fullbore.errors import DataError
from fullbore.recon.calibration.central_block import calibration_block
from fullbore.recon.completions.kernel import fourier_of_offsets, neighbourhood_gram, solve_weights
from fullbore.recon.encodings.readouts import Readouts
from fullbore.recon.recipe.completions import SliceGrappa

# Blips whose phase differs from an even advance by more than this (rad) are another pattern.
_UNEVEN = 0.05


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """Slices excited together, and their phases: exp(-i (start + advance line)) beside the common one of the first slice."""

    slices: Int[np.ndarray, " band"]
    start: Float[np.ndarray, " band"]
    advance: Float[np.ndarray, " band"]
    step: int

    def phases(self, line: Int[np.ndarray, " n"]) -> Complex[np.ndarray, "band n"]:
        """Of each slice at some lines."""
        return np.asarray(np.exp(-1j * (self.start[:, None] + self.advance[:, None] * line)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SliceKernel:
    """Kernel of one slice: line offsets, and weights on every column, (x, offset * channel, channel)."""

    offsets: Int[np.ndarray, " offset"]
    weights: Complex[Tensor, "x sc channel"]


def simultaneous_rows(raw: RawData) -> Bool[np.ndarray, " row"]:
    """Readouts of several slices at once."""
    label = raw.encoding.labels.get("SMS")
    return np.zeros(raw.encoding.rows, dtype=bool) if label is None else np.asarray(label > 0)


def separated(readouts: Readouts, raw: RawData, kept: Int[np.ndarray, " row"], recipe: SliceGrappa | None) -> Readouts:
    """One row for each slice in place of every row of a group. kept: the raw row of each of the readouts.

    Errors: DataError when no recipe says how, when slices do not divide into groups, or when calibration is missing.
    """
    together = simultaneous_rows(raw)[kept] & ~readouts.for_calibration
    if not together.any():
        return readouts
    if recipe is None:
        raise DataError("simultaneous slices: the recipe does not say how to separate them. Give it a SliceGrappa as multiband.")
    along = slice_k(raw, kept)
    groups = groups_of(readouts, together)
    place = slice_places(raw)
    parts = [_rows_taken(readouts, np.flatnonzero(~together))]
    for number in groups:
        rows = np.flatnonzero(together & (readouts.slice_number == number))
        slices = np.arange(number, readouts.slices, len(groups))
        common = torch.from_numpy(np.exp(2j * np.pi * along[rows] * place[slices[0]]).astype(np.complex64))
        group = _group(slices, along[rows], place[slices] - place[slices[0]], readouts.line[rows])
        kernels = calibrate(readouts, group, recipe)
        own = _rows_taken(readouts, rows)
        parts += _apart(replace(own, values=own.values * common[:, None, None]), group, kernels)
    return _joined(readouts, parts)


def groups_of(readouts: Readouts, together: Bool[np.ndarray, " row"]) -> Int[np.ndarray, " group"]:
    """Numbers of the groups. Errors: DataError when the slices do not divide into them."""
    groups = np.unique(readouts.slice_number[together])
    if readouts.slices % len(groups) or groups.max() >= len(groups):
        raise DataError(
            f"simultaneous slices: {readouts.slices} slices in groups {groups.tolist()}, wanted groups counted from 0 that "
            "divide the slices evenly. Correct the slice counters."
        )
    return groups


def check_measured_alone(readouts: Readouts, number: int) -> None:
    """Errors: DataError when there is no calibration scan of the slice alone."""
    if not len(readouts.calibration_rows(number)):
        raise DataError(f"simultaneous slices: slice {number} was not measured alone. Acquire a calibration scan of each slice.")


def calibrate(readouts: Readouts, group: Group, recipe: SliceGrappa) -> list[SliceKernel]:
    """A kernel for every slice of a group, from single-slice readouts. Errors: DataError when they are missing or too few."""
    blocks = []
    for number in group.slices:
        check_measured_alone(readouts, int(number))
        blocks.append(calibration_block(readouts, int(number), recipe.calibration)[:1])
    lines = np.arange(blocks[0].shape[3]) - blocks[0].shape[3] // 2 + readouts.matrix[1] // 2
    phases = torch.from_numpy(group.phases(lines).astype(np.complex64))
    seen = [block * phase[:, None] for block, phase in zip(blocks, phases, strict=True)]
    return [_kernel(seen, index, group.step, readouts.values.shape[2], recipe) for index in range(len(seen))]


def apply_kernel(kernel: SliceKernel, columns: Complex[Tensor, "line x channel"]) -> Complex[Tensor, "line x channel"]:
    """One slice from the lines of a whole group; lines beyond the first and last count as zero."""
    lines = columns.shape[0]
    padded = torch.zeros((lines + 2 * int(np.abs(kernel.offsets).max()), *columns.shape[1:]), dtype=columns.dtype)
    first = int(np.abs(kernel.offsets).max())
    padded[first : first + lines] = columns
    sources = torch.cat([padded[first + int(d) : first + int(d) + lines] for d in kernel.offsets], dim=2)
    return torch.bmm(sources.transpose(0, 1), kernel.weights).transpose(0, 1)


def slice_k(raw: RawData, kept: Int[np.ndarray, " row"]) -> Float[np.ndarray, " row"]:
    """k along the slice direction in the middle of every readout, cycles/m."""
    normal, middle = raw.encoding.geometry.slice, raw.encoding.samples // 2
    if raw.trajectory_per_m is not None:
        return np.asarray(raw.trajectory_per_m[kept, middle] @ normal)
    return np.asarray((raw.encoding.k_first_per_m[kept] + middle * raw.encoding.k_step_per_m[kept]) @ normal)


def slice_places(raw: RawData) -> Float[np.ndarray, " slice"]:
    """Each slice along the normal, from the origin of the data's phases: the isocentre where there is a trajectory."""
    geometry = raw.encoding.geometry
    start = 0.0 if raw.trajectory_per_m is None else float(geometry.slice @ geometry.centre_m)
    return np.asarray(start + geometry.slice_offsets_m)


def _group(
    slices: Int[np.ndarray, " band"],
    along: Float[np.ndarray, " row"],
    apart_m: Float[np.ndarray, " band"],
    line: Int[np.ndarray, " row"],
) -> Group:
    """The even advance of every slice's phase. Errors: DataError when it is not even."""
    unique, first = np.unique(line, return_index=True)
    step = int(np.gcd.reduce(np.diff(unique))) if len(unique) > 1 else 1
    phase = 2 * np.pi * along[first] * apart_m[:, None]
    turns = np.diff(unique) // step
    near = phase[:, 1:] - phase[:, :-1]
    advance = np.angle(np.exp(1j * near[:, turns == 1]).sum(1)) if np.any(turns == 1) else np.zeros(len(slices))
    even = advance[:, None] * (unique - unique[0]) / step
    start = np.angle(np.exp(1j * (phase - even)).sum(1))
    uneven = float(np.abs(np.angle(np.exp(1j * (phase - even - start[:, None])))).max())
    if uneven > _UNEVEN:
        raise DataError(
            f"simultaneous slices {slices.tolist()}: the blips' phase is {uneven:.2f} rad off an even advance from line to line, "
            f"wanted at most {_UNEVEN}. Check the slice positions and k along the slice direction."
        )
    advance_per_line = advance / step
    return Group(slices=slices, start=start - advance_per_line * unique[0], advance=advance_per_line, step=step)


def _kernel(seen: list[Tensor], index: int, step: int, columns: int, recipe: SliceGrappa) -> SliceKernel:
    half = recipe.kernel // 2
    across = np.arange(-half, half + 1)
    dy, dx = (part.reshape(-1) for part in np.meshgrid(across * step, across, indexing="ij"))
    offsets = np.stack([np.zeros_like(dy), dy, dx], axis=1)
    channels, size = seen[0].shape[1], len(offsets) * seen[0].shape[1]
    centre = np.arange(channels) + int(np.flatnonzero((dy == 0) & (dx == 0))[0]) * channels
    if recipe.method == "split":
        grams = [neighbourhood_gram(block, offsets) for block in seen]
        whole, right = torch.stack(grams).sum(0), grams[index][:, torch.from_numpy(centre)]
    else:
        both = neighbourhood_gram(torch.cat([torch.stack(seen).sum(0), seen[index]], dim=1), offsets)
        place = np.arange(len(offsets) * 2 * channels).reshape(len(offsets), 2, channels)
        sources, targets = torch.from_numpy(place[:, 0].reshape(-1)), torch.from_numpy(place[:, 1].reshape(-1)[centre])
        whole, right = both[sources][:, sources], both[sources][:, targets]
    system = torch.cat([whole, right], dim=1)
    weights = solve_weights(system, np.arange(size), np.arange(size, size + channels), recipe.damping)
    phases = fourier_of_offsets(across, columns, weights)
    taps = weights.reshape(len(across), len(across), channels * channels).permute(1, 0, 2).reshape(len(across), -1)
    return SliceKernel(offsets=across, weights=(phases @ taps).reshape(columns, len(across) * channels, channels))


def _apart(rows: Readouts, group: Group, kernels: list[SliceKernel]) -> list[Readouts]:
    """The rows of one group, once for every slice."""
    lines = rows.matrix[1]
    parts = []
    for kernel, number, phases in zip(kernels, group.slices, group.phases(np.arange(lines)), strict=True):
        values = torch.empty_like(rows.values)
        for frame in range(rows.frames):
            chosen = np.flatnonzero(rows.frame == frame)
            if not len(chosen):
                continue
            lattice = np.arange(rows.line[chosen].min(), rows.line[chosen].max() + 1, group.step)
            plane = rows.kspace(chosen, slice(None))[:, :, 0, torch.from_numpy(lattice)].permute(2, 0, 1)
            back = torch.from_numpy(phases[lattice].conj().astype(np.complex64))
            single = apply_kernel(kernel, plane) * back[:, None, None]
            values[chosen] = single[(rows.line[chosen] - lattice[0]) // group.step].transpose(1, 2)
        parts.append(replace(rows, values=values, slice_number=np.full_like(rows.slice_number, number)))
    return parts


def _rows_taken(readouts: Readouts, rows: Int[np.ndarray, " n"]) -> Readouts:
    return replace(
        readouts,
        values=readouts.values[torch.from_numpy(rows)],
        frame=readouts.frame[rows],
        slice_number=readouts.slice_number[rows],
        partition=readouts.partition[rows],
        line=readouts.line[rows],
        for_calibration=readouts.for_calibration[rows],
    )


def _joined(like: Readouts, parts: list[Readouts]) -> Readouts:
    return replace(
        like,
        values=torch.cat([part.values for part in parts]),
        frame=np.concatenate([part.frame for part in parts]),
        slice_number=np.concatenate([part.slice_number for part in parts]),
        partition=np.concatenate([part.partition for part in parts]),
        line=np.concatenate([part.line for part in parts]),
        for_calibration=np.concatenate([part.for_calibration for part in parts]),
    )
