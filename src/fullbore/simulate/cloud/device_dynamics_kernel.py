"""Triton kernel: all pulses of a piece of a sequence in one launch, each spin in registers."""

from __future__ import annotations

from typing import no_type_check

import torch
import triton
import triton.language as tl
from jaxtyping import Complex64, Float32, Float64
from torch import Tensor

from fullbore.simulate.cloud.device_phase_kernel import pack, turns
from fullbore.simulate.cloud.device_schedule import DeviceSchedule
from fullbore.simulate.cloud.schedule import Piece

BLOCK = 256


@triton.jit
@no_type_check
def _phase(shift, move, dt, q, x, y, z, f, place, i, inside, count, C: tl.constexpr):
    """Turns of interval q."""
    phase = tl.load(shift + q) + tl.load(dt + q) * f
    phase += tl.load(move + q * C) * x + tl.load(move + q * C + 1) * y + tl.load(move + q * C + 2) * z
    for c in tl.static_range(3, C):
        phase += tl.load(move + q * C + c) * tl.load(place + c * count + i, mask=inside, other=0.0)
    return phase


@triton.jit(do_not_specialize=["first_pulse", "last_pulse", "first_row"])
@no_type_check
def _run(
    terms, kind, shift, move, dt, rest, edges, row_shift, row_move, row_dt, row_rest, recovery, left, place, field, state, out,
    first_pulse, last_pulse, first_row, count, C: tl.constexpr, SIZE: tl.constexpr,
):  # fmt: skip
    i = (tl.program_id(0) * SIZE + tl.arange(0, SIZE)).to(tl.int64)
    inside = i < count
    x, y = tl.load(place + i, mask=inside, other=0.0), tl.load(place + count + i, mask=inside, other=0.0)
    z, f = tl.load(place + 2 * count + i, mask=inside, other=0.0), tl.load(field + i, mask=inside, other=0.0)
    mx, my = tl.load(state + i, mask=inside, other=0.0), tl.load(state + count + i, mask=inside, other=0.0)
    mz = tl.load(state + 2 * count + i, mask=inside, other=0.0)
    wide = count + tl.full((), 0, tl.int64)
    for q in range(first_pulse, last_pulse):
        c, s = turns(_phase(shift, move, dt, q, x, y, z, f, place, i, inside, count, C))
        which = tl.load(rest + q) * wide
        e2 = tl.load(left + which + i, mask=inside, other=0.0)
        a, b = e2 * (c * mx + s * my), e2 * (c * my - s * mx)
        d = mz + tl.load(recovery + which + i, mask=inside, other=0.0) * (1.0 - mz)
        p = terms + tl.load(kind + q) * 12 * wide + i
        p0, p1 = tl.load(p, mask=inside, other=0.0), tl.load(p + count, mask=inside, other=0.0)
        p2, p3 = tl.load(p + 2 * count, mask=inside, other=0.0), tl.load(p + 3 * count, mask=inside, other=0.0)
        p4, p5 = tl.load(p + 4 * count, mask=inside, other=0.0), tl.load(p + 5 * count, mask=inside, other=0.0)
        p6, p7 = tl.load(p + 6 * count, mask=inside, other=0.0), tl.load(p + 7 * count, mask=inside, other=0.0)
        p8, p9 = tl.load(p + 8 * count, mask=inside, other=0.0), tl.load(p + 9 * count, mask=inside, other=0.0)
        p10, p11 = tl.load(p + 10 * count, mask=inside, other=0.0), tl.load(p + 11 * count, mask=inside, other=0.0)
        mx = (p0 + p2) * a + (p3 - p1) * b + p4 * d + p9
        my = (p1 + p3) * a + (p0 - p2) * b + p5 * d + p10
        mz = 2.0 * (p6 * a - p7 * b) + p8 * d + p11
        low, high = tl.load(edges + q), tl.load(edges + q + 1)
        for r in range(low, high):
            c, s = turns(_phase(row_shift, row_move, row_dt, r, x, y, z, f, place, i, inside, count, C))
            e2 = tl.load(left + tl.load(row_rest + r) * wide + i, mask=inside, other=0.0)
            tl.store(out + (r - first_row) * wide + i, pack(e2 * (c * mx + s * my), e2 * (c * my - s * mx)), mask=inside)
    tl.store(state + i, mx, mask=inside)
    tl.store(state + count + i, my, mask=inside)
    tl.store(state + 2 * count + i, mz, mask=inside)


def run_piece(
    piece: Piece,
    table: DeviceSchedule,
    terms: Float32[Tensor, "kind 12 n"],
    recovery: Float32[Tensor, "length n"],
    left: Float32[Tensor, "length n"],
    place: Float64[Tensor, "c n"],
    off_resonance_Hz: Float64[Tensor, " n"],
    state: Float32[Tensor, "3 n"],
) -> Complex64[Tensor, "row n"]:
    """The fused twin of `device_dynamics.run_piece`: one launch."""
    count = len(off_resonance_Hz)
    out = torch.empty((piece.count, count), dtype=torch.complex64, device=state.device)
    _run[(triton.cdiv(count, BLOCK),)](
        terms, table.kind, table.shift, table.move, table.dt_s, table.rest, table.edges, table.row_shift, table.row_move,
        table.row_dt_s, table.row_rest, recovery, left, place, off_resonance_Hz, state, out.view(torch.int64),
        piece.pulses.start, piece.pulses.stop, piece.rows.start, count, C=len(place), SIZE=BLOCK,
    )  # fmt: skip
    return out
