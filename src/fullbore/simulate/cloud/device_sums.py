"""Readouts that share no line, summed directly on a device: straight spokes by two factors, all others sample by sample."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Complex64, Float, Float64
from torch import Tensor

from fullbore.simulate.cloud.device_cloud import DeviceCloud
from fullbore.simulate.cloud.device_dynamics import phasor
from fullbore.simulate.cloud.device_fused import fused


def sum_spokes(
    step: Float[np.ndarray, "row c"],
    part: DeviceCloud,
    dwell_s: float,
    samples: int,
    middle: Complex64[Tensor, "row n"],
    work_bytes: int,
) -> Complex64[Tensor, "row coil sample"]:
    """Straight readouts, each of its own step (moment per sample).

    From the middle on a spin goes as w^j. With j + samples // 2 = a + b fine, the sum over spins is, for every readout, one
    product of (coil and b, spin) with (spin, a): powers are made by doubling, from w^1, w^2, w^4 ... whose phases are exact.
    """
    fine = 1 << max(round(np.log2(np.sqrt(part.coils * samples))), 1)
    coarse = -(-samples // fine)
    steps = torch.tensor(step, device=part.device)
    size = max(work_bytes // (24 * len(step) * (part.coils * coarse + fine)), 1)
    total = torch.zeros((len(step), part.coils * coarse, fine), dtype=torch.complex64, device=part.device)
    for run in (slice(first, first + size) for first in range(0, len(part), size)):
        u = steps @ part.place[run].T + part.off_resonance_Hz[run] * dwell_s
        rate = dwell_s / part.t2_s[run]
        start = middle[:, run] * power(u, rate, -(samples // 2))
        left = start[:, None, None, :] * part.seen[run].T[:, None, :] * powers(u, rate, fine, coarse)[:, None, :, :]
        total += torch.bmm(left.flatten(1, 2), powers(u, rate, 1, fine).transpose(1, 2))
    return total.unflatten(1, (part.coils, coarse)).flatten(2)[:, :, :samples]


def power(u: Float64[Tensor, "row n"], rate: Float64[Tensor, " n"], j: int) -> Complex64[Tensor, "row n"]:
    """exp(-(2 pi i u + rate) j)."""
    return phasor(u * j) * torch.exp(-rate * j).to(torch.float32)


def powers(u: Float64[Tensor, "row n"], rate: Float64[Tensor, " n"], stride: int, count: int) -> Complex64[Tensor, "row count n"]:
    """The powers 0, stride, 2 stride ... of exp(-(2 pi i u + rate)), by doubling."""
    result = torch.ones((u.shape[0], 1, u.shape[1]), dtype=torch.complex64, device=u.device)
    while result.shape[1] < count:
        result = torch.cat([result, result * power(u, rate, stride * result.shape[1])[:, None, :]], dim=1)
    return result[:, :count]


def onwards(
    place: Float64[Tensor, "n c"],
    off_resonance_Hz: Float64[Tensor, " n"],
    r2_per_s: Float64[Tensor, " n"],
    along: Float64[Tensor, "c sample"],
    dwell_s: float,
) -> Complex64[Tensor, "n sample"]:
    """What spins go on by from the middle sample to every sample. along: moment gained since then."""
    samples = along.shape[1]
    later = dwell_s * (torch.arange(samples, dtype=torch.float64, device=place.device) - samples // 2)
    turning = phasor(place @ along + off_resonance_Hz[:, None] * later)
    return turning.mul_(torch.exp((-r2_per_s[:, None] * later).to(torch.float32)))


def sum_curve(
    moment: Float[np.ndarray, "sample c"],
    part: DeviceCloud,
    dwell_s: float,
    middle: Complex64[Tensor, "row n"],
    work_bytes: int,
) -> Complex64[Tensor, "row coil sample"]:
    """Readouts that all gain the same moment from their middle sample on, along any curve."""
    kernels = fused(part.device)
    spread = kernels.onwards if kernels else onwards
    along = torch.tensor(moment.T.copy(), device=part.device)
    size = max(work_bytes // (48 * len(moment) + 16 * len(middle) * part.coils), 1)
    total = torch.zeros((len(middle) * part.coils, len(moment)), dtype=torch.complex64, device=part.device)
    for run in (slice(first, first + size) for first in range(0, len(part), size)):
        later = spread(part.place[run], part.off_resonance_Hz[run], 1 / part.t2_s[run], along, dwell_s)
        total += (middle[:, None, run] * part.seen[run].T).flatten(0, 1) @ later
    return total.unflatten(0, (len(middle), part.coils))
