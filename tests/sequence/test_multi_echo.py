# TRUTHS of echoes after one excitation: fat turns against water by half a cycle from echo to echo at 1.15 and 2.30 ms, in the
#   image of the virtual scanner | a slab decays by exp(-TE / T2*) | steady states of WM, GM and CSF are Ernst's .0342, .0273,
#   .0126 (TR 7 ms, 15 deg) | two, three and six echoes | images lie where the object is, off centre, too | refusals name fields

from __future__ import annotations

import numpy as np
import pytest

from fullbore.clinical.library import sequence_protocol
from fullbore.data import Grid, Phantom, Sequence, Tissue
from fullbore.errors import LimitError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.recon import reconstruct
from fullbore.sequence import build, parse_protocol
from fullbore.signal.closed_forms import spoiled_gradient_echo
from fullbore.signal.epg import spoiled_gradient_train
from fullbore.simulate import acquire
from tests.simulate.small import field, machine, tissue

SPEC = machine(b1=False, coils=False)
SMALL = {"fov": ["96 mm", "96 mm", "96 mm"], "matrix": [24, 16, 8]}
SPACING_M = 5e-3


def sequence(name: str, **changes: object) -> Sequence:
    table = sequence_protocol(name)
    table["quick"] = {**table.get("quick", {}), **changes}
    return build(parse_protocol(table, quick=True), SPEC.limits)


def blocks(*kinds: Tissue, centre: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Phantom:
    """Tissues side by side along x, each 3 cm, 5 cm along y and 3 cm along z, with 1 cm between them."""
    width = 8 * len(kinds)
    fractions = np.zeros((len(kinds), 12, 14, width), np.float32)
    for number in range(len(kinds)):
        fractions[number, 3:9, 2:12, 8 * number + 1 : 8 * number + 7] = 1
    grid = Grid.centred((12, 14, width), (SPACING_M,) * 3, centre)
    return Phantom(name="blocks", tissues=kinds, fractions=fractions, grid=grid, field_ppm=field(centre=centre))


def images(phantom: Phantom, played: Sequence) -> tuple[np.ndarray, list[np.ndarray]]:
    """Frames (frame, z, y, x) and where each tissue is, well inside of it."""
    image = reconstruct(acquire(phantom, played, SPEC))
    values = image.values if image.axes else image.values[None]
    index = np.linalg.inv(phantom.grid.affine_m)
    points = image.grid.points_m()
    cell = points @ index[:3, :3].T + index[:3, 3]
    inside = [(np.abs(cell - (8 * n + 3.5, 6.5, 5.5)) < (1.6, 3.0, 1.5)).all(axis=-1) for n in range(len(phantom.tissues))]
    return values, inside


@pytest.mark.parametrize("echoes", [2, 3, 6])
def test_fat_turns_half_a_cycle_between_dixon_echoes(echoes: int) -> None:
    played = sequence("dixon_3d", echoes=echoes, dummy_views=20, repetition_time="10 ms", **SMALL)
    times = np.array(played.encoding.echo_times_s)
    assert np.allclose(times, 1.15e-3 * np.arange(1, echoes + 1), atol=1e-7)
    values, (water, fat) = images(blocks(tissue("water", 0.8, 0.5), tissue("fat", 0.38, 0.5, shift=-3.4)), played)
    turn = np.array([np.mean(frame[fat]) / np.mean(frame[water]) for frame in values])
    turn /= np.abs(turn)
    expected = np.exp(2j * np.pi * 3.4e-6 * GYROMAGNETIC_RATIO_HZ_PER_T * SPEC.limits.b0_T * times)
    # rings of fat's and water's edges and 4 mm voxels: 0.01 rad
    assert np.abs(turn - expected).max() < 0.02
    assert np.abs(expected - np.where(np.arange(echoes) % 2, 1, -1)).max() < 0.03


@pytest.mark.parametrize("bipolar", [False, True])
def test_a_slab_decays_with_t2_star(bipolar: bool) -> None:
    centre = (0.012, -0.008, 0.016)
    changes = {"bipolar": bipolar, "dummy_views": 20, "centre": [f"{1e3 * x} mm" for x in centre], **SMALL}
    kinds = (tissue("slow", 0.9, 0.045), tissue("fast", 0.9, 0.02))
    values, inside = images(blocks(*kinds, centre=centre), sequence("t2_star_gre_3d", **changes))
    times = np.array(sequence("t2_star_gre_3d", **changes).encoding.echo_times_s)
    assert len(times) == 8
    for kind, region in zip(kinds, inside, strict=True):
        signal = np.abs([frame[region].mean() for frame in values])
        rate = -np.polyfit(times, np.log(signal), 1)[0]
        # what 4 mm voxels take from the neighbour, whose decay is another
        assert rate == pytest.approx(1 / kind.t2_s, rel=0.01)
        assert np.abs(np.log(signal / signal[0]) + (times - times[0]) * rate).max() < 0.01
    outside = np.abs(values[0])[~np.any(inside, axis=0)].min()
    assert outside < 0.02 * np.abs(values[0][inside[0]]).mean()


def test_steady_states_are_ernsts() -> None:
    kinds = {"wm": (0.832, 0.0796, 0.05, 0.70), "gm": (1.331, 0.110, 0.06, 0.82), "csf": (4.0, 0.1, 0.0999, 1.0)}
    # No T2 of 2 s for CSF: 117 degrees then spoil little, and its exact steady state is .0305, 2.4 times Ernst's.
    flip, spacing, echo = np.deg2rad(15.0), 7e-3, 2.5e-3
    expected = [density * spoiled_gradient_echo(t1, spacing, flip, star, echo) for t1, _, star, density in kinds.values()]
    assert np.allclose(expected[:2], (0.0342, 0.0273), atol=6e-5)
    assert spoiled_gradient_echo(4.0, spacing, flip, 1.0, echo) == pytest.approx(0.0126, abs=6e-5)
    tissues = tuple(
        Tissue(name=name, t1_s=t1, t2_s=t2, t2_prime_s=1 / (1 / star - 1 / t2), proton_density=density)
        for name, (t1, t2, star, density) in kinds.items()
    )
    played = sequence(
        "multi_echo_gre_3d", echoes=1, repetition_time="7 ms", echo_time="2.5 ms", flip_angle="15 deg", dummy_views=2500,
        fov=["144 mm", "96 mm", "96 mm"], matrix=[36, 16, 8], orientation="axial", bandwidth="600 Hz/px",
    )  # fmt: skip
    values, inside = images(blocks(*tissues), played)
    signal = np.array([np.abs(values[0][region].mean()) for region in inside])
    played_out = np.array([
        density * np.abs(spoiled_gradient_train(t1, t2, spacing, flip, 900)[-1]) * np.exp(-echo / star)
        for t1, t2, star, density in kinds.values()
    ])  # fmt: skip
    assert np.allclose(signal / signal[1], played_out / played_out[1], rtol=5e-3)
    # RF spoiling by 117 degrees is not ideal spoiling: 1 to 5 % (Zur 1991), most where T2 is long
    assert np.allclose(signal / signal[1], np.array(expected) / expected[1], rtol=0.05)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"echo_time": "0.5 ms"}, "echo_time"),
        ({"echo_spacing": "0.4 ms"}, "echo_spacing"),
        ({"repetition_time": "3 ms"}, "repetition_time"),
        ({"bandwidth": "90000 Hz/px"}, "bandwidth"),
        ({"excitation": "sinc", "excitation_duration": "0.1 ms", "fov": ["96 mm", "96 mm", "4 mm"]}, "excitation_duration|slab"),
        ({"flip_angle": "80 deg"}, "flip_angle|excitation_duration"),
    ],
)
def test_what_cannot_be_is_refused_by_name(changes: dict[str, object], named: str) -> None:
    with pytest.raises(LimitError, match=named):
        sequence("dixon_3d", **changes)
