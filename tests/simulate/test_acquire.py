# TRUTHS of acquire: same seed, same bytes; another seed, other noise | noise has the coils' covariance over dwell
#   | RawData carries the true trajectory | progress rises to 1 | an empty phantom, NaN, several transmit channels are refused
#   | an interruption hands over the slices that are complete, as they would have been
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.errors import AcquisitionInterrupted, UsageError, ValueRangeError
from fullbore.simulate import acquire, plan, trajectory
from fullbore.simulate.noise import add_noise, mixing_matrix, noise_scan
from tests.simulate.small import GRE, TSE, box, built, machine, tissue

SPEC = machine()
SEQUENCE = built(GRE, SPEC)
BOX = box()


def test_same_seed_same_bytes():
    first, second, third = (acquire(BOX, SEQUENCE, SPEC, seed=s) for s in (3, 3, 4))
    assert first.samples.tobytes() == second.samples.tobytes() and first.noise.tobytes() == second.noise.tobytes()
    assert not np.array_equal(first.samples, third.samples)


def test_noise_has_its_covariance():
    dwell, rng = 5e-6, np.random.default_rng(0)
    factor = rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3))
    wanted = factor @ factor.conj().T
    mixing = mixing_matrix(wanted, dwell)
    scan = noise_scan(mixing, 1).astype(complex)
    added = np.zeros((300, 3, 64), np.complex64)
    add_noise(added, mixing, 1)
    for noise in (scan, added.transpose(1, 0, 2).reshape(3, -1).astype(complex)):
        got = noise @ noise.conj().T / noise.shape[1] * dwell
        assert np.abs(got - wanted).max() < 0.06 * np.abs(wanted).max()  # 8192 samples know a variance to 1.1 %: five sigma


def test_noise_streams_do_not_repeat():
    added = np.zeros((600, 1, 8), np.complex64)
    add_noise(added, np.eye(1, dtype=complex), 1)
    assert len(np.unique(added)) == added.size


def test_a_singular_covariance_is_allowed_and_a_negative_one_refused():
    assert np.isfinite(mixing_matrix(np.ones((2, 2), complex), 1e-6)).all()
    with pytest.raises(ValueRangeError, match="noise covariance"):
        mixing_matrix(np.diag([1.0, -1.0]).astype(complex), 1e-6)


def test_raw_data_carry_the_trajectory():
    raw = acquire(BOX, SEQUENCE, SPEC)
    np.testing.assert_array_equal(raw.trajectory_per_m, trajectory(SEQUENCE))
    assert raw.noise.shape == (SPEC.receive.coils, 8192) and raw.samples.dtype == np.complex64


def test_progress_rises_to_one():
    seen: list[float] = []
    acquire(BOX, SEQUENCE, SPEC, progress=lambda fraction, what: seen.append(fraction))
    assert seen[0] == 0 and seen[-1] == 1 and np.all(np.diff(seen) >= -1e-12)


def test_refuses_an_empty_phantom():
    with pytest.raises(UsageError, match="Phantom box: every fraction is zero"):
        plan(box(fill=0.0), SEQUENCE, SPEC)


def test_refuses_nan_in_a_tissue():
    with pytest.raises(ValueRangeError, match="Tissue water"):
        plan(box(kind=tissue(shift=float("nan"))), SEQUENCE, SPEC)


def test_states_refuse_several_transmit_channels():
    two = replace(SPEC.transmit, values=np.concatenate([SPEC.transmit.values] * 2))
    with pytest.raises(UsageError, match="2 transmit channels, and states know one"):
        plan(BOX, SEQUENCE, replace(SPEC, transmit=two))


def test_an_interruption_hands_over_what_is_complete():
    sequence = built(TSE, SPEC, slices=2, slice_gap="5 mm", dummy_shots=0)
    body = box((24, 4, 4), (1e-3,) * 3, centre=(0.03, 0.01, 0.02))
    whole = acquire(body, sequence, SPEC, seed=5)

    def stop_in_second_slice(fraction: float, what: str) -> None:
        if 0.6 < fraction < 0.97:
            raise KeyboardInterrupt

    with pytest.raises(AcquisitionInterrupted, match="of tse") as stopped:
        acquire(body, sequence, SPEC, seed=5, progress=stop_in_second_slice)
    part = stopped.value.acquired
    first = whole.encoding.counter("slice") == part.encoding.counter("slice")[0]
    assert 0 < len(part.samples) < len(whole.samples)
    np.testing.assert_array_equal(part.samples, whole.samples[first])
    np.testing.assert_array_equal(part.trajectory_per_m, whole.trajectory_per_m[first])


def test_an_interruption_before_anything_is_complete_is_just_that():
    def stop(fraction: float, what: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stopped:
        acquire(BOX, SEQUENCE, SPEC, progress=stop)
    assert not isinstance(stopped.value, AcquisitionInterrupted)
