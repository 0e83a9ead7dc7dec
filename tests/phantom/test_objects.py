# TRUTHS of test objects: Shepp-Logan's samples = its closed k-space, error of second order, scanned too | ACR: ramps, wedges,
# contrasts, holes | NIST: values and places | fat fraction of protons, R2* | water's diffusivity | flux of the pipe | lattice
# | heat of the gel | every object: nothing hidden, quick, repeatable, matter below one
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import FitStatus, Grid
from fullbore.errors import UsageError, ValueRangeError
from fullbore.phantom.body_truth import empty_organs, organ_volumes, property_maps
from fullbore.phantom.objects import acr, gels, shepp_logan, system_phantom, vial_rings
from fullbore.phantom.registry import BODIES, make_body
from fullbore.phantom.sampling import mixture, sampled, shares
from fullbore.phantom.spins import spins
from fullbore.simulate import trajectory
from tests.simulate.small import GRE, built, machine, samples


def grid_of(spacing, size=0.2):
    n = round(size / spacing)
    return Grid.centred((n, n, n), (spacing,) * 3, (spacing / 2 * (1 - n % 2),) * 3)


def spin_signal(body, grid, k_per_m):
    total = 0
    for block in spins(body, grid):
        total = total + np.exp(-2j * np.pi * (k_per_m @ block.position_m.T)) @ block.amount
    return total


def test_shepp_logan_in_k_space_is_its_closed_form_to_second_order():
    k = np.random.default_rng(0).uniform(-30, 30, (60, 3))
    k[0] = 0
    wanted = shepp_logan.shepp_logan_signal(k)
    body = make_body("shepp-logan")
    whole = abs(wanted[0])
    coarse, fine = (np.abs(spin_signal(body, grid_of(spacing), k) - wanted).max() / whole for spacing in (5e-3, 2.5e-3))
    # A surface soft over a spacing w turns k into k sinc(k w): (pi k w)^2 / 6 = 1 % at 52 /m and 2.5 mm, of a few % of the whole.
    assert fine < 1e-3
    assert 3 < coarse / fine < 6  # second order: 4


@pytest.mark.slow
def test_shepp_logan_scanned_is_its_closed_form_to_second_order():
    spec = machine(b1=False, coils=False)
    sequence = built(GRE, spec, fov=["240 mm"] * 3, matrix=[24, 24, 12], orientation="axial", dummy_views=600)
    k = trajectory(sequence)
    decay = np.exp(-np.arange(k.shape[1]) * sequence.encoding.dwell_s / 0.1)  # T2 of the filling; the echo time is a scale
    wanted = shepp_logan.shepp_logan_signal(k.reshape(-1, 3)).reshape(k.shape[:2]) * decay
    errors = []
    for spacing in (4e-3, 2e-3):
        taken = sampled(make_body("shepp-logan"), spacing)
        taken = replace(taken, tissues=tuple(replace(tissue, t2_prime_s=1e4) for tissue in taken.tissues))
        got = samples(taken, sequence, spec)[:, 0, :]
        scale = np.vdot(wanted, got) / np.vdot(wanted, wanted)  # what the pulses make of the magnetisation at rest
        errors.append(np.linalg.norm(got / scale - wanted) / np.linalg.norm(wanted))
    # Soft surfaces and linear interpolation over w: 1 - 3 (pi k w)^2 / 6 = 5 % at 50 /m and 2 mm, mostly where signal is small.
    assert errors[1] < 0.02
    assert 3 < errors[0] / errors[1] < 5  # second order: 4


def test_an_ellipsoid_in_k_space_starts_as_its_volume_and_is_smooth_there():
    axes, turn = np.array([0.05, 0.03, 0.04]), np.eye(3)
    k = np.array([[0, 0, 0], [0, 0, 0.03], [0, 0, 0.0399]])
    found = shepp_logan.ellipsoid_signal(k, 1.0, axes, np.zeros(3), turn).real
    assert found[0] == pytest.approx(4 / 3 * np.pi * axes.prod(), rel=1e-12)
    x = 2 * np.pi * 0.04 * k[1:, 2]
    # (sin x - x cos x) / x^3 = (1 - x^2 / 10 + ...) / 3 on both sides of the switch at x = 0.01.
    assert found[1:] == pytest.approx(found[0] * (1 - x**2 / 10), rel=1e-9)


def test_acr_ramps_are_ten_slices_long():
    body = make_body("acr-large")
    x = np.arange(-0.05, 0.05, 5e-4)
    z = acr.slice_m(1) + (np.arange(100) + 0.5) / 100 * 5e-3 - 2.5e-3
    column = [tissue.name for tissue in body.tissues].index("nickel chloride")
    for side in (-1, 1):
        points = np.stack(np.meshgrid(x, [side * 5.5e-3], z, indexing="ij"), axis=-1).reshape(-1, 3)
        film = mixture(body, points, 0.0)[:, column].reshape(len(x), len(z)).mean(axis=1)
        assert (film > film.max() / 2).sum() * 5e-4 == pytest.approx(0.050, abs=1.1e-3)  # steps of 0.5 mm at either end


@pytest.mark.parametrize("shift_m", [0.0, 1e-3, -2e-3])
def test_acr_wedges_tell_the_slice_position_by_twice_its_error(shift_m):
    body = make_body("acr-large")
    y = np.arange(-0.09, -0.05, 1e-4)
    acrylic = [tissue.name for tissue in body.tissues].index("acrylic")
    ends = []
    for x in (-3.5e-3, 3.5e-3):
        points = np.stack([np.full_like(y, x), y, np.full_like(y, acr.slice_m(11) + shift_m)], axis=1)
        ends.append(y[mixture(body, points)[:, acrylic] > 0.5].max())
    assert abs(ends[0] - ends[1]) == pytest.approx(2 * abs(shift_m), abs=2.1e-4)  # y in steps of 0.1 mm


def test_acr_contrast_is_a_share_of_plastic_between_the_discs():
    body = make_body("acr-large")
    acrylic = [tissue.name for tissue in body.tissues].index("acrylic")
    for number, contrast in zip((8, 9, 10, 11), acr.CONTRASTS, strict=True):
        centres, radii = acr.contrast_discs(number)
        z = np.full((30, 1), acr.slice_m(number))
        assert np.abs(mixture(body, np.hstack([centres, z]))[:, acrylic]).max() == 0
        assert mixture(body, np.array([[0, 0, z[0, 0]]]))[0, acrylic] == pytest.approx(contrast, rel=1e-5)
        assert len(radii) == 30
        assert np.linalg.norm(centres, axis=1).max() + radii.max() < 0.045
    assert radii.max() == pytest.approx(3.5e-3)
    assert radii.min() == pytest.approx(0.75e-3)


def test_acr_holes_do_not_touch_and_lie_in_their_block():
    centres, radii = acr.resolution_holes()
    gap = np.linalg.norm(centres[:, None] - centres[None], axis=-1) - radii[:, None] - radii[None]
    np.fill_diagonal(gap, 1.0)
    assert len(centres) == 93
    assert gap.min() > 0.5 * 0.9e-3
    volume = organ_volumes(make_body("acr-large"), Grid.centred((60, 130, 400), (2.5e-4, 2.5e-4, 2.5e-4), (0.0, 0.045, -0.05)))
    assert volume["resolution holes"] == pytest.approx(
        np.pi * (radii**2).sum() * 0.011, rel=0.03
    )  # (w / r)^2 / 4 = 3 % at 0.45 mm


def test_system_phantom_has_the_published_values_where_its_spheres_are():
    body = make_body("system-phantom")
    assert len(system_phantom.fiducials_m()) == 57
    for kind, table in (("T1", system_phantom.NICKEL_MS), ("T2", system_phantom.MANGANESE_MS)):
        for number, centre in enumerate(system_phantom.array_m(kind)):
            maps = property_maps(body, Grid.centred((1, 1, 1), (1e-3,) * 3, tuple(centre.tolist())))
            assert maps.status[0, 0, 0] == FitStatus.OK
            assert (maps["T1"].value.item(), maps["T2"].value.item()) == pytest.approx(np.array(table[number]) * 1e-3, rel=1e-6)
    volumes = organ_volumes(body, 2e-3)
    for kind in system_phantom.PLATE_M:
        for number in range(1, 15):
            # Spheres of 7.5 mm at 2 mm: (2 / 7.5)^2 / 4 = 1.8 %.
            assert volumes[f"{kind}-{number}"] == pytest.approx(4 / 3 * np.pi * 7.5e-3**3, rel=0.03)


def test_fat_fraction_is_of_protons_and_both_decay_at_r2_star():
    body = make_body("fat-water-vials")
    for layer in body.layers[1:]:
        middle = (np.array(layer.shape.low_m) + layer.shape.high_m) / 2
        protons = mixture(body, middle[None])[0] * [tissue.proton_density for tissue in body.tissues]
        fat = sum(p for p, tissue in zip(protons, body.tissues, strict=True) if tissue.species)
        assert fat / protons.sum() == pytest.approx(body.truths[f"{layer.organ}: fat_fraction"], abs=1e-6)
        for p, tissue in zip(protons, body.tissues, strict=True):
            if p > 0:
                rate = 1 / tissue.t2_s + 1 / tissue.t2_prime_s
                assert rate == pytest.approx(body.truths[f"{layer.organ}: R2_star_per_s"])
    with pytest.raises(ValueRangeError, match="fat_water_vials"):
        make_body("fat-water-vials", {"fat_fractions": (1.2,)})


def test_polymer_slows_water_as_measured():
    # Holz 2000, table: 1.099, 2.023 and 3.053e-9 m^2/s at 0, 20 and 37 C (its last digit and the power law's 1 %).
    for kelvin, wanted in ((273.15, 1.099e-9), (293.15, 2.023e-9), (310.15, 3.05e-9)):
        assert vial_rings.water_diffusivity(kelvin) == pytest.approx(wanted, rel=1e-2)
    values = [vial_rings.polymer_diffusivity(percent, 273.15) for percent in (0, 10, 20, 30, 40, 50)]
    assert np.all(np.diff(values) < 0)
    # Boss 2014: 1.12 to 0.12e-3 mm^2/s from 0 to 50 %, the latter to 11 %; the quadratic law holds from 10 to 40 %.
    assert values[-1] == pytest.approx(0.12e-9, rel=0.5)


def test_flux_of_the_pipe():
    body = make_body("flow-pipe")
    step = 2.5e-4
    x = np.arange(-24, 25) * step
    points = np.stack(np.meshgrid(x, x, [0.01], indexing="ij"), axis=-1).reshape(-1, 3)
    velocity = gels.pipe_velocity(body, points)
    assert velocity[:, 2].sum() * step**2 == pytest.approx(body.truths["flux_m3_per_s"], rel=1e-3)
    assert velocity[:, 2].max() == body.truths["peak_velocity_m_per_s"]


def test_lattice_holds_its_balls():
    body = make_body("geometric-lattice")
    volume = organ_volumes(body, Grid.centred((25, 25, 25), (1e-3,) * 3, (0.05, 0.025, -0.05)))["balls"]
    assert volume == pytest.approx(4 / 3 * np.pi * 5e-3**3, rel=0.015)  # one cell of the lattice; (1 / 5)^2 / 4 = 1 %


def test_heat_of_the_gel():
    body = make_body("thermometry-gel")
    grid = Grid.centred((50, 50, 50), (2e-3,) * 3)
    held = shares(body, grid)
    rise = np.tensordot([tissue.temperature_K - 293.15 for tissue in body.tissues], held, axes=1)
    shift = np.tensordot([tissue.chemical_shift_ppm for tissue in body.tissues], held, axes=1)
    # A Gaussian on a lattice of a third of its width sums to its integral.
    assert rise.sum() * 8e-9 == pytest.approx(body.truths["heated_K_m3"], rel=1e-3)
    assert rise.max() == pytest.approx(body.truths["hottest_rise_K"], rel=1e-6)
    assert shift.min() == pytest.approx(body.truths["hottest_shift_ppm"], rel=1e-6)


def test_the_gel_heats_and_cools_in_time():
    """Against Pennes' equation by finite differences on the axis, its content against the heat put in."""
    points = np.zeros((4, 3))
    points[:, 0] = (0.0, 3e-3, 8e-3, 15e-3)
    assert gels.gel_rise(points, 0.0).max() == 0
    for moment in (12.0, 29.0, 55.0):
        step = 1e-4
        here = gels.gel_rise(points, moment, loss_per_s=5e-3)
        around = sum(
            gels.gel_rise(points + sign * step * axis, moment, loss_per_s=5e-3) for axis in np.eye(3) for sign in (1, -1)
        )
        source = 20 / 30 * np.exp(-0.5 * points[:, 0] ** 2 / 6e-3**2) if moment < 30 else 0
        wanted = 1.4e-7 * (around - 6 * here) / step**2 - 5e-3 * here + source
        later, sooner = (gels.gel_rise(points, moment + by, loss_per_s=5e-3) for by in (0.01, -0.01))
        np.testing.assert_allclose((later - sooner) / 0.02, wanted, rtol=1e-4, atol=1e-6)
    body = gels.thermometry_gel(time_s=45.0)
    grid = Grid.centred((45, 45, 45), (2e-3,) * 3)
    held = shares(body, grid)
    rise = sum(share * (tissue.temperature_K - 293.15) for share, tissue in zip(held, body.tissues, strict=True))
    assert float(rise.sum()) * grid.voxel_volume_m3 == pytest.approx(body.truths["heated_K_m3"], rel=1e-3)
    shift = sum(share * tissue.chemical_shift_ppm for share, tissue in zip(held, body.tissues, strict=True))
    assert float(shift[22, 22, 22]) == pytest.approx(body.truths["hottest_shift_ppm"], rel=1e-4)
    assert gels.thermometry_gel(time_s=300.0).truths["hottest_rise_K"] < 0.5 * body.truths["hottest_rise_K"]
    with pytest.raises(ValueRangeError, match="time_s"):
        gels.thermometry_gel(time_s=-1.0)


def construction_s(name):
    """Wall seconds of a first construction in an interpreter of its own, without the type checks that tests add."""
    code = (
        "import time; from fullbore.phantom import make_body; began = time.perf_counter(); "
        f"make_body({name!r}); print(time.perf_counter() - began)"
    )
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("name", BODIES)
def test_every_body_is_quick_whole_and_repeats(name):
    assert construction_s(name) < 5
    body = make_body(name)
    assert empty_organs(body, 4e-3) == ()
    grid = Grid.centred((12, 25, 25), (8e-3,) * 3)
    held = shares(body, grid)
    assert held.min() >= 0
    assert held.sum(axis=0).max() <= 1 + 1e-5
    assert held.max() > 0.05
    assert shares(make_body(name), grid).tobytes() == held.tobytes()
    assert all(np.isfinite(value) for value in body.truths.values())


def test_unknown_bodies_and_parameters_are_refused():
    with pytest.raises(UsageError, match="wanted one of"):
        make_body("unicorn")
    with pytest.raises(UsageError, match="no parameter 'colour'"):
        make_body("flow-pipe", {"colour": 1})


@pytest.mark.parametrize(
    ("name", "parameter", "value"),
    [("flow-pipe", "radius_m", "abc"), ("flow-pipe", "radius_m", float("nan")), ("knee", "seed", 1.5), ("heart", "infarct", 3)],
)
def test_parameters_of_another_kind_are_refused(name, parameter, value):
    with pytest.raises(UsageError, match=f"{parameter}: got"):
        make_body(name, {parameter: value})
