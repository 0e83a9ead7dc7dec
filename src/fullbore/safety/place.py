"""Where in a sequence something happens, in words."""

from __future__ import annotations

import numpy as np

from fullbore.data import Sequence

AXES = ("x", "y", "z")


def moment(sequence: Sequence, block: int, offset_s: float = 0.0) -> str:
    """ "block 41 (t = 12.34 ms)": the block, counted from 0, and the time from the sequence's start in ms."""
    start = float(np.sum(sequence.duration_s[:block]))
    return f"block {block} (t = {(start + offset_s) * 1e3:.2f} ms)"
