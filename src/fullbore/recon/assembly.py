"""From solutions in units of the whitened noise to an `Image` on the scale of the magnetisation."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from fullbore.data import Image, RawData
from fullbore.recon.admission import imaging_rows
from fullbore.recon.calibration.epi_phase import backward_rows
from fullbore.recon.encodings.volume import Prepared
from fullbore.recon.frames import columns_of, frame_times
from fullbore.recon.recipe import Recipe
from fullbore.recon.resize import resize_axis
from fullbore.recon.solvers.solved import Solved


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Channels:
    """How the channels were changed.

    unwhitening: (live, virtual), back to the units of the data. covariance: (live, live) noise, None without a noise scan.
    """

    unwhitening: Complex[np.ndarray, "live virtual"]
    covariance: Complex[np.ndarray, "live live"] | None
    live: int
    dropped: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SolvedSlice:
    """One slice or slab: its solution, the maps (unit norm) that encoded it, its acceleration, and what else was found."""

    solved: Solved
    maps: Complex[Tensor, "part x channel z y"]
    acceleration: float
    notes: dict[str, float] = field(default_factory=dict)


def assemble(raw: RawData, recipe: Recipe, data: Prepared, channels: Channels, slices: list[SolvedSlice]) -> Image:
    """The image of all slices and frames."""
    scale = _scale(raw)
    parts, noise = [], []
    for part in slices:
        unit = _data_units(part.maps[0], channels.unwhitening) * scale
        parts.append(_sized(part.solved.values[:, 0] * unit, raw))
        noise.append(_sized(torch.sqrt(0.5 * part.solved.noise_variance * data.columns_sampled) * unit, raw))
    values = torch.cat([part.permute(0, 2, 3, 1) for part in parts], dim=1)
    echo, inversion = frame_times(raw)
    # What separating simultaneous slices does to the noise is not known yet: rather no map than a wrong one.
    with_noise = recipe.noise_map == "estimated" and channels.covariance is not None and recipe.multiband is None
    std = torch.cat([part.permute(1, 2, 0) for part in noise], dim=0).abs()
    return Image(
        name=raw.encoding.protocol or "image",
        values=np.ascontiguousarray(values.numpy() if data.frames > 1 else values[0].numpy()),
        axes=("frame",) if data.frames > 1 else (),
        grid=raw.encoding.geometry.grid(),
        encoding=raw.encoding,
        echo_time_s=echo,
        inversion_time_s=inversion,
        noise_std=np.ascontiguousarray(std.numpy()) if with_noise else None,
        sensitivities=_sensitivities([part.maps[0] for part in slices], raw),
        report=_report(raw, recipe, data, channels, slices),
    )


def _scale(raw: RawData) -> float:
    """From a unitary transform of the samples to density: sqrt(samples of k-space) / encoded volume."""
    geometry = raw.encoding.geometry
    samples = columns_of(raw) * geometry.encoded_matrix[1] * geometry.encoded_matrix[2]
    thickness = geometry.encoded_fov_m[2] if geometry.is_3d else geometry.fov_m[2]
    volume = geometry.encoded_fov_m[0] * geometry.encoded_fov_m[1] * (thickness if thickness > 0 else 1.0)
    return math.sqrt(samples) / volume


def _data_units(maps: Complex[Tensor, "x coil z y"], unwhitening: Complex[np.ndarray, "live coil"]) -> Float[Tensor, "x z y"]:
    """Per voxel, the root sum of squares over the original channels of a unit-norm whitened map."""
    gram = torch.from_numpy((unwhitening.conj().T @ unwhitening).astype(np.complex64))
    result = torch.empty((maps.shape[0], *maps.shape[2:]), dtype=torch.float32)
    for index, column in enumerate(maps):
        flat = column.reshape(column.shape[0], -1)
        result[index] = (flat.conj() * (gram @ flat)).real.sum(0).clamp_min(0).sqrt().reshape(result.shape[1:])
    return result


def _sized(values: Tensor, raw: RawData, read_axis: int = -3) -> Tensor:
    """(..., z, y) on the image's matrix where that differs from the encoded one; x is cut to it."""
    geometry = raw.encoding.geometry
    for axis, index in ((-1, 1), (-2, 2)):
        if index == 2 and not geometry.is_3d:
            continue
        encoded = (geometry.encoded_matrix[index], geometry.encoded_fov_m[index])
        values = resize_axis(values, axis, *encoded, geometry.matrix[index], geometry.fov_m[index])
    across = geometry.matrix[0]
    wide = values.shape[read_axis]
    return values.narrow(read_axis, wide // 2 - across // 2, across) if wide > across else values


def _sensitivities(maps: list[Tensor], raw: RawData) -> Complex[np.ndarray, "coil z y x"]:
    """Maps at the image's resolution; for one slab of unchanged size without copying them."""
    sized = [_sized(coils, raw, -4).permute(1, 2, 3, 0) for coils in maps]
    return np.asarray((sized[0] if len(sized) == 1 else torch.cat(sized, dim=1)).numpy())


def _report(raw: RawData, recipe: Recipe, data: Prepared, channels: Channels, slices: list[SolvedSlice]) -> dict[str, object]:
    solved = [part.solved for part in slices]
    conditions = [volume.condition for volume in solved if volume.condition is not None]
    covariance = channels.covariance
    return {
        "warning": _warning(raw, recipe),
        "encoding": type(recipe.encoding).__name__,
        "solver": type(recipe.solver).__name__,
        "prior": type(recipe.prior).__name__ if recipe.prior else "none",
        "iterations": max(volume.iterations for volume in solved),
        "residual": max(volume.residual for volume in solved),
        "status": "converged" if all(volume.converged for volume in solved) else "iteration limit",
        "condition": round(max(conditions), 3) if conditions else None,
        "noise_condition": None if covariance is None else round(float(np.linalg.cond(covariance)), 3),
        "channels": channels.live,
        "channels_dropped": channels.dropped,
        "virtual_channels": int(channels.unwhitening.shape[1]),
        "acceleration": round(slices[0].acceleration, 3),
        "frames": data.frames,
        "fov_shift": "none" if raw.trajectory_per_m is None else "digital",
        "recipe_sha256": recipe.digest(),
        **slices[0].notes,
    }


def _warning(raw: RawData, recipe: Recipe) -> str:
    """What a person must know before trusting the image."""
    backward = backward_rows(raw)[imaging_rows(raw)]
    if recipe.readout_phase is None and backward.any() and not backward.all():
        return "readouts run both ways and are combined as they are: expect an N/2 ghost"
    return "none"
