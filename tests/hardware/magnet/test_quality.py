# TRUTHS of a magnet's quality: a given magnet's figures: centre field, peak-to-peak of a known harmonic, stray line of a dipole
# | the stray line is where |B| is what it says, and beyond it nowhere more | field map = field in ppm, far from the axis too
# | it becomes a flaw of a scanner | a grid in the windings is refused | as wound: a shifted magnet is a shifted field, a tilt
# | turns it, how often limits are kept = a Gaussian's odds, no tolerance = no spread, twice the tolerance = twice the spread
# | hoop stress of a thin long coil = B^2 / 2 mu0
from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Flaws, Grid, Magnet, Winding
from fullbore.errors import UsageError, ValueRangeError
from fullbore.hardware.magnet import field_ppm, load_magnet_brief, magnet_figures, solenoid_field
from fullbore.hardware.magnet.brief import Tolerance
from fullbore.hardware.magnet.energy import stored_energy_J
from fullbore.hardware.magnet.homogeneity import peak_to_peak
from fullbore.hardware.magnet.loads import hoop_stresses_Pa, peak_fields_T
from fullbore.hardware.magnet.stray_line import stray_line
from fullbore.hardware.magnet.tolerances import (
    kept_as_wound,
    movement_fields,
    movement_vectors,
    sphere_points,
    wound_peak_to_peak,
)
from fullbore.physics.constants import VACUUM_PERMEABILITY_N_PER_A2 as MU0
from tests.hardware.magnet.coils import SYMMETRIC, THREE


def winding(centre, turns, inner=0.5, length=0.3):
    return Winding(
        name=f"at {centre}", inner_radius_m=inner, outer_radius_m=inner + 0.05, centre_m=centre, length_m=length, turns=turns
    )


MAGNET = Magnet(name="pair", b0_T=1.0, current_A=400.0, windings=(winding(-0.28, 2000.0), winding(0.28, 2000.0)), source="a test")


def test_figures_of_given_windings():
    figures = magnet_figures(MAGNET)
    assert figures["centre_field_T"] == pytest.approx(solenoid_field(np.zeros((1, 2)), MAGNET.sections())[0, 1])
    assert figures["energy_J"] == pytest.approx(0.5 * figures["inductance_H"] * 400.0**2)
    assert figures["conductor_m"] == pytest.approx(2 * 2000 * 2 * np.pi * 0.525)
    assert figures["length_m"] == pytest.approx(0.86)
    assert figures["peak_to_peak_40cm_ppm"] < figures["peak_to_peak_45cm_ppm"] < figures["peak_to_peak_50cm_ppm"]
    # twice the current: twice the field, the same ppm
    double = Magnet(name="pair", b0_T=1.0, current_A=800.0, windings=MAGNET.windings, source="a test")
    assert peak_to_peak(double.sections(), 0.4) == pytest.approx(peak_to_peak(MAGNET.sections(), 0.4), rel=1e-9)


def test_stray_line():
    line = stray_line(MAGNET.sections(), 0.5e-3)
    size = np.linalg.norm(solenoid_field(line, MAGNET.sections()), axis=1)
    assert np.allclose(size, 0.5e-3, rtol=1e-6)
    for share in (1.001, 1.3, 3.0):
        assert np.linalg.norm(solenoid_field(share * line, MAGNET.sections()), axis=1).max() < 0.5e-3
    # far off, two coils are a dipole: z^3 = mu0 m / (2 pi B); the next term falls with the square of size over distance
    moment = 2 * 2000 * 400 * np.pi * 0.525**2
    assert np.abs(line[:, 1]).max() == pytest.approx((MU0 * moment / (2 * np.pi * 0.5e-3)) ** (1 / 3), rel=5e-3)


def test_field_map():
    grid = Grid.centred((9, 9, 9), (0.04, 0.04, 0.04), (0.01, 0.0, 0.02))
    wide = Grid.centred((5, 5, 5), (0.15, 0.15, 0.3))
    centre = solenoid_field(np.zeros((1, 2)), MAGNET.sections())[0, 1]
    for one in (grid, wide):
        made = field_ppm(MAGNET, one)
        assert made.unit == "ppm" and made.values.shape == (1, *one.shape)
        places = one.points_m().reshape(-1, 3)
        plane = np.column_stack([np.hypot(places[:, 0], places[:, 1]), places[:, 2]])
        wanted = 1e6 * (solenoid_field(plane, MAGNET.sections())[:, 1] / centre - 1)
        assert np.abs(made.values.ravel() - wanted).max() < 1e-6 * np.abs(wanted).max() + 1e-5
        assert Flaws(field_ppm=made).field_ppm is made


def test_a_grid_in_the_windings_is_refused():
    with pytest.raises(UsageError, match=r"windings begin at 0\.5 m"):
        field_ppm(MAGNET, Grid.centred((3, 9, 9), (0.12, 0.12, 0.12)))


def test_a_magnet_without_windings_is_refused():
    with pytest.raises(ValueRangeError, match="no windings"):
        Magnet(name="none", b0_T=1.0, current_A=1.0, windings=(), source="")
    with pytest.raises(ValueRangeError, match="inner < outer"):
        winding(0.0, 10.0, inner=-0.2)


def test_moving_all_coils_moves_the_field():
    points, step = sphere_points(0.4), 1e-4
    moved = movement_fields(SYMMETRIC, points).sum(axis=1)

    def axial(at):
        return solenoid_field(np.column_stack([np.hypot(at[:, 0], at[:, 1]), at[:, 2]]), SYMMETRIC)[:, 1]

    for axis in range(3):
        offset = step * np.eye(3)[axis]
        wanted = -(axial(points + offset) - axial(points - offset)) / (2 * step)
        assert np.allclose(moved[:, 1 + axis], wanted, rtol=1e-5, atol=1e-7)


def test_tilting_a_central_coil_turns_its_field():
    points = sphere_points(0.4)
    central = np.array([[0.5, 0.55, -0.2, 0.2, 1e8]])
    tilts = movement_fields(central, points)[:, 0, 4:]
    radius = np.hypot(points[:, 0], points[:, 1])
    plane = np.column_stack([radius, points[:, 2]])
    size = solenoid_field(plane, central)
    across = np.divide(
        size[:, :1] * points[:, :2], radius[:, None], out=np.zeros((len(points), 2)), where=radius[:, None] > 1e-12
    )
    step = 1e-5

    def axial(at):
        return solenoid_field(np.column_stack([np.hypot(at[:, 0], at[:, 1]), at[:, 2]]), central)[:, 1]

    # a turn by a about x: B'(r) = R B(R^-1 r), so dBz/da = By - ((x-hat cross r) . grad) Bz; about y: -Bx - ...
    for axis, own in ((0, across[:, 1]), (1, -across[:, 0])):
        sweep = np.cross(np.eye(3)[axis], points)
        drift = (axial(points + step * sweep) - axial(points - step * sweep)) / (2 * step)
        assert np.allclose(tilts[:, axis], own - drift, rtol=1e-4, atol=1e-5)


def _vectors(points, sections):
    radius = np.hypot(points[:, 0], points[:, 1])
    size = solenoid_field(np.column_stack([radius, points[:, 2]]), sections)
    return np.column_stack([size[:, :1] * points[:, :2] / radius[:, None], size[:, 1]])


def test_errors_move_the_whole_vector():
    """Coils wider and shifted along z by tenths of a millimetre: linear in the errors, to their squares."""
    points = np.array([[0.3, 0.1, 0.2], [2.0, 1.0, 0.5], [0.5, -1.0, 4.0]])
    sections, errors = THREE[:2].copy(), np.array([[2e-4, -1e-4], [-3e-4, 2e-4]])
    moved = movement_vectors(sections, points)
    linear = np.einsum("nd,pndk->pk", errors, moved[:, :, [0, 3]])
    before = _vectors(points, sections)
    sections[:, :2] += errors[:, :1]
    sections[:, 2:4] += errors[:, 1:]
    assert np.allclose(_vectors(points, sections) - before, linear, rtol=2e-3, atol=1e-9)


def test_how_often_limits_are_kept():
    brief, sections = load_magnet_brief("75cm"), MAGNET.sections()
    energy, length = magnet_figures(MAGNET)["energy_J"], magnet_figures(MAGNET)["conductor_m"]
    wider = sections.copy()
    wider[0, :2] += 1e-4
    one = stored_energy_J(wider) - energy  # of a coil's 0.1 mm; both coils err on their own
    still = Tolerance(radius_m=0.0, axial_m=0.0, lateral_m=0.0, tilt_rad=0.0)

    def kept(tolerance, energy_J, conductor_m):
        limits = replace(brief.limits, energy_J=energy_J, conductor_m=conductor_m)
        return kept_as_wound(MAGNET, replace(brief, tolerance=tolerance, limits=limits), 4000, np.random.default_rng(1))

    sure = kept(still, energy * 1.0001, length * 0.9999)
    assert (sure["stored_energy"], sure["conductor_length"], sure["45cm_homogeneity"]) == (1.0, 0.0, 0.0)
    assert sure["stray_field"] == 0.0  # without a shield: a dipole's 0.5 mT lies at z = 8 m and r = 6.5 m
    brief = replace(brief, stray=replace(brief.stray, radius_m=7.0, axial_m=9.0))
    assert kept(still, energy, length)["stray_field"] == 1.0
    wide = replace(still, radius_m=1e-4)
    odds = kept(wide, energy + np.sqrt(2) * one, length)
    assert odds["stored_energy"] == pytest.approx(0.841, abs=0.02)  # one standard deviation; 4000 magnets: 0.006
    assert odds["conductor_length"] == pytest.approx(0.5, abs=0.03)


def test_spread_of_homogeneity():
    def spread(scale):
        tolerance = Tolerance(radius_m=scale, axial_m=scale, lateral_m=scale, tilt_rad=scale)
        return wound_peak_to_peak(THREE, tolerance, 0.4, 50, np.random.default_rng(3))

    angle = np.linspace(0, np.pi, 19)
    shell = solenoid_field(0.2 * np.column_stack([np.sin(angle), np.cos(angle)]), THREE)[:, 1]
    ideal = np.ptp(shell) / solenoid_field(np.zeros((1, 2)), THREE)[0, 1]
    assert np.allclose(spread(0.0), ideal, rtol=1e-9)
    once, twice = np.median(spread(10.0)), np.median(spread(20.0))  # beyond any winding, so that errors alone count
    assert twice / once == pytest.approx(2.0, rel=0.01)  # what the ideal field adds


def test_hoop_stress_of_a_long_thin_coil():
    sheet = np.array([[1.0, 1.001, -40.0, 40.0, 1e9]])
    field = MU0 * 1e9 * 0.001
    # The field falls from B to 0 through the winding: mean of J B r is B^2 / (2 mu0) * r / thickness.
    assert hoop_stresses_Pa(sheet, sheet)[0] == pytest.approx(field**2 / (2 * MU0) / 0.001, rel=2e-3)  # 1 mm in 1 m, ends at 40 m
    thirds = sheet.repeat(3, axis=0)
    thirds[:, 2:4] = (-40, -1), (-1, 1), (1, 40)
    assert peak_fields_T(thirds, thirds[1:2])[0] == pytest.approx(field, rel=2e-3)  # ends at 40 m
