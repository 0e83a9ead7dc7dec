# TRUTHS of streamed k-space: pieces together = the Encoding, after excitations, refocusing and on curves | = the simulator's
#   trajectory, which is written apart | a piece of few readouts takes a small part of the memory of all

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from fullbore.clinical.library import sequence_protocol
from fullbore.data import Sequence
from fullbore.sequence import build, parse_protocol, streamed_k_space
from fullbore.simulate import trajectory
from tests.sequence.reference import LIMITS


def built(name: str) -> Sequence:
    return build(parse_protocol(sequence_protocol(name), quick=True), LIMITS)


@pytest.mark.parametrize("name", ["spoiled_gre_3d", "haste_2d", "diffusion_epi_2d", "kooshball_3d"])
def test_pieces_are_the_encoding_and_the_trajectory(name: str) -> None:
    sequence = built(name)
    rows, k = zip(*streamed_k_space(sequence, 7), strict=True)
    assert max(len(part) for part in rows) == 7
    assert np.array_equal(np.concatenate(rows), np.arange(sequence.encoding.rows))
    found, extent = np.concatenate(k), np.abs(sequence.encoding.trajectory_per_m()).max()
    assert np.abs(found - sequence.encoding.trajectory_per_m()).max() < 1e-6 * extent
    assert np.abs(found - trajectory(sequence)).max() < 1e-9 * extent


def peak_bytes(sequence: Sequence, readouts: int) -> int:
    """The most memory held while all pieces pass."""
    tracemalloc.start()
    for _ in streamed_k_space(sequence, readouts):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_a_piece_takes_the_memory_of_a_piece() -> None:
    sequence = built("spoiled_gre_3d")
    rows, samples = sequence.encoding.rows, sequence.encoding.samples
    all_at_once, few = peak_bytes(sequence, rows), peak_bytes(sequence, rows // 16)
    # what is spared: fifteen sixteenths of all samples' three float64, once at least
    assert all_at_once - few > 15 / 16 * rows * samples * 3 * 8
