# TRUTHS of passive shims: a sheet far away is a dipole along z | its field solves Laplace | a ring of sheets has no field that
# | turns with azimuth but the trays' number's | mass and moment of a sheet | known harmonics of hundreds of ppm go under ten,
# | between the points too, with whole sheets in every pocket | a field that is even already takes no iron | what iron cannot do
# | is refused with what it leaves | a magnet with winding errors goes under ten
from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Magnet, Winding
from fullbore.errors import LimitError, ValueRangeError
from fullbore.hardware.magnet.brief import Tolerance
from fullbore.hardware.magnet.tolerances import sphere_points, wound_fields
from fullbore.hardware.shim import ShimTrays, pocket_places_m, sheet_fields_T, shim_passively
from fullbore.physics.constants import VACUUM_PERMEABILITY_N_PER_A2 as MU0

TRAYS = ShimTrays(radius_m=0.42, length_m=1.2)
# Fewer points and trays, for speed: the volume is small, so that eight trays do.
SMALL = replace(TRAYS, trays=8, pockets=9, most_sheets=200)
POINTS, FINE = sphere_points(0.3, 11, 16), sphere_points(0.3, 31, 48)


def planted(points):
    """Hundreds of ppm on 3 T: harmonics 1 and 2 with and without azimuth, a little of 3."""
    x, y, z = points.T / 0.15
    ppm = (
        60 * z
        + 40 * x
        - 30 * y
        + 50 * (z**2 - (x**2 + y**2) / 2)
        + 30 * x * z
        + 20 * (x**2 - y**2)
        + 5 * (z**3 - 1.5 * z * (x**2 + y**2))
    )
    return 3.0 * (1 + 1e-6 * ppm)


def test_a_sheet_is_a_dipole():
    offset = np.array([0.3, -0.4, 1.2])
    places = pocket_places_m(TRAYS)
    got = sheet_fields_T(TRAYS, places[5:6] + offset)[0, 5]
    distance = np.linalg.norm(offset)
    wanted = MU0 * TRAYS.sheet_moment_A_m2 / (4 * np.pi) * (3 * offset[2] ** 2 / distance**2 - 1) / distance**3
    assert got == pytest.approx(wanted, rel=2e-3)  # the sheet's own size over the distance, squared
    assert TRAYS.sheet_moment_A_m2 == pytest.approx(2.15 / MU0 * 0.05 * 0.06 * 1e-4)
    assert TRAYS.sheet_kg == pytest.approx(7870 * 0.05 * 0.06 * 1e-4)


def test_iron_solves_laplace():
    point, step = np.array([[0.1, -0.05, 0.2]]), 1e-3
    offsets = step * np.eye(3)
    second = sheet_fields_T(TRAYS, point + offsets) + sheet_fields_T(TRAYS, point - offsets) - 2 * sheet_fields_T(TRAYS, point)
    assert np.abs(second.sum(axis=0)).max() < 1e-4 * np.abs(second).max()


def test_a_full_ring_is_round():
    ring = np.zeros((TRAYS.trays, TRAYS.pockets))
    ring[:, 3] = 1.0
    turn = np.linspace(0, 2 * np.pi, 97)[:-1]
    points = np.column_stack([0.2 * np.cos(turn), 0.2 * np.sin(turn), 0 * turn + 0.05])
    spectrum = np.abs(np.fft.rfft(sheet_fields_T(TRAYS, points) @ ring.ravel()))
    others = np.delete(spectrum, [0, 24, 48])
    assert others.max() < 1e-12 * spectrum[0]
    assert spectrum[24] < 1e-4 * spectrum[0]  # (0.2 / 0.42)^24 is 2e-8, times what the place along z adds


def test_hundreds_of_ppm_go_under_ten():
    shim = shim_passively(POINTS, planted(POINTS), SMALL)
    assert shim.before > 200e-6 and shim.after < 10e-6
    assert np.array_equal(shim.sheets, np.round(shim.sheets)) and shim.sheets.min() >= 0 and shim.sheets.max() <= 200
    assert shim.iron_kg == pytest.approx(shim.sheets.sum() * SMALL.sheet_kg)
    left = planted(FINE) + sheet_fields_T(SMALL, FINE) @ shim.sheets.ravel()
    assert np.ptp(left) / 3.0 < 10e-6
    at_points = planted(POINTS) + sheet_fields_T(SMALL, POINTS) @ shim.sheets.ravel()
    assert shim.after == pytest.approx(np.ptp(at_points) / 3.0, rel=1e-3)  # the mean of 3 T takes part in the ratio
    assert shim.mean_T == pytest.approx(at_points.mean(), rel=1e-9)


def test_an_even_field_takes_next_to_no_iron():
    assert shim_passively(POINTS, np.full(len(POINTS), 3.0), SMALL).sheets.sum() == 0


def test_what_iron_cannot_do_is_refused():
    with pytest.raises(LimitError, match=r"cannot be brought under .* ppm by 2 sheets"):
        shim_passively(POINTS, planted(POINTS), replace(SMALL, most_sheets=2))
    with pytest.raises(ValueRangeError, match="radius_m"):
        replace(TRAYS, radius_m=-0.4)


@pytest.mark.slow
def test_a_magnet_as_wound():
    places = ((-0.6854, 4428), (-0.2923, 1606), (0.0, 2288), (0.2923, 1606), (0.6854, 4428))
    windings = tuple(
        Winding(name=str(z), inner_radius_m=0.541, outer_radius_m=0.58, centre_m=z, length_m=0.2, turns=float(n))
        for z, n in places
    )
    sections = Magnet(name="five", b0_T=3.0, current_A=500.0, windings=windings, source="a test").sections()
    points, fine = sphere_points(0.45), sphere_points(0.45, 37, 48)
    both = wound_fields(sections, Tolerance(), np.concatenate([points, fine]), 1, np.random.default_rng(1))[0]
    exact = Tolerance(radius_m=0.0, axial_m=0.0, lateral_m=0.0, tilt_rad=0.0)
    # The windings of this test are not even themselves: their errors alone are what the iron has to mend.
    ideal, plain = (wound_fields(sections, exact, at, 1, np.random.default_rng(1))[0] for at in (points, fine))
    start, start_fine = 3.0 + both[: len(points)] - ideal, 3.0 + both[len(points) :] - plain
    shim = shim_passively(points, start, TRAYS)
    assert shim.before > 100e-6
    assert np.ptp(start_fine + sheet_fields_T(TRAYS, fine) @ shim.sheets.ravel()) / 3.0 < 10e-6
