"""Triton kernel: what an RF pulse does to each of many spins; the twin of `simulate.pulse_kernel.propagate`, in float64."""

from __future__ import annotations

from typing import no_type_check

import torch
import triton
import triton.language as tl
from jaxtyping import Complex128, Float32, Float64
from torch import Tensor

BLOCK = 128


@triton.jit
@no_type_check
def _turn_column(a, b, d, x, y, z, c, s):
    along = (1.0 - c) * (x * a + y * b + z * d)
    return (
        c * a + s * (y * d - z * b) + along * x,
        c * b + s * (z * a - x * d) + along * y,
        c * d + s * (x * b - y * a) + along * z,
    )


@triton.jit
@no_type_check
def _times(ar, ai, br, bi):
    return ar * br - ai * bi, ar * bi + ai * br


@triton.jit
@no_type_check
def _propagate(
    b1, gradient, steps, clock, place, field, scale, rate1, rate2, out, count, C: tl.constexpr, SIZE: tl.constexpr
):  # fmt: skip
    i = (tl.program_id(0) * SIZE + tl.arange(0, SIZE)).to(tl.int64)
    inside = i < count
    dt, centre = tl.load(clock), tl.load(clock + 1)  # a scalar argument would arrive in float32
    field_Hz, size = tl.load(field + i, mask=inside, other=0.0), tl.load(scale + i, mask=inside, other=0.0)
    r1, r2 = tl.load(rate1 + i, mask=inside, other=0.0), tl.load(rate2 + i, mask=inside, other=0.0)
    h1, h2 = tl.exp(-0.5 * dt * r1), tl.exp(-0.5 * dt * r2)
    nought = field_Hz * 0.0
    before, after = nought, nought
    xx, xy, xz, x0 = nought + 1.0, nought, nought, nought
    yx, yy, yz, y0 = nought, nought + 1.0, nought, nought
    zx, zy, zz, z0 = nought, nought, nought + 1.0, nought
    for q in range(0, steps):
        f = field_Hz
        for c in tl.static_range(0, C):
            f += tl.load(gradient + q * C + c) * tl.load(place + c * count + i, mask=inside, other=0.0)
        early = tl.minimum(tl.maximum(centre - q * dt, 0.0), dt)
        before += 6.283185307179586 * f * early
        after += 6.283185307179586 * f * (dt - early)
        ox, oy, oz = -tl.load(b1 + 2 * q) * size, -tl.load(b1 + 2 * q + 1) * size, -6.283185307179586 * f
        rate = tl.sqrt(ox * ox + oy * oy + oz * oz)
        over = 1.0 / tl.where(rate == 0.0, 1.0, rate)
        ax, ay, az, c, s = ox * over, oy * over, oz * over, tl.cos(rate * dt), tl.sin(rate * dt)
        xx, yx, zx = _turn_column(h2 * xx, h2 * yx, h1 * zx, ax, ay, az, c, s)
        xy, yy, zy = _turn_column(h2 * xy, h2 * yy, h1 * zy, ax, ay, az, c, s)
        xz, yz, zz = _turn_column(h2 * xz, h2 * yz, h1 * zz, ax, ay, az, c, s)
        x0, y0, z0 = _turn_column(h2 * x0, h2 * y0, h1 * z0 + 1.0 - h1, ax, ay, az, c, s)
        xx, xy, xz, x0 = h2 * xx, h2 * xy, h2 * xz, h2 * x0
        yx, yy, yz, y0 = h2 * yx, h2 * yy, h2 * yz, h2 * y0
        zx, zy, zz, z0 = h1 * zx, h1 * zy, h1 * zz, h1 * z0 + 1.0 - h1
    _to_centre(
        xx, xy, xz, x0, yx, yy, yz, y0, zx, zy, zz, z0, before, after, r1, r2, centre, steps * dt - centre, out, i, count, inside
    )  # fmt: skip


@triton.jit
@no_type_check
def _to_centre(
    xx, xy, xz, x0, yx, yy, yz, y0, zx, zy, zz, z0, before, after, r1, r2, centre, late, out, i, count, inside
):  # fmt: skip
    g1a, g2a, g1b, g2b = tl.exp(r1 * late), tl.exp(r2 * late), tl.exp(r1 * centre), tl.exp(r2 * centre)
    ar, ai, br, bi = tl.cos(after), tl.sin(after), tl.cos(before), tl.sin(before)
    sumr, sumi = _times(ar, ai, br, bi)
    difr, difi = _times(ar, ai, br, -bi)
    p0, p1 = _times(0.5 * (xx + yy), 0.5 * (yx - xy), sumr * g2a * g2b, sumi * g2a * g2b)
    p2, p3 = _times(0.5 * (xx - yy), 0.5 * (yx + xy), difr * g2a * g2b, difi * g2a * g2b)
    p4, p5 = _times(xz, yz, ar * g2a * g1b, ai * g2a * g1b)
    p6, p7 = _times(0.5 * zx, -0.5 * zy, br * g1a * g2b, bi * g1a * g2b)
    p9, p10 = _times(x0 + xz * (1.0 - g1b), y0 + yz * (1.0 - g1b), ar * g2a, ai * g2a)
    p11 = 1.0 - g1a + g1a * (z0 + zz * (1.0 - g1b))
    _keep(out, i, count, inside, p0, p1, p2, p3, p4, p5)
    _keep(out + 6 * count, i, count, inside, p6, p7, zz * g1a * g1b, p9, p10, p11)


@triton.jit
@no_type_check
def _keep(out, i, count, inside, a, b, c, d, e, f):
    tl.store(out + i, a.to(tl.float32), mask=inside)
    tl.store(out + count + i, b.to(tl.float32), mask=inside)
    tl.store(out + 2 * count + i, c.to(tl.float32), mask=inside)
    tl.store(out + 3 * count + i, d.to(tl.float32), mask=inside)
    tl.store(out + 4 * count + i, e.to(tl.float32), mask=inside)
    tl.store(out + 5 * count + i, f.to(tl.float32), mask=inside)


def propagate(
    b1_rad_s: Complex128[Tensor, " step"],
    gradient: Float64[Tensor, "step c"],
    dt_s: float,
    centre_s: float,
    place: Float64[Tensor, "n c"],
    offset_Hz: Float64[Tensor, " n"],
    scale: Float64[Tensor, " n"],
    r1_per_s: Float64[Tensor, " n"],
    r2_per_s: Float64[Tensor, " n"],
) -> Float32[Tensor, "12 n"]:
    """Propagators of one pulse for many spins: arguments as `simulate.pulse_kernel.propagate` has them, on a device."""
    count, steps = len(offset_Hz), len(b1_rad_s)
    out = torch.empty((12, count), dtype=torch.float32, device=offset_Hz.device)
    clock = torch.tensor([dt_s, centre_s], dtype=torch.float64, device=offset_Hz.device)
    _propagate[(triton.cdiv(count, BLOCK),)](
        torch.view_as_real(b1_rad_s), gradient, steps, clock, place.T.contiguous(), offset_Hz, scale, r1_per_s, r2_per_s, out,
        count, C=gradient.shape[1], SIZE=BLOCK,
    )  # fmt: skip
    return out
