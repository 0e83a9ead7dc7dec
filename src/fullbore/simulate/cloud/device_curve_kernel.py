"""Triton kernel: what spins go on by along any curve in k-space."""

from __future__ import annotations

from typing import no_type_check

import torch
import triton
import triton.language as tl
from jaxtyping import Complex64, Float64
from torch import Tensor

from fullbore.simulate.cloud.device_phase_kernel import pack, turns

BLOCK = 256


@triton.jit
@no_type_check
def _onwards(place, field, rate, along, dwell, out, samples, C: tl.constexpr, SIZE: tl.constexpr):
    n = tl.program_id(0).to(tl.int64)
    j = tl.program_id(1) * SIZE + tl.arange(0, SIZE)
    inside = j < samples
    later = tl.load(dwell) * (j - samples // 2).to(tl.float64)
    phase = tl.load(field + n) * later
    for c in tl.static_range(0, C):
        phase += tl.load(place + n * C + c) * tl.load(along + c * samples + j, mask=inside, other=0.0)
    cosine, sine = turns(phase)
    left = tl.exp((-tl.load(rate + n) * later).to(tl.float32))
    tl.store(out + n * samples + j, pack(left * cosine, -left * sine), mask=inside)


def onwards(
    place: Float64[Tensor, "n c"],
    off_resonance_Hz: Float64[Tensor, " n"],
    r2_per_s: Float64[Tensor, " n"],
    along: Float64[Tensor, "c sample"],
    dwell_s: float,
) -> Complex64[Tensor, "n sample"]:
    """The fused twin of `device_sums.onwards`: one launch."""
    count, samples = len(place), along.shape[1]
    out = torch.empty((count, samples), dtype=torch.complex64, device=place.device)
    clock = torch.tensor([dwell_s], dtype=torch.float64, device=place.device)
    _onwards[(count, triton.cdiv(samples, BLOCK))](
        place.contiguous(), off_resonance_Hz.contiguous(), r2_per_s.contiguous(), along.contiguous(), clock,
        out.view(torch.int64), samples, C=along.shape[0], SIZE=BLOCK,
    )  # fmt: skip
    return out
