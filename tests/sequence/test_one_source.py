# TRUTHS of the Encoding as the one source, for every sequence: counters and flags read back from the .seq = those in the MRD
#   headers = its own | k-space integrated from what the .seq plays = k-space that its reader states = MRD's trajectory = its own,
#   to 1e-6 of its extent, curves and ramps too

from __future__ import annotations

from functools import cache
from pathlib import Path

import h5py
import numpy as np
import pytest

from fullbore.clinical.library import sequence_protocol
from fullbore.data import Encoding, RawData, Sequence
from fullbore.files import read_pulseq, write_mrd, write_pulseq
from fullbore.files.pulseq_labels import FLAG_LABELS
from fullbore.sequence import SEQUENCES, build, parse_protocol
from fullbore.sequence.k_space import streamed_k_space
from tests.sequence.reference import LIMITS, trajectory

EXTENT = 1e-6
IN_MRD = {
    "line": "kspace_encode_step_1",
    "partition": "kspace_encode_step_2",
    **{name: name for name in ("slice", "contrast", "phase", "repetition", "set", "segment", "average")},
}
SLOW = ("b_tensor_epi_2d",)
"""Those whose waveforms take seconds to design."""
NAMES = [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in sorted(SEQUENCES)]


@cache
def built(name: str) -> Sequence:
    return build(parse_protocol(sequence_protocol(name), quick=True), LIMITS)


@pytest.fixture(scope="module", params=NAMES)
def sequence(request: pytest.FixtureRequest) -> Sequence:
    return built(str(request.param))


def sampled(encoding: Encoding) -> np.ndarray:
    """Samples that there are, (row, sample)."""
    return np.arange(encoding.samples) < encoding.samples_per_row()[:, None]


def assert_at(k_per_m: np.ndarray, encoding: Encoding) -> None:
    """k-space, (row, sample, 3), is where the Encoding says; a spectrum, whose extent is 0, stays within 1e-6 cycles/m."""
    there, nominal = sampled(encoding), encoding.trajectory_per_m()
    assert k_per_m.shape == nominal.shape
    assert np.abs(k_per_m - nominal)[there].max() <= EXTENT * max(np.abs(nominal[there]).max(), 1.0)


def test_the_file_keeps_labels_and_k_space(sequence: Sequence, tmp_path: Path) -> None:
    write_pulseq(sequence, tmp_path / "written.seq")
    again = read_pulseq(tmp_path / "written.seq")
    own = sequence.encoding
    assert np.array_equal(again.encoding.counters, own.counters)
    for label, mask in FLAG_LABELS.items():
        # A phase correction is labelled as the navigator that it is
        flags = [(each.flags & np.uint64(mask)) != 0 for each in (again.encoding, own)]
        assert np.array_equal(*flags), label
    assert np.array_equal(again.encoding.samples_per_row(), own.samples_per_row())
    assert np.allclose(again.encoding.dwell_per_row_s(), own.dwell_per_row_s(), rtol=1e-9, atol=0)
    assert_at(again.encoding.trajectory_per_m(), own)
    assert_at(trajectory(again), own)


def test_k_space_streams_as_the_encoding(sequence: Sequence) -> None:
    own = sequence.encoding
    played = np.zeros((own.rows, own.samples, 3))
    for rows, k in streamed_k_space(sequence):
        played[rows, : k.shape[1]] = k
    assert_at(played, own)


def test_mrd_headers_are_the_encoding(sequence: Sequence, tmp_path: Path) -> None:
    own = sequence.encoding
    samples = np.zeros((own.rows, 1, own.samples), dtype=np.complex64)
    write_mrd(RawData(encoding=own, samples=samples, b0_T=3.0), tmp_path / "written.h5")
    with h5py.File(tmp_path / "written.h5") as file:
        head, path = file["dataset"]["data"]["head"], file["dataset"]["data"]["traj"]
    for counter, field in IN_MRD.items():
        assert np.array_equal(head["idx"][field], own.counter(counter)), counter
    assert np.array_equal(head["flags"], own.flags)
    assert np.array_equal(head["number_of_samples"], own.samples_per_row())
    k = np.zeros((own.rows, own.samples, 3))
    k[sampled(own)] = np.concatenate(path).reshape(-1, 3)
    assert_at(k @ np.stack([own.geometry.read, own.geometry.phase, own.geometry.slice]), own)
