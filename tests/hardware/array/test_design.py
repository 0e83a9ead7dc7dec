# TRUTHS of placement: on a cylinder every neighbour's flux is nulled; on shells nearly; on a helmet by tenths of what equal loops
#   share | loops lie on their formers, outside the body | gaps part loops
# TRUTHS of a design: noise Hermitian, positive | Q loaded < unloaded | a loop detuned by its neighbours hears worse, not better
# TRUTHS of g: 1 without acceleration, >= 1 with, more with more; blind to channels' mixing | SNR of all >= of any one
# TRUTHS of the share: <= 1, falls with depth towards the rim, grows with channels there
# TRUTHS of the coil set: unit at the isocentre, SNR invariant under the preamplifiers' load, the reference's power as written,
#   more channels no worse at the rim, less signal at lower field
# TRUTHS of bad briefs: unknown keys, units, formers, channels; a body in the former; limits name a brief that is possible
from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Grid
from fullbore.errors import LimitError, UsageError
from fullbore.hardware import receive_array
from fullbore.hardware.array import (
    Sphere,
    array_coils,
    array_presets,
    design_array,
    load_array_brief,
    parse_array_brief,
    plane_maps,
    ultimate_share,
)
from fullbore.hardware.array.brief import ArrayLimits
from fullbore.hardware.array.coil_set import REFERENCE_POWER, isocentre_power
from fullbore.hardware.array.inductance import coupling_matrix, inductance_matrix
from fullbore.hardware.array.maps import g_map
from fullbore.hardware.array.overlap import neighbours
from fullbore.hardware.array.placement import place_loops

FREE = ArrayLimits(decoupling_dB=0.0, quality_ratio=0.0, coupling=1.0, noise_figure_dB=20.0)


def brief(former, channels, **changes):
    """Cheap: what these truths say holds in any medium; `test_loaded` has the body's."""
    return replace(load_array_brief(former, channels), **{"limits": FREE, "medium": "uniform", **changes})


@pytest.fixture(scope="module")
def knee():
    return design_array(brief("knee", 8))


@pytest.fixture(scope="module")
def head():
    return design_array(brief("head", 12, medium="body"))


def test_presets_are_the_formers():
    assert array_presets() == ("head", "knee", "torso")


@pytest.mark.parametrize(("former", "channels", "most"), [("knee", 16, 1e-6), ("torso", 8, 1e-3), ("head", 12, 0.07)])
def test_neighbours_share_little_flux(former, channels, most):
    # Cylinder: two sizes, two kinds of pair, so exactly; shells: the curvature varies; helmet: unequal triangles.
    asked = brief(former, channels)
    loops = place_loops(asked)
    coupling = np.abs(coupling_matrix(inductance_matrix(loops, asked.electronics.wire_radius_m)))
    pairs = neighbours(loops)
    assert len(loops) == channels and len(pairs) >= channels // 2
    assert max(coupling[i, j] for i, j in pairs) < most
    axes, centre = np.array(asked.former.half_axes_m), np.array(asked.former.centre_m)
    for loop in loops:
        shares = ((loop.points_m - centre) / axes) ** 2
        on = shares.sum(axis=1) if former == "head" else shares[:, :2].sum(axis=1)
        assert np.abs(on - 1).max() < 1e-6
        assert not asked.body.body().holds(loop.points_m).any()
        assert loop.normal @ (loop.centre_m - centre) > 0


@pytest.mark.parametrize("former", ["knee", "torso", "head"])
def test_gaps_part_the_loops(former):
    asked = brief(former, 8, placement="gap", gap_m=0.012)
    loops = place_loops(asked)
    nearest = min(
        np.linalg.norm(one.points_m[::8, None] - other.points_m[None, ::8], axis=-1).min()
        for n, one in enumerate(loops)
        for other in loops[:n]
    )
    # Measured straight across a curved former, and the helmet draws loops together by their sag.
    assert 0.004 < nearest < 0.03


def test_design_is_consistent(knee):
    for matrix in (knee.sample_ohm, knee.noise_ohm):
        assert np.allclose(matrix, matrix.conj().T) and np.linalg.eigvalsh(matrix).min() > 0
    figures = knee.figures
    assert figures["quality_loaded"] < figures["quality_unloaded"]
    assert figures["noise_figure_dB"] >= figures["preamplifier_noise_figure_dB"]
    assert figures["decoupling_dB"] == pytest.approx(20 * np.log10((1 + 25) / 2))
    ring = np.abs(knee.noise_ohm[0])
    # Neighbours on both sides are alike on a round former; the square lattice of 9 mm cells tells them apart by 3 %.
    assert ring[1] == pytest.approx(ring[7], rel=0.05)


def test_snr_and_g(knee):
    maps = plane_maps(knee)
    plain = g_map(maps.sensitivity_T_per_A, knee.noise_ohm, (1, 1), maps.inside)[maps.inside]
    assert np.allclose(plain, 1, atol=1e-6)
    twice, thrice, four = (maps.g[name][maps.inside] for name in ("R = 2", "R = 3", "R = 2 x 2"))
    assert min(twice.min(), thrice.min(), four.min()) >= 1 - 1e-6
    assert plain.mean() < twice.mean() < min(thrice.mean(), four.mean())
    mixing = np.random.default_rng(0).normal(size=(8, 8)) + 1j * np.eye(8)
    mixed = np.einsum("ij,jyx->iyx", mixing, maps.sensitivity_T_per_A)
    again = g_map(mixed, mixing @ knee.noise_ohm @ mixing.conj().T, (3, 1), maps.inside)[maps.inside]
    assert np.allclose(again, thrice, rtol=1e-5)
    own = np.abs(maps.sensitivity_T_per_A) ** 2 / np.diag(knee.noise_ohm).real[:, None, None]
    flat = maps.sensitivity_T_per_A.reshape(8, -1)
    both = np.einsum("ip,ip->p", flat.conj(), np.linalg.solve(knee.noise_ohm, flat)).real.reshape(own.shape[1:])
    assert (both >= own.max(axis=0) * (1 - 1e-9)).all()


def test_share_of_the_ultimate_grows_with_channels():
    shares = []
    for channels in (8, 16):
        asked = brief("head", channels)
        body = asked.body
        sphere = Sphere(
            radius_m=body.sphere_radius_m,
            conductivity_S_per_m=body.conductivity_S_per_m,
            permittivity=body.permittivity,
            b0_T=3.0,
        )
        found = ultimate_share(design_array(asked), sphere, asked.electronics.noise_figure_dB)
        for values in (found.sample, found.whole):
            assert values.min() > 0 and values.max() <= 1 + 1e-9
        assert (found.whole < found.sample).all() and found.sample[-1] < 0.5 * found.sample[0]
        assert np.nanmax(found.plane) <= 1 + 1e-9
        shares.append(found.sample)
    assert (shares[1][8:] > shares[0][8:]).all()  # beyond half the radius


@pytest.mark.slow
def test_reference_powers_are_what_is_written(head):
    # to the optimiser's stop, with another BLAS
    assert isocentre_power(head) == pytest.approx(REFERENCE_POWER["body"], rel=2e-3)
    assert isocentre_power(design_array(brief("head", 12))) == pytest.approx(REFERENCE_POWER["uniform"], rel=2e-3)


def power(coils):
    middle = coils.sensitivity.values[(slice(None), *(n // 2 for n in coils.sensitivity.grid.shape))].astype(complex)
    return (middle.conj() @ np.linalg.solve(coils.noise_covariance, middle)).real


def test_coil_set_of_any_former_and_grid(knee):
    grid = Grid.centred((3, 5, 7), (0.02, 0.02, 0.03))
    coils = array_coils(knee, grid)
    assert coils.coils == 8 and coils.sensitivity.grid is grid
    middle = coils.sensitivity.values[:, 1, 2, 3]
    assert np.linalg.norm(middle) == pytest.approx(1, rel=1e-6)
    other = array_coils(replace(knee, transfer=np.eye(8)), grid)
    assert power(coils) == pytest.approx(power(other), rel=1e-5)  # single precision maps
    assert power(array_coils(replace(knee, noise_ohm=2 * knee.noise_ohm), grid)) == pytest.approx(power(coils) / 2, rel=1e-5)


def test_lower_field_has_less_signal():
    grid = Grid.centred((1, 1, 1), (0.01, 0.01, 0.01))
    low, high = (array_coils(design_array(replace(brief("knee", 8), b0_T=b0)), grid) for b0 in (1.5, 3.0))
    # SNR goes with B0 to between one (sample noise) and seven quarters (copper), voxel by voxel; waves bend it a little.
    assert 2 ** (2 * 0.9) < power(high) / power(low) < 2 ** (2 * 1.75)


def test_arrays_of_presets_are_in_the_uniform_medium(knee):
    coils, same = receive_array(8, 3.0, "knee"), array_coils(knee, Grid.centred((41, 41, 41), (0.008,) * 3))
    assert np.allclose(coils.sensitivity.values, same.sensitivity.values, rtol=1e-6)
    assert np.allclose(coils.noise_covariance, same.noise_covariance, rtol=1e-9)


def test_scanner_takes_other_formers():
    coils = receive_array(8, 3.0, "knee")
    assert coils.name == "knee-8" and coils.sensitivity.values.shape == (8, 41, 41, 41)
    with pytest.raises(UsageError, match="wanted one of head, knee, torso"):
        receive_array(8, 3.0, "foot")


def table(**changes):
    body = {
        "form": "cylinder",
        "half_axes": ["68 mm", "68 mm", "160 mm"],
        "conductivity": "0.72 S/m",
        "permittivity": 63.5,
        "sphere_radius": "68 mm",
    }
    former = {"form": "cylinder", "half_axes": ["85 mm", "85 mm", "150 mm"]}
    base = {"name": "mine", "source": "a test", "b0": "3 T", "channels": 8, "former": former, "body": body}
    return {**base, **changes}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"colour": "red"}, "unknown key colour"),
        ({"b0": "3 kg"}, "unknown unit"),
        ({"b0": 3.0}, "wanted a number and a unit"),
        ({"channels": 0}, "greater than or equal"),
        ({"former": {"form": "cylinder", "half_axes": ["60 mm", "85 mm", "150 mm"]}}, "along x, wanted more than"),
        ({"former": {"form": "cone", "half_axes": ["85 mm", "85 mm", "150 mm"]}}, "former.form"),
    ],
)
def test_wrong_briefs_are_refused(changes, words):
    with pytest.raises(UsageError, match=words):
        parse_array_brief(table(**changes), "mine")
    incomplete = table()
    del incomplete["body"]
    with pytest.raises(UsageError, match="body is missing"):
        parse_array_brief(incomplete, "mine")


@pytest.mark.parametrize(
    ("former", "channels", "words"), [("knee", 12, "multiple of 8"), ("torso", 6, "multiple of 4"), ("head", 2, "at least 4")]
)
def test_lattices_hold_some_numbers_only(former, channels, words):
    with pytest.raises(UsageError, match=words):
        place_loops(brief(former, channels))
    with pytest.raises(UsageError, match="1 to 128"):
        load_array_brief(former, 1000)


def test_refusals_name_a_possible_brief():
    asked = replace(load_array_brief("knee", 8), medium="uniform")
    with pytest.raises(LimitError, match=r"Take an input of 0\.803 ohm"):
        design_array(replace(asked, limits=replace(asked.limits, decoupling_dB=30.0)))
    parts = replace(asked.electronics, preamplifier_ohm=0.803)
    assert (
        design_array(replace(asked, limits=replace(asked.limits, decoupling_dB=30.0), electronics=parts)).figures["decoupling_dB"]
        >= 30
    )
    with pytest.raises(LimitError, match="wire and capacitors bind") as told:
        design_array(replace(asked, limits=replace(asked.limits, quality_ratio=100.0)))
    possible = float(str(told.value).split("Ask a quality ratio of ")[1].split(",")[0])
    design_array(replace(asked, limits=replace(asked.limits, quality_ratio=possible)))
    short = replace(asked, channels=32, former=replace(asked.former, half_axes_m=(0.085, 0.085, 0.1)))
    with pytest.raises(LimitError, match="rows of loops") as told:
        place_loops(short)
    needed = float(str(told.value).split("half an axis of ")[1].split(" mm")[0]) / 1e3
    assert len(place_loops(replace(short, former=replace(short.former, half_axes_m=(0.085, 0.085, needed))))) == 32
    with pytest.raises(LimitError, match="leave no room"):
        place_loops(replace(asked, placement="gap", gap_m=0.08))
