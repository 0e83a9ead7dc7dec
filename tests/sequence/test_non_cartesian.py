# TRUTHS of turned readouts: a box is reconstructed where and as large as it is, by the default recipe | golden-angle spokes
#   leave at most two sizes of gaps at Fibonacci counts | kooshball directions are even over the sphere | TE of UTE and dead
#   times of PETRA as played | fingerprinting = extended phase graphs | balanced steady state = Freeman and Hill | spoiled
#   steady state = Ernst | impossible protocols end in a legal one

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from fullbore.clinical.library import sequence_protocol
from fullbore.data import ScannerSpec, Sequence
from fullbore.errors import LimitError
from fullbore.phantom.objects.simple import uniform_box
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.recon import reconstruct
from fullbore.sequence import build, parse_protocol
from fullbore.sequence.non_cartesian.directions import along, pole_to_pole, whole_sphere
from fullbore.sequence.non_cartesian.fingerprinting import flip_train_rad
from fullbore.signal.closed_forms import balanced_steady_state, spoiled_gradient_echo
from fullbore.signal.epg import equilibrium, relax_states, rotate_states, shift_states
from fullbore.simulate import acquire
from tests.sequence.reference import pulse_times, sample_times
from tests.simulate.small import machine, point, samples, tissue

BOX = {
    "kooshball_3d": (0.032, 0.024, 0.040),
    "ute_3d": (0.032, 0.024, 0.040),
    "petra_3d": (0.032, 0.024, 0.040),
    "stack_of_stars_3d": (0.040, 0.028, 0.024),
    "radial_cine_2d": (0.040, 0.028, 0.024),
    "spiral_cine_2d": (0.040, 0.028, 0.024),
}
"""Edges along x, y, z (m)."""
CENTRE = (0.008, -0.004, 0.0)


@cache
def scanner() -> ScannerSpec:
    return machine(b1=False, coils=False)


def quick(name: str, **changes: object) -> Sequence:
    table = sequence_protocol(name)
    table["quick"] = {**table["quick"], **changes}
    return build(parse_protocol(table, quick=True), scanner().limits)


def expected(sequence: Sequence, size: np.ndarray) -> np.ndarray:
    """The box, seen through the ball, disc or cylinder of k-space that was measured, (z, y, x)."""
    geometry = sequence.encoding.geometry
    grid = geometry.grid()
    volume = geometry.is_3d
    frequencies = [np.fft.fftfreq(n, step) for n, step in zip(grid.shape, grid.spacing_m[::-1], strict=True)]
    k = np.stack(np.meshgrid(*frequencies, indexing="ij"), axis=-1)[..., ::-1]
    edge = geometry.matrix[0] / geometry.fov_m[0] / 2
    ball = volume and geometry.matrix[0] == geometry.matrix[2]
    inside = np.linalg.norm(k if ball else k[..., :2], axis=-1) <= edge
    spectrum = np.prod(size[:3] * np.sinc(k * size), axis=-1) * inside
    place = np.array(CENTRE) - grid.affine_m[:3, 3]
    return np.abs(np.fft.ifftn(spectrum * np.exp(-2j * np.pi * k @ place)))


SIMULATED: dict[str, dict] = {
    "kooshball_3d": {"spokes": 315},
    "ute_3d": {"spokes": 630},
    "petra_3d": {"spokes": 320, "matrix": [14, 14, 14]},
    "stack_of_stars_3d": {"spokes": 24, "dummy_shots": 4, "matrix": [16, 16, 6], "fov": ["64 mm", "64 mm", "48 mm"]},
    "radial_cine_2d": {"frames": 1},
    "spiral_cine_2d": {},
}
"""What makes them small enough for a test."""
# Spins where states are slow: they need no spoiler that dephases within a cell (balanced) or play any gradient under a pulse.
SPINS = {"radial_cine_2d": 20000, "petra_3d": 20000}
# Tendon, for which it is made; spins this far apart cannot dephase what a longer T2 would leave for the next shot.
T2_S = {"petra_3d": 1e-3}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(BOX))
def test_a_box_is_where_it_is(name: str) -> None:
    sequence = quick(name, **SIMULATED[name])
    box = uniform_box(BOX[name], 4e-3, tissue("stuff", 0.3, T2_S.get(name, 0.05)), CENTRE)
    engine = {"engine": "spins", "spins": SPINS[name]} if name in SPINS else {"engine": "states"}
    raw = acquire(box, sequence, scanner(), tolerance=1e-2, **engine)
    image = np.abs(reconstruct(raw).values)
    image = image.reshape(-1, *image.shape[-3:])[-1]
    wanted = expected(sequence, np.array(BOX[name]))
    scale = (image * wanted).sum() / (wanted**2).sum()
    error = np.linalg.norm(image / scale - wanted) / np.linalg.norm(wanted)
    points = sequence.encoding.geometry.grid().points_m()

    def centroid(values: np.ndarray) -> np.ndarray:
        return ((values**2)[..., None] * points).sum(axis=(0, 1, 2)) / (values**2).sum()

    # A box of few voxels whose edges the object's grid of 4 mm and the rim of k-space blur: a wrong size, sign or place
    # costs 0.4 and more.
    assert error < 0.2
    assert np.abs(centroid(image) - centroid(wanted)).max() < 0.3e-3


def echoes(sequence: Sequence, kind, spacing_m: float = 0.2e-3) -> np.ndarray:
    """Signal of one point at the isocentre at each row's centre sample, in units of its equilibrium magnetisation."""
    # A point within the slice's flat top, so small that no k-space position attenuates it.
    spec = scanner()
    values = samples(point(kind, spacing_m), sequence, spec)
    return values[:, 0, sequence.encoding.centre_sample] / spacing_m**3


def across(sequence: Sequence, spacing_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Places across a point (the hat of its cell): their share of it, and of the nominal flip (small-flip profile)."""
    blocks = np.flatnonzero([i >= 0 and sequence.rf_pulses[i].use == "e" for i in sequence.rf])
    block = blocks[0]
    pulse = sequence.rf_pulses[sequence.rf[block]]
    shape = sequence.gradients[sequence.gradient[block, 2]]
    middle = pulse.delay_s + pulse.duration_s / 2
    amplitude = np.interp(middle, shape.times_s, shape.values_T_per_m) * sequence.gradient_scale[block, 2]
    z = np.linspace(-1, 1, 81) * spacing_m
    time = (np.arange(len(pulse.b1_T)) + 0.5) * pulse.raster_s - pulse.centre_s
    turned = np.exp(2j * np.pi * GYROMAGNETIC_RATIO_HZ_PER_T * amplitude * np.outer(z, time))
    flip = np.abs(turned @ pulse.b1_T) / np.abs(pulse.b1_T.sum())
    hat = 1 - np.abs(z) / spacing_m
    return hat / hat.sum(), flip


def test_fingerprints_are_extended_phase_graphs() -> None:
    sequence = quick("fingerprinting_2d", peak_flip_angles=["70 deg"])
    # the point's hat is as wide as the spoiler's cycle, whose zero leaves nothing of what was dephased
    spacing = 5e-3 / 4
    played = np.abs(echoes(sequence, tissue("brain", 0.9, 0.09), spacing))
    share, scale = across(sequence, spacing)
    flips, ti = sequence.encoding.measures["flip_rad"], sequence.encoding.inversion_times_s[0]
    te, tr = sequence.encoding.echo_times_s[0], sequence.encoding.repetition_time_s
    states = relax_states(rotate_states(equilibrium(60, scale.shape), np.pi), 0.9, 0.09, ti)
    states[:2] = 0
    wanted = []
    for flip in flips:
        states = rotate_states(states, flip * scale)
        wanted.append(abs(share @ states[0, 0]) * np.exp(-te / 0.09))
        states = shift_states(relax_states(states, 0.9, 0.09, tr))
    error = np.linalg.norm(played - np.array(wanted)) / np.linalg.norm(wanted)
    # pulses are instants in the graphs: T2 takes some 3 % of what 10 ms of adiabatic inversion turn
    assert error < 0.03


def test_fingerprinting_flips_are_measures() -> None:
    protocol = parse_protocol(sequence_protocol("fingerprinting_2d"), quick=True)
    sequence = quick("fingerprinting_2d")
    assert np.array_equal(sequence.encoding.measures["flip_rad"], flip_train_rad(protocol))
    played = [sequence.rf_pulses[i] for i in sequence.rf[sequence.rf >= 0]]
    excited = [pulse.flip_rad for pulse in played if pulse.use == "e"]
    assert np.allclose(excited, flip_train_rad(protocol), rtol=1e-12)
    assert max(excited) <= np.deg2rad(70) and min(excited) >= np.deg2rad(5)


def test_balanced_steady_state_is_freeman_and_hill() -> None:
    sequence = quick("radial_cine_2d", dummy_shots=300, frames=1)
    played = np.abs(echoes(sequence, tissue("blood", 0.4, 0.1)))
    tr = sequence.encoding.repetition_time_s
    after = abs(balanced_steady_state(0.4, 0.1, tr, np.deg2rad(45), 1 / (2 * tr)))
    wanted = after * np.exp(-tr / 2 / 0.1)
    # the closed form's pulse is an instant; less decays during 0.8 ms of every 5 (Bieri, Scheffler, MRM 62:1232, 2009)
    assert np.abs(played / wanted - 1).max() < 0.03


def test_spoiled_steady_state_is_ernst() -> None:
    sequence = quick("spiral_cine_2d", dummy_shots=200)
    spacing = 8e-3 / 4
    played = np.abs(echoes(sequence, tissue("muscle", 0.3, 0.03), spacing))
    share, scale = across(sequence, spacing)
    tr, te = sequence.encoding.repetition_time_s, sequence.encoding.echo_times_s[0]
    wanted = share @ spoiled_gradient_echo(0.3, tr, np.deg2rad(15) * scale, 0.03, te)
    # quadratic phases of 117 degrees spoil to some percent of the ideal
    assert np.abs(played / wanted - 1).max() < 0.03


@pytest.mark.parametrize("name", ["stack_of_stars_3d", "radial_cine_2d"])
def test_any_run_of_golden_spokes_is_even(name: str) -> None:
    sequence = quick(name)
    encoding = sequence.encoding
    k = encoding.trajectory_per_m()
    ends = np.round(k[:, -1] - k[:, 0], 9)[:, :2]
    keep = np.sort(np.unique(ends, axis=0, return_index=True)[1])
    angle = np.mod(np.arctan2(ends[keep, 1], ends[keep, 0]), np.pi)
    golden = (1 + np.sqrt(5)) / 2
    for first in (0, 5):
        for count in (8, 13, 21):
            run = np.sort(angle[first : first + count])
            gaps = np.diff(np.append(run, run[0] + np.pi))
            sizes = np.unique(np.round(gaps, 6))
            assert len(sizes) <= 3, "three-gap theorem"
            if name == "stack_of_stars_3d":
                assert sizes.max() / sizes.min() < golden**2 + 1e-6


def test_directions_are_even_over_the_sphere() -> None:
    k = quick("kooshball_3d", order="golden_means").encoding.k_step_per_m
    for directions in (k / np.linalg.norm(k, axis=1, keepdims=True), whole_sphere(600), pole_to_pole(600)):
        assert np.abs(directions.T @ directions / len(directions) - np.eye(3) / 3).max() < 0.01  # 600 points are not a continuum
    assert np.abs(whole_sphere(600).mean(axis=0)).max() < 0.01 and np.abs(pole_to_pole(600).mean(axis=0)).max() < 0.01
    turn = along(whole_sphere(600))
    assert np.abs(np.swapaxes(turn, 1, 2) @ turn - np.eye(3)).max() < 1e-12
    assert np.abs(turn[:, :, 0] - whole_sphere(600)).max() < 1e-12
    assert np.linalg.det(turn).min() > 0.999


def test_ultrashort_echo_time_is_as_asked() -> None:
    sequence = quick("ute_3d")
    centre, _ = pulse_times(sequence)
    first = sample_times(sequence)[:, 0] - sequence.encoding.dwell_s / 2
    excited = centre[np.searchsorted(centre, first) - 1]
    assert np.abs(first - excited - 70e-6).max() < 1e-9
    # the gradient starts with the window: k of the first sample is a small part of a step
    k = np.linalg.norm(sequence.encoding.trajectory_per_m()[:, 0], axis=1)
    assert k.max() < 0.1 / 0.08


def test_zero_echo_gradient_is_on_and_the_centre_is_filled() -> None:
    sequence = quick("petra_3d")
    for block in np.flatnonzero(sequence.rf >= 0)[1:400]:
        height = [
            sequence.gradient_scale[block, axis] * sequence.gradients[index].values_T_per_m[-1]
            for axis, index in enumerate(sequence.gradient[block])
            if index >= 0
        ]
        assert np.linalg.norm(height) == pytest.approx(2 * 1600 * 20 / (2 * 42.57638543e6 * 0.08), rel=0.01)
    k = np.linalg.norm(sequence.encoding.trajectory_per_m(), axis=-1) * 0.08
    single = sequence.encoding.counter("segment") == 1
    assert k[~single, 0].max() < 2.5 and k[single, 0].max() <= k[~single, 0].min() + 1e-9
    assert k[single, 0].min() == 0
    # the gap is filled on the grid of the field of view
    whole = sequence.encoding.trajectory_per_m()[single, 0] * 0.08
    assert np.abs(whole - np.round(whole)).max() < 1e-9


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("stack_of_stars_3d", {"echo_time": "0.5 ms"}),
        ("stack_of_stars_3d", {"matrix": [24, 20, 8]}),
        ("kooshball_3d", {"repetition_time": "1 ms"}),
        ("kooshball_3d", {"bandwidth": "20000 Hz/px"}),
        ("ute_3d", {"echo_time": "0.02 ms"}),
        ("ute_3d", {"flip_angle": "90 deg"}),
        ("fingerprinting_2d", {"inversion_time": "1 ms"}),
        ("fingerprinting_2d", {"slice_thickness": "0.5 mm"}),
        ("radial_cine_2d", {"repetition_time": "1 ms"}),
        ("spiral_cine_2d", {"echo_time": "1.603 ms"}),
        ("spiral_cine_2d", {"repetition_time": "2 ms"}),
        ("petra_3d", {"bandwidth": "8000 Hz/px"}),
        ("petra_3d", {"repetition_time": "0.4 ms"}),
        ("petra_3d", {"fov": ["80 mm", "90 mm", "80 mm"]}),
    ],
)
def test_the_impossible_ends_in_something_legal(name: str, changes: dict) -> None:
    with pytest.raises(LimitError) as refusal:
        quick(name, **changes)
    assert "Set " in str(refusal.value)
