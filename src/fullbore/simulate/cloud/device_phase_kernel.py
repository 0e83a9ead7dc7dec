"""Triton: float64 turns to float32 sine and cosine, and complex numbers as words.

Turns are reduced in float64: half the rate of float32 on data-centre cards, 1/64 of it on others, where this costs about as
much as all else that spins do. Sine and cosine are polynomials, the same on every device.
"""

from __future__ import annotations

from typing import no_type_check

import triton
import triton.language as tl


@triton.jit
@no_type_check
def turns(phase):
    """cos and sin of 2 pi `phase` (turns, float64) in float32, to 1e-7: reduced to an eighth of a turn, then Taylor."""
    quarters = 4.0 * phase
    whole = tl.floor(quarters + 0.5)
    k = whole.to(tl.int64).to(tl.int32) & 3
    t = (quarters - whole).to(tl.float32) * 1.5707963267948966
    u = t * t
    s = t + t * u * (-1 / 6 + u * (1 / 120 + u * (-1 / 5040 + u * (1 / 362880))))
    c = 1.0 + u * (-1 / 2 + u * (1 / 24 + u * (-1 / 720 + u * (1 / 40320))))
    odd = (k & 1) == 1
    a, b = tl.where(odd, s, c), tl.where(odd, c, s)
    return tl.where(((k + 1) & 2) == 2, -a, a), tl.where((k & 2) == 2, -b, b)


@triton.jit
@no_type_check
def pack(real, imaginary):
    """A complex64 as one word, so that neighbouring spins are stored side by side."""
    low = real.to(tl.uint32, bitcast=True).to(tl.uint64)
    return (low | (imaginary.to(tl.uint32, bitcast=True).to(tl.uint64) << 32)).to(tl.int64, bitcast=True)
