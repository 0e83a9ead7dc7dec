"""Encodings and priors on tensors of another device than the processor's: torch's own `meta`, which computes shapes alone."""

# TRUTHS of devices: A^H y, A^H A, and proximal maps of tensors on a device are on it, and nothing on the way leaves it
#   | torch refuses a mixture

from dataclasses import replace

import numpy as np
import pytest
import torch

from fullbore.numerics.cycle_spinning import shrink_cycled
from fullbore.numerics.wavelet import Wavelet
from fullbore.recon.encodings.cartesian import CartesianVolume
from fullbore.recon.encodings.readouts import Readouts
from fullbore.recon.encodings.simultaneous import SimultaneousVolume
from fullbore.recon.encodings.subspace import SubspaceVolume
from fullbore.recon.encodings.wave import WaveVolume
from fullbore.recon.priors.low_rank import shrink_blocks
from fullbore.recon.solvers.column_cholesky import between_columns

FRAMES, COILS, X, Z, Y = 2, 3, 8, 4, 12


def on_device(*shape, dtype=torch.complex64):
    return torch.empty(shape, dtype=dtype, device="meta")


def readouts():
    frame, partition, line = (part.reshape(-1) for part in np.meshgrid(*(np.arange(n) for n in (FRAMES, Z, Y)), indexing="ij"))
    chosen = (line + partition + frame) % 2 == 0
    # A line of either frame is measured twice.
    frame, partition, line = (np.append(part[chosen], part[chosen][[0, -1]]) for part in (frame, partition, line))
    return Readouts(
        values=on_device(len(line), COILS, X), frame=frame, slice_number=np.zeros_like(line), partition=partition, line=line,
        for_calibration=np.zeros(len(line), bool), frames=FRAMES, slices=1, matrix=(Z, Y), columns_sampled=1.0,
    )  # fmt: skip


def cartesian():
    measured = readouts()
    frames = range(FRAMES)
    return CartesianVolume(
        readouts=measured,
        rows=tuple(measured.rows(frame, 0) for frame in frames),
        counts=tuple(measured.mask(frame, 0) for frame in frames),
        maps=on_device(1, X, COILS, Z, Y),
    )


def subspace():
    return SubspaceVolume(inner=cartesian(), basis=on_device(FRAMES, 1))


def wave():
    volume = cartesian()
    wide = replace(volume.readouts, values=on_device(len(volume.readouts.line), COILS, 2 * X))
    return WaveVolume(
        maps=volume.maps, readouts=wide, rows=volume.rows, counts=volume.counts,
        spread_y=on_device(2 * X, Y), spread_z=on_device(2 * X, Z),
    )  # fmt: skip


def simultaneous():
    volume = cartesian()
    return SimultaneousVolume(
        readouts=volume.readouts, rows=volume.rows, counts=volume.counts, maps=on_device(2, X, COILS, Z, Y),
        phases=on_device(FRAMES, 2, Y),
    )  # fmt: skip


def test_a_mixture_is_refused():
    with pytest.raises(RuntimeError, match="device"):
        on_device(4) * torch.from_numpy(np.ones(4, np.float32))


@pytest.mark.parametrize("made", [cartesian, subspace, wave, simultaneous])
def test_encodings_stay_on_the_device(made):
    volume = made()
    found = volume.adjoint()
    assert found.is_meta and tuple(found.shape) == volume.shape
    assert volume.normal(on_device(*volume.shape)).is_meta
    assert volume.matched_variance().is_meta


def test_priors_stay_on_the_device():
    image = on_device(FRAMES, 1, 8, 8, 8)
    assert shrink_blocks(image, 0.1, (4, 4, 4), [1, 2, 3]).is_meta
    for joint in (0, 1):
        assert shrink_cycled(Wavelet(shape=(8, 8, 8), name="db4", levels=1), image, 0.1, 0.5, [(1, 0, 1)], "log", joint).is_meta
    assert between_columns(on_device(3, 5, dtype=torch.float32), 9, 4).is_meta
