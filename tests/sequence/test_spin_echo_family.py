# TRUTHS of the turbo spin echoes: echoes of the designed train = the prescription, to 1e-9, no flip over the largest | constant
#   60 degrees tends to sin(30 deg) = .500 | a tissue other than the design's follows the EPG on the virtual scanner | nulls: CSF
#   (T1 4.3 s) 2481 ms at TR 9 s, 1811 at 5 s, 2372 with T1 4 s | FLAIR 2D and 3D: CSF under 3 % of GM | DIR: CSF and WM both
#   under 3 % of GM | flip-down: CSF is attenuated against the wall as EPG says, trains do not meet; moment of flow = integral of
#   the played gradient | HASTE and 3D: the image is the object, in place | what cannot be is refused, the legal value built

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from fullbore.clinical.library import sequence_protocol
from fullbore.data import Grid, Phantom, Sequence
from fullbore.errors import LimitError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.recon import reconstruct
from fullbore.sequence import build, parse_protocol
from fullbore.signal.epg import equilibrium, relax_states, rotate_states, shift_states, spin_echo_train
from fullbore.signal.nulling import double_null_times_s, null_time_s
from fullbore.signal.refocusing_design import after_train, highest_level, prescribed_signal, refocusing_for
from fullbore.simulate import acquire
from tests.sequence.reference import pulse_times, waveform
from tests.simulate.small import box, field, machine, samples, tissue

TISSUES = {"csf": (4.3, 2.0), "gm": (1.331, 0.11), "wm": (0.832, 0.08), "wall": (1.115, 0.044)}
SMALL = {"matrix": [16, 8, 8], "calibration": [0, 0]}


@cache
def _spec():
    return machine(b1=False, coils=False)


def made(name: str, **changes: object) -> Sequence:
    table = sequence_protocol(name)
    table["quick"] = {**table.get("quick", {}), **changes}
    return build(parse_protocol(table, quick=True), _spec().limits)


def centre(sequence: Sequence, *kinds: str) -> complex:
    """The k = 0 sample of a box of some tissues in equal parts, as if each filled it."""
    parts = tuple(tissue(kind, *TISSUES[kind]) for kind in kinds)
    fractions = np.full((len(parts), 4, 4, 4), 1 / len(parts), np.float32)
    phantom = replace(box((4, 4, 4), (8e-3,) * 3), tissues=parts, fractions=fractions)
    encoding, geometry = sequence.encoding, sequence.encoding.geometry
    row = encoding.counter("line") == geometry.matrix[1] // 2
    row &= encoding.counter("partition") == geometry.matrix[2] // 2
    row &= encoding.counter("slice") == len(geometry.slice_offsets_m) // 2
    volume_m3 = (4 * 8e-3) ** 3
    measured = samples(phantom, sequence, _spec())[row][-1, 0, encoding.centre_sample]
    return complex(len(parts) * measured / volume_m3)


def beside(sequence: Sequence, kind: str, reference: str) -> float:
    """Signal of a tissue over that of another, signed; both are in the object, for a null has no signal of its own."""
    of_reference = centre(sequence, reference)
    return float(np.real(centre(sequence, reference, kind) / of_reference - 1))


@pytest.mark.parametrize("echoes", [40, 220])
def test_designed_train_follows_its_prescription(echoes: int) -> None:
    spacing, most = 4e-3, np.deg2rad(120)
    level = highest_level(echoes, 0.5, spacing, 0.2, 1.2, 0.1, most)
    wanted = prescribed_signal(echoes, level, 0.5, spacing, 0.2)
    flips = refocusing_for(wanted, 1.2, 0.1, spacing)
    assert flips.max() <= most
    assert np.abs(spin_echo_train(1.2, 0.1, spacing, flips) - wanted).max() < 1e-9
    assert np.abs(after_train(1.0, 1.2, 0.1, spacing, flips)[0] - wanted).max() < 1e-9
    above = refocusing_for(prescribed_signal(echoes, 1.01 * level, 0.5, spacing, 0.2), 1.2, 0.1, spacing)
    assert not (np.isfinite(above).all() and above.max() <= most)


def test_constant_flips_tend_to_the_sine_of_half() -> None:
    train = spin_echo_train(np.inf, np.inf, 4e-3, np.full(400, np.deg2rad(60)))
    assert train[-1] == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize("echo", [2, 12])
def test_played_train_is_the_designed_one(echo: int) -> None:
    changes = {"matrix": [16, 6, 6], "calibration": [0, 0], "acceleration": 1.0, "dummy_trains": 0, "echo_order": "radial"}
    sequence = made("variable_flip_spin_echo_3d", **changes, echo_time=f"{5 * echo} ms")
    pulses = [sequence.rf_pulses[i] for i in sequence.rf[sequence.rf >= 0]]
    flips = np.array([pulse.flip_rad for pulse in pulses if pulse.use == "r"])
    assert len(flips) == 40  # one train measures all
    wanted, _ = after_train(1.0, *TISSUES["csf"], 5e-3, flips)
    # 5e-3: the pulses last 0.6 and 0.8 ms of a spacing of 5 ms, the EPG's none
    assert abs(centre(sequence, "csf")) == pytest.approx(wanted[echo - 1], rel=5e-3)


def test_null_times() -> None:
    assert null_time_s(4.3, 9.0) == pytest.approx(2.481, abs=1e-3)
    assert null_time_s(4.3, 5.0) == pytest.approx(1.811, abs=1e-3)
    assert null_time_s(4.0, 9.0) == pytest.approx(2.372, abs=1e-3)
    first, second = double_null_times_s((4.0, 0.832), (11.0, 11.0))
    for t1 in (4.0, 0.832):
        left = 1 - 2 * np.exp(-second / t1) + 2 * np.exp(-first / t1) - np.exp(-11.0 / t1)
        assert abs(left) < 1e-6
    assert first > second > 0


def test_flair_3d_nulls_fluid() -> None:
    null = made("flair_3d", **SMALL).encoding.parameters["null_inversion_time_s"]
    sequence = made("flair_3d", **SMALL, inversion_time=f"{1e3 * round(null, 5):.2f} ms")
    assert abs(beside(sequence, "csf", "gm")) < 0.03
    assert sequence.encoding.inversion_times_s[0] == pytest.approx(null, abs=2e-5)


def test_flair_2d_nulls_fluid() -> None:
    null = null_time_s(4.3, 9.0 - 0.165)  # Mz is near 0 during the 16 refocusing pulses
    changes = {"matrix": [16, 16], "inversion_time": f"{1e3 * round(null, 4):.1f} ms"}
    assert abs(beside(made("flair_2d", **changes, slices=1, concatenations=1), "csf", "gm")) < 0.03
    sequence = made("flair_2d", **changes)
    times, uses = pulse_times(sequence)
    excited, inverted = times[uses == "e"], times[uses == "i"]
    gap = (excited[:, None] - inverted[None])[len(excited) // 2 :]
    assert np.abs(gap - sequence.encoding.inversion_times_s[0]).min(axis=1).max() < 2e-4


def test_double_inversion_nulls_fluid_and_white_matter() -> None:
    sequence = made("double_inversion_3d", **SMALL)
    for kind in ("csf", "wm"):
        assert abs(beside(sequence, kind, "gm")) < 0.03, kind


def train_signal(sequence: Sequence, kind: str, end: str, trains: int) -> float:
    """The centre echo of the last of some trains from equilibrium, by extended phase graphs."""
    pulses = [sequence.rf_pulses[i] for i in sequence.rf[sequence.rf >= 0]]
    encoding, t = sequence.encoding, TISSUES[kind]
    spacing, length = encoding.echo_spacing_s, encoding.echo_train_length
    flips = np.array([pulse.flip_rad for pulse in pulses if pulse.use == "r"])[:length]
    rest = encoding.repetition_time_s - (length + (0.5 if end == "none" else 1.0)) * spacing
    flips = flips if end == "none" else np.append(flips, flips[-1])
    states, echoes = equilibrium(8 * length), np.zeros(0)
    for _ in range(trains):
        states, echoes = rotate_states(states, np.pi / 2), []
        for flip in flips:
            states = rotate_states(shift_states(relax_states(states, *t, spacing / 2)), flip, np.pi / 2)
            states = shift_states(relax_states(states, *t, spacing / 2))
            echoes.append(states[0, 0].imag)
        states = relax_states(states, *t, spacing / 2) if end == "none" else rotate_states(states, np.pi / 2)
        states[:2] = 0  # spoiled; what is stored longitudinally with a winding stays, and echoes in the next train
        states = relax_states(states, *t, rest)
    return float(echoes[round(encoding.parameters["centre_echo"])])


def test_flip_down_attenuates_fluid() -> None:
    contrast = {}
    for end in ("none", "flip_down"):
        sequence = made("vessel_wall_3d", matrix=[16, 6, 6], calibration=[0, 0], dummy_trains=3, train_end=end)
        found = beside(sequence, "csf", "wall")
        predicted = train_signal(sequence, "csf", end, 4) / train_signal(sequence, "wall", end, 4)
        # 0.02 of the wall: the pulses last 0.6 and 0.8 ms of a spacing of 6 ms, the EPG's none
        assert found == pytest.approx(predicted, abs=0.02)
        contrast[end] = 1 - found
    assert contrast["flip_down"] > contrast["none"] + 0.05


def test_flow_moment_is_that_of_the_played_gradient() -> None:
    sequence = made("vessel_wall_3d", **SMALL)
    times, uses = pulse_times(sequence)
    start = times[uses == "r"][4]
    axis = int(np.argmax(np.abs(sequence.encoding.geometry.read)))
    at, values = waveform(sequence, axis)
    fine = start + np.linspace(0, sequence.encoding.echo_spacing_s / 2, 20001)
    played = np.trapezoid(np.interp(fine, at, values) * (fine - start), fine) * np.sign(sequence.encoding.geometry.read[axis])
    stated = sequence.encoding.parameters["flow_moment_read_T_s2_per_m"]
    assert stated == pytest.approx(played, rel=1e-3)
    # blood at 0.2 m/s turns by more than half a cycle per half spacing against still spins
    assert GYROMAGNETIC_RATIO_HZ_PER_T * stated * 0.2 > 0.1


def lopsided() -> Phantom:
    """Three blocks of one tissue, no symmetry about any plane."""
    fractions = np.zeros((1, 12, 12, 12), np.float32)
    fractions[0, 2:10, 2:10, 2:10] = 0.5
    fractions[0, 6:10, 2:6, 2:5] = 1.0
    fractions[0, 2:10, 7:9, 6:9] = 0.1
    grid = Grid.centred((12, 12, 12), (8e-3,) * 3, (0.0, 0.0, 0.0))
    kinds = (tissue("water", 0.5, 0.5),)
    return Phantom(name="lopsided", tissues=kinds, fractions=fractions, grid=grid, field_ppm=field(centre=(0.0, 0.0, 0.0)))


def likeness(name: str, **changes: object) -> float:
    """Correlation of the reconstructed magnitude with the object drawn on its voxels."""
    sequence, phantom = made(name, **changes), lopsided()
    image = reconstruct(acquire(phantom, sequence, _spec()))
    points = image.grid.points_m()
    index = np.linalg.inv(phantom.grid.affine_m) @ np.concatenate([points, np.ones((*points.shape[:-1], 1))], -1)[..., None]
    drawn = map_coordinates(phantom.fractions[0], np.moveaxis(index[..., [2, 1, 0], 0], -1, 0), order=1)
    values = np.abs(np.asarray(image.values)).reshape(drawn.shape)
    return float(np.corrcoef(values.ravel(), drawn.ravel())[0, 1])


def test_haste_image_is_the_object() -> None:
    assert likeness("haste_2d") > 0.95


def test_3d_image_is_the_object() -> None:
    assert likeness("variable_flip_spin_echo_3d", acceleration=1.0, matrix=[24, 24, 12]) > 0.95


@pytest.mark.parametrize(
    ("name", "field_name", "changes"),
    [
        ("variable_flip_spin_echo_3d", "echo_spacing", {"echo_spacing": "2 ms"}),
        ("variable_flip_spin_echo_3d", "echo_time", {"echo_time": "66 ms"}),
        ("variable_flip_spin_echo_3d", "signal_level", {"signal_level": "90 %"}),
        ("variable_flip_spin_echo_3d", "repetition_time", {"repetition_time": "50 ms"}),
        ("variable_flip_spin_echo_3d", "bandwidth", {"bandwidth": "100000 Hz/px"}),
        ("variable_flip_spin_echo_3d", "slab_thickness", {"slab_thickness": "0.1 mm", "excitation_duration": "2.56 ms"}),
        ("flair_3d", "inversion_time", {"inversion_time": "5 ms"}),
        ("flair_2d", "inversion_time", {"inversion_time": "530 ms", "slices": 10, "concatenations": 1, "repetition_time": "2 s"}),
        ("flair_2d", "repetition_time", {"repetition_time": "100 ms"}),
        ("double_inversion_3d", "repetition_time", {"repetition_time": "450 ms"}),
        ("haste_2d", "echo_time", {"echo_time": "7 ms"}),
        ("haste_2d", "repetition_time", {"repetition_time": "30 ms"}),
    ],
)
def test_what_cannot_be_is_refused(name: str, field_name: str, changes: dict) -> None:
    with pytest.raises(LimitError) as caught:
        made(name, **changes)
    assert field_name in str(caught.value)
    assert "no legal value" not in str(caught.value)
