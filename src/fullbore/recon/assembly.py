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
from fullbore.recon.noise.g_factor import g_factor
from fullbore.recon.noise.replica import replica_error
from fullbore.recon.parts import join_parts
from fullbore.recon.recipe import Direct, NlInv, Recipe
from fullbore.recon.resize import resize_axis
from fullbore.recon.solvers.solved import Solved

_CURVE_POINTS = 40


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Channels:
    """How the channels were changed.

    unwhitening: (live, virtual), or (x, live, virtual) when columns differ, back to the units of the data.
    covariance: (live, live) noise, None without a noise scan. mixing: (live, coil), from the channels of the data to white
    ones. compression: (virtual, live) or (x, virtual, live) of those, or None.
    """

    unwhitening: Complex[np.ndarray, "live virtual"] | Complex[np.ndarray, "x live virtual"]
    covariance: Complex[np.ndarray, "live live"] | None
    mixing: Complex[np.ndarray, "live coil"]
    compression: Complex[np.ndarray, "virtual live"] | Complex[np.ndarray, "x virtual live"] | None
    live: int
    dropped: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SolvedSlice:
    """One slice or slab: its solution, the maps (unit norm) that encoded it, its acceleration, and what else was found.

    ideal_variance: of the noise if missing samples cost nothing but their averaging (g = 1), None where that is no question.
    """

    solved: Solved
    maps: Complex[Tensor, "part x channel z y"]
    acceleration: float
    notes: dict[str, float] = field(default_factory=dict)
    ideal_variance: Float[Tensor, "x z y"] | None = None


def assemble(raw: RawData, recipe: Recipe, data: Prepared, channels: Channels, slices: list[SolvedSlice]) -> Image:
    """The image of all slices and frames."""
    scale = _scale(raw)
    parts, noise = [], []
    for part in slices:
        # In place: nothing else reads the solution, and images of many frames are as large as their data.
        units = [_data_units(maps, channels.unwhitening).mul_(scale) for maps in part.maps]
        for number, unit in enumerate(units):
            part.solved.values[:, number].mul_(unit)
        parts.append(_sized(join_parts(part.solved.values, part.maps), raw))
        spread = torch.mul(part.solved.noise_variance, 0.5 * data.columns_sampled).sqrt_().mul_(units[0])
        noise.append(_sized(spread, raw).abs_())
    values = _frames(parts)
    echo, inversion = frame_times(raw)
    # What separating simultaneous slices does to the noise is known from replicas alone: rather no map than a wrong one.
    told = recipe.multiband is None or recipe.noise_map == "replica"
    with_noise = recipe.noise_map != "none" and channels.covariance is not None and told
    return Image(
        name=raw.encoding.protocol or "image",
        values=values if data.frames > 1 else values[0],
        axes=("frame",) if data.frames > 1 else (),
        grid=raw.encoding.geometry.grid(),
        encoding=raw.encoding,
        echo_time_s=echo,
        inversion_time_s=inversion,
        noise_std=_stacked(noise) if with_noise else None,
        g_factor=_g_factor(raw, recipe, slices),
        sensitivities=_sensitivities([part.maps[0] for part in slices], raw),
        report=_report(raw, recipe, data, channels, slices),
    )


def _frames(slices: list[Tensor]) -> Complex[np.ndarray, "frame z y x"]:
    """Slices, or the slab, (frame, x, z, y) as one volume each frame."""
    frames, x, _, y = slices[0].shape
    result = np.empty((frames, sum(part.shape[2] for part in slices), y, x), np.complex64)
    first = 0
    for part in slices:
        result[:, first : first + part.shape[2]] = part.permute(0, 2, 3, 1).numpy()
        first += part.shape[2]
    return result


def _stacked(maps: list[Tensor]) -> Float[np.ndarray, "z y x"]:
    """Slices or the slab (x, z, y) as one volume."""
    return np.ascontiguousarray(torch.cat([part.permute(1, 2, 0) for part in maps], dim=0).numpy())


def _g_factor(raw: RawData, recipe: Recipe, slices: list[SolvedSlice]) -> Float[np.ndarray, "z y x"] | None:
    """The map where the noise is known, not guessed."""
    known = all(part.solved.noise_is_exact and part.ideal_variance is not None for part in slices)
    if recipe.noise_map == "none" or not known:
        return None
    maps = [g_factor(part.solved.noise_variance, part.ideal_variance) for part in slices if part.ideal_variance is not None]
    return _stacked([_sized(part, raw).clamp_min(0) for part in maps])


def _noise_told(recipe: Recipe, channels: Channels, slices: list[SolvedSlice]) -> str:
    """Where the noise map comes from, in words."""
    if recipe.noise_map == "none":
        return "none"
    if recipe.noise_map == "replica":
        told = f"{recipe.replicas} replicas, known to {100 * replica_error(recipe.replicas):.2g} % in a voxel"
    elif all(part.solved.noise_is_exact for part in slices):
        told = "closed form" + (
            ", every fourth column" if isinstance(recipe.solver, Direct) and recipe.noise_map != "analytic" else ""
        )
    else:
        told = "estimate for a perfect coil geometry (g = 1) without a prior"
    return told + ("" if channels.covariance is not None else "; no noise scan, so without a scale: g-factor only")


def _scale(raw: RawData) -> float:
    """From a unitary transform of the samples to density: sqrt(samples of k-space) / encoded volume."""
    geometry = raw.encoding.geometry
    samples = columns_of(raw) * geometry.encoded_matrix[1] * geometry.encoded_matrix[2]
    thickness = geometry.encoded_fov_m[2] if geometry.is_3d else geometry.fov_m[2]
    volume = geometry.encoded_fov_m[0] * geometry.encoded_fov_m[1] * (thickness if thickness > 0 else 1.0)
    return math.sqrt(samples) / volume


def _data_units(
    maps: Complex[Tensor, "x coil z y"],
    unwhitening: Complex[np.ndarray, "live coil"] | Complex[np.ndarray, "x live coil"],
) -> Float[Tensor, "x z y"]:
    """Per voxel, the root sum of squares over the original channels of a unit-norm whitened map."""
    gram = torch.from_numpy((unwhitening.conj().swapaxes(-1, -2) @ unwhitening).astype(np.complex64))
    result = torch.empty((maps.shape[0], *maps.shape[2:]), dtype=torch.float32)
    for index, column in enumerate(maps):
        flat = column.reshape(column.shape[0], -1)
        received = (gram if gram.ndim == 2 else gram[index]) @ flat
        result[index] = (flat.conj() * received).real.sum(0).clamp_min(0).sqrt().reshape(result.shape[1:])
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
        "residual_curve": _curve(max(solved, key=lambda volume: len(volume.history)).history),
        "status": "converged" if all(volume.converged for volume in solved) else "iteration limit",
        "condition": round(max(conditions), 3) if conditions else None,
        "noise_condition": None if covariance is None else round(float(np.linalg.cond(covariance)), 3),
        "channels": channels.live,
        "channels_dropped": channels.dropped,
        "virtual_channels": int(channels.unwhitening.shape[-1]),
        "acceleration": round(slices[0].acceleration, 3),
        "frames": data.frames,
        "values": "density times the root sum of squares of the channels' sensitivities, units of the raw data",
        "noise_map": _noise_told(recipe, channels, slices),
        "fov_shift": "none" if raw.trajectory_per_m is None else "digital",
        "recipe_sha256": recipe.digest(),
        **slices[0].notes,
    }


def _curve(history: tuple[float, ...]) -> list[float]:
    """At most some forty points of it, the last among them."""
    step = max(1, -(-len(history) // _CURVE_POINTS))
    return [float(f"{value:.3g}") for value in history[::-1][::step][::-1]]


def _warning(raw: RawData, recipe: Recipe) -> str:
    """What a person must know before trusting the image."""
    told = []
    backward = backward_rows(raw)[imaging_rows(raw)]
    if recipe.readout_phase is None and backward.any() and not backward.all():
        told.append("readouts run both ways and are combined as they are: expect an N/2 ghost")
    if isinstance(recipe.coils, NlInv):
        told.append("coil maps are a joint estimate with the image: look for folded edges")
    return "; ".join(told) or "none"
