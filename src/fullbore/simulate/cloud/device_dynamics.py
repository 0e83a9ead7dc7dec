"""A block of spins through a piece of a sequence: the readable twin of the fused kernel."""

from __future__ import annotations

import torch
from jaxtyping import Complex64, Float32, Float64
from torch import Tensor

from fullbore.simulate.cloud.device_schedule import DeviceSchedule
from fullbore.simulate.cloud.schedule import Piece


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
    """Magnetisation at the middle of the piece's readouts; the state (x, y, z, in the frame of the last pulse) goes on.

    terms: propagators. recovery, left: 1 - exp(-t/T1) and exp(-t/T2) of the schedule's lengths.
    """
    m, z = torch.complex(state[0], state[1]), state[2].clone()
    out = torch.empty((piece.count, m.shape[0]), dtype=torch.complex64, device=m.device)
    edges, rest, row_rest, kind = (x.tolist() for x in (table.edges, table.rest, table.row_rest, table.kind))
    for q in range(piece.pulses.start, piece.pulses.stop):
        m = m * left[rest[q]] * phasor(table.shift[q] + table.move[q] @ place + table.dt_s[q] * off_resonance_Hz)
        z = z + recovery[rest[q]] * (1 - z)
        p = terms[kind[q]]
        p11, p12, p13, p31 = (torch.complex(p[i], p[i + 1]) for i in (0, 2, 4, 6))
        flow = torch.complex(p[9], p[10])
        m, z = p11 * m + p12 * m.conj() + p13 * z + flow, 2 * (p31 * m).real + p[8] * z + p[11]
        for i in range(edges[q], edges[q + 1]):
            turns = table.row_shift[i] + table.row_move[i] @ place + table.row_dt_s[i] * off_resonance_Hz
            out[i - piece.rows.start] = m * left[row_rest[i]] * phasor(turns)
    state[0], state[1], state[2] = m.real, m.imag, z
    return out


def phasor(turns: Float64[Tensor, "*n"]) -> Complex64[Tensor, "*n"]:
    """exp(-2 pi i turns), reduced in float64 before float32 takes over."""
    angle = ((turns - turns.round()) * (-2 * torch.pi)).to(torch.float32)
    return torch.polar(torch.ones_like(angle), angle)
