# TRUTHS of the spins: a spoiled gradient echo, an MPRAGE and a turbo spin echo = dense isochromats
#   | white over grey matter of an MPRAGE = its recursion
#   | echoes of a turbo spin echo = EPG over its slice profile | echoes of the mapping train follow EPG at any transmit scale
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.signal import inversion_train, play, spin_echo_train
from fullbore.simulate import trajectory
from fullbore.simulate.cloud import play_cloud, scatter
from tests.simulate.small import GRE, MPRAGE, TSE, box, built, error, machine, rod, samples, slab, tissue


def isochromats(phantom, sequence, spec, per_cell):
    return play_cloud(scatter(phantom, spec, per_cell), sequence)


def test_gradient_echo_is_dense_isochromats():
    spec = machine()
    sequence = built(GRE, spec, matrix=[4, 4, 4], dummy_views=2)
    wanted = isochromats(rod(), sequence, spec, (4, 4, 32))
    assert error(samples(rod(), sequence, spec), wanted) < 1e-3
    assert error(samples(rod(), sequence, spec, 1e-4), wanted) < 1e-4


def test_mprage_is_dense_isochromats():
    # Echoes of the train before have dephased in the field for 0.3 s: at 1e-3 ten-millimetre voxels are too coarse a lattice
    # (3e-3). Of what is left at 1e-4, 1.3e-4 is the isochromats' own distance from twice as many.
    spec = machine(b1=False, coils=False)
    sequence = built(MPRAGE, spec, matrix=[4, 4, 4])
    assert error(samples(slab(), sequence, spec, 1e-4), isochromats(slab(), sequence, spec, (9, 2, 11))) < 3e-4


def test_spin_echo_train_is_dense_isochromats():
    # Fields count at the phantom's points through a slice: the error falls with the square of their spacing.
    spec = machine()
    sequence = built(TSE, spec)
    for phantom, per_cell, tolerance, most in ((rod(32), (6, 6, 24), 1e-3, 1e-3), (rod(64, 0.25e-3), (6, 6, 12), 1e-4, 2e-4)):
        assert error(samples(phantom, sequence, spec, tolerance), isochromats(phantom, sequence, spec, per_cell)) < most


def centre_of_rows(got, sequence):
    """The sample of every row nearest to k_read = 0, first coil."""
    return got[:, 0, sequence.encoding.centre_sample]


def mprage_centre(t1, t2, spec, **changes):
    """Signal of the k = 0 readouts' partition train by view for a single point, magnitude signed by the first coil's phase."""
    sequence = built(MPRAGE, spec, **changes)
    got = samples(box((1, 1, 1), (1e-3,) * 3, tissue(t1=t1, t2=t2)), sequence, spec)
    return np.abs(centre_of_rows(got, sequence)), sequence


def test_mprage_contrast_is_its_recursion():
    spec = machine(b1=False, coils=False)
    settings = {
        "matrix": [8, 4, 128],
        "views_per_train": 176,
        "repetition_time": "2300 ms",
        "inversion_time": "900 ms",
        "dummy_trains": 2,
    }
    tissues = {"white": (0.83, 0.08), "grey": (1.33, 0.1)}
    middle = {}
    for name, (t1, t2) in tissues.items():
        got, sequence = mprage_centre(t1, t2, spec, **settings)
        partition = sequence.encoding.counter("partition")
        middle[name] = got[partition == 64].mean()
    wanted = {n: inversion_train(t1, 2.3, 0.9, 7e-3, np.deg2rad(9), 176)[88] for n, (t1, _) in tissues.items()}
    decay = {n: np.exp(-3.2e-3 / t2) for n, (_, t2) in tissues.items()}
    got = middle["white"] / middle["grey"]
    # 5 %: the recursion knows no transverse coherence and no relaxation during the inversion
    assert got == pytest.approx(abs(wanted["white"] * decay["white"] / (wanted["grey"] * decay["grey"])), rel=0.05)


@pytest.mark.parametrize("b1", [1.0, 0.8])
def test_echoes_of_the_map_follow_epg(b1):
    spec = machine(b1=False, coils=False)
    spec = replace(spec, transmit=replace(spec.transmit, values=b1 * spec.transmit.values))
    sequence = built(
        {"sequence": "inversion_recovery_spin_echo", "name": "map", "orientation": "axial",
         "fov": ["40 mm"] * 2, "matrix": [4, 4]},
        spec, slice_thickness="5 mm", inversion_times=["60 ms", "700 ms"], recovery_time="2500 ms", echo_spacing="12 ms",
        train_length=2, echoes=8, bandwidth="250 Hz/px", acceleration=1, calibration_lines=4,
    )  # fmt: skip
    got = samples(box((40, 1, 1), (1e-3,) * 3, tissue(t1=1.0, t2=0.08)), sequence, spec)
    last = sequence.encoding.counter("set").max()
    k = np.linalg.norm(trajectory(sequence)[:, sequence.encoding.centre_sample], axis=-1)
    rows = np.flatnonzero((sequence.encoding.counter("set") == last) & (k < 1e-3))
    echoes = np.abs(centre_of_rows(got, sequence)[rows])[np.argsort(sequence.encoding.counter("contrast")[rows])]
    wanted = np.asarray(spin_echo_train(1.0, 0.08, 12e-3, np.full(len(echoes), np.pi), b1=b1))
    # 2 %: refocusing pulses are short, not instantaneous
    np.testing.assert_allclose(echoes / echoes[1], np.abs(wanted / wanted[1]), rtol=0.02)


def flips(sequence, use, position_m):
    """Flip of the sequence's first pulse of a use, by distance from the slice's middle, from the Bloch equation alone."""
    block = next(b for b in np.flatnonzero(sequence.rf >= 0) if sequence.rf_pulses[sequence.rf[b]].use == use)
    pulse, shape = sequence.rf_pulses[sequence.rf[block]], sequence.gradients[sequence.gradient[block, 2]]
    gradient = sequence.gradient_scale[block, 2] * np.interp(pulse.delay_s + pulse.centre_s, shape.times_s, shape.values_T_per_m)
    count, steps = len(position_m), len(pulse.b1_T)
    still, ones = np.zeros((steps, 2)), np.ones(count)
    _, (_, m_z) = play(
        position_m=np.column_stack([np.zeros((count, 2)), position_m]), t1_s=1e9 * ones, t2_s=1e9 * ones,
        off_resonance_Hz=0 * ones, b1_scale=ones, weight=ones[None], dt_s=np.full(steps, pulse.raster_s),
        b1_T=np.conj(pulse.b1_T), gradient_T_per_m=np.column_stack([still, np.full(steps, gradient)]),
        sampled=np.zeros(steps, bool),
    )  # fmt: skip
    return np.arccos(np.clip(m_z, -1, 1))


@pytest.mark.parametrize("refocusing", [160, 120])
def test_echoes_of_a_turbo_spin_echo_are_epg_over_its_slice(refocusing):
    spec, (t1, t2), echoes = machine(b1=False, coils=False), (1.0, 0.08), 8
    changes = {"matrix": [4, 8], "train_length": echoes, "dummy_shots": 0, "refocusing_flip_angle": f"{refocusing} deg"}
    sequence = built(TSE, spec, **changes)
    got = samples(box((60, 1, 1), (1e-4, 1e-4, 5e-4), tissue(t1=t1, t2=t2), (0.03, 0.01, 0.02)), sequence, spec)
    place = np.linspace(-0.015, 0.015, 301)
    trains = [
        spin_echo_train(t1, t2, sequence.encoding.echo_spacing_s, np.full(echoes, refocus), excitation_rad=excite)
        for excite, refocus in zip(flips(sequence, "e", place), flips(sequence, "r", place), strict=True)
    ]
    wanted = np.abs(np.sum(trains, axis=0))
    measured = np.abs(centre_of_rows(got, sequence))[:echoes]
    np.testing.assert_allclose(measured / measured.sum(), wanted / wanted.sum(), rtol=0.02)
