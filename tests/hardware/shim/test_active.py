# TRUTHS of shim coils and of shimming on the patient
# | what | truth |
# | solid harmonics | the textbook's polynomials; mean over a sphere = value at its middle; f(a r) = a^l f(r) |
# | each coil of degrees 2 and 3 over its ball | its own harmonic, to the purity asked; strength of the projection |
# | parity | Z2 is even in z, ZX odd; a coil of the other parity makes nothing of the harmonic |
# | the coil as turns of wire | Biot-Savart of the turns is the sheet's field to 1 % (80 turns) |
# | sine coils | the cosine ones turned by 90 degrees over the order |
# | a field made of the coils' fields | is nulled, the currents are those put in, the frequency is free |
# | limits | kept; with them the result is never worse than none and never better than unlimited |
# | slice by slice | never worse than for the volume; much better for a field that bends along z |
# | impossible asks | a sentence |

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import FieldMap, Grid
from fullbore.errors import FullboreError, LimitError
from fullbore.hardware.gradient.contours import cylinder_loops
from fullbore.hardware.gradient.segments import wire_field
from fullbore.hardware.shim import ShimCoil, ShimSpace, shim_coil, shim_coils, shim_patient
from fullbore.numerics.solid_harmonics import solid_harmonic
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T

SPACE = ShimSpace(radius_m=0.43, length_m=1.3, ball_m=0.40)


@pytest.fixture(scope="module")
def coils() -> tuple[ShimCoil, ...]:
    return shim_coils(SPACE)


@pytest.fixture(scope="module")
def ball() -> np.ndarray:
    rng = np.random.default_rng(3)
    points = rng.uniform(-0.2, 0.2, (400, 3))
    return points[np.linalg.norm(points, axis=1) < 0.2]


def test_harmonics_are_the_textbooks(ball: np.ndarray) -> None:
    x, y, z = ball.T
    known = {
        (1, 0): z,
        (1, 1): x,
        (1, -1): y,
        (2, 0): z**2 - (x**2 + y**2) / 2,
        (2, 1): 3 * z * x,
        (2, -2): 6 * x * y,
        (2, 2): 3 * (x**2 - y**2),
        (3, 0): z**3 - 1.5 * z * (x**2 + y**2),
        (3, 3): 15 * (x**3 - 3 * x * y**2),
    }
    for (degree, order), wanted in known.items():
        np.testing.assert_allclose(solid_harmonic(degree, order, ball), wanted, atol=1e-12 * 15)
    cosines, weights = np.polynomial.legendre.leggauss(8)
    turns = 2 * np.pi * np.arange(16) / 16
    across = np.sqrt(1 - cosines**2)[:, None]
    shell = 0.03 * np.stack(
        [across * np.cos(turns), across * np.sin(turns), np.broadcast_to(cosines[:, None], (8, 16))], axis=-1
    ).reshape(-1, 3)
    weights = np.repeat(weights / 32, 16)
    for degree in range(7):
        for order in range(-degree, degree + 1):
            values = solid_harmonic(degree, order, ball)
            np.testing.assert_allclose(solid_harmonic(degree, order, 2 * ball), 2.0**degree * values, rtol=1e-9, atol=1e-12)
            # the mean over a sphere about any point is the value there
            around = solid_harmonic(degree, order, ball[:20, None] + shell)
            np.testing.assert_allclose(around @ weights, values[:20], rtol=1e-9, atol=1e-14)


def test_each_coil_makes_its_harmonic(coils: tuple[ShimCoil, ...], ball: np.ndarray) -> None:
    assert len({coil.name for coil in coils}) == 12
    for coil in coils:
        wanted = coil.strength_T_per_ml_A * solid_harmonic(coil.degree, coil.order, ball)
        largest = abs(coil.strength_T_per_ml_A) * _largest(coil)
        assert coil.strength_T_per_ml_A > 0
        assert np.abs(coil.field_T_per_A(ball) - wanted).max() <= 1.01 * SPACE.purity * largest
        assert coil.impurity <= SPACE.purity * (1 + 1e-6)


def _largest(coil: ShimCoil) -> float:
    angle = np.linspace(0, np.pi, 181)
    around = np.linspace(0, 2 * np.pi, 25)
    polar, azimuth = np.meshgrid(angle, around)
    sphere = 0.2 * np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=-1)
    return float(np.abs(solid_harmonic(coil.degree, coil.order, sphere)).max())


def test_turns_of_wire_make_the_same_field(ball: np.ndarray) -> None:
    few = ball[:60]
    for degree, order in ((2, 0), (2, 1), (2, -2), (3, 0), (3, -1), (3, 3)):
        coil = shim_coil(replace(SPACE, turns=80), degree, order)
        paths = [np.concatenate([loop.points_m, loop.points_m[:1]]) for loop in cylinder_loops(coil.sheet, 1.0)]
        sheet = coil.field_T_per_A(few)
        found = wire_field(few, paths)[:, 2]
        # contours are steps of the sheet: an 80th of its crest each; 20 turns are up to 4 % off
        assert np.abs(found - sheet).max() < 0.01 * np.abs(sheet).max(), coil.name


def test_parity() -> None:
    even, odd = shim_coil(SPACE, 2, 0), shim_coil(SPACE, 2, 1)
    up, down = np.array([[0.05, 0.0, 0.1]]), np.array([[0.05, 0.0, -0.1]])
    assert even.field_T_per_A(up) == pytest.approx(even.field_T_per_A(down), rel=1e-9)
    assert odd.field_T_per_A(up) == pytest.approx(-odd.field_T_per_A(down), rel=1e-9)


def test_sine_coils_are_turned_cosine_coils(ball: np.ndarray) -> None:
    for degree, order in ((2, 1), (2, 2), (3, 3)):
        turn = np.pi / (2 * order)
        matrix = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
        cosine, sine = shim_coil(SPACE, degree, order), shim_coil(SPACE, degree, -order)
        np.testing.assert_allclose(sine.field_T_per_A(ball @ matrix.T), cosine.field_T_per_A(ball), rtol=1e-7, atol=1e-12)


@pytest.fixture(scope="module")
def head() -> tuple[Grid, np.ndarray]:
    grid = Grid.centred((20, 24, 22), (0.008, 0.008, 0.008))
    return grid, (grid.points_m() ** 2).sum(axis=-1) < 0.075**2


def test_a_field_of_the_coils_is_nulled(coils: tuple[ShimCoil, ...], head: tuple[Grid, np.ndarray]) -> None:
    grid, mask = head
    put = np.linspace(-2, 2, len(coils))
    made = sum(
        current * GYROMAGNETIC_RATIO_HZ_PER_T * coil.field_T_per_A(grid.points_m())
        for current, coil in zip(put, coils, strict=True)
    )
    field = FieldMap(values=(np.asarray(made) + 37.0)[None], grid=grid, unit="Hz")
    found = shim_patient(field, mask, coils, np.full(len(coils), 10.0))
    np.testing.assert_allclose(found.currents_A[0], -put, atol=1e-6)
    assert found.offset_Hz[0] == pytest.approx(37.0, abs=1e-6)
    assert found.after_Hz < 1e-6 * found.before_Hz


def test_limits_are_kept(coils: tuple[ShimCoil, ...], head: tuple[Grid, np.ndarray]) -> None:
    grid, mask = head
    rng = np.random.default_rng(0)
    x, y, z = np.moveaxis(grid.points_m(), -1, 0)
    field = FieldMap(values=(200 * np.exp(-((x - 0.03) ** 2 + y**2 + (z + 0.06) ** 2) / 0.03**2))[None], grid=grid, unit="Hz")
    free = shim_patient(field, mask, coils, np.full(len(coils), 1e6))
    limits = rng.uniform(0, 0.2, len(coils))
    limits[0] = 0.0
    found = shim_patient(field, mask, coils, limits)
    assert (np.abs(found.currents_A) <= limits * (1 + 1e-9)).all() and found.currents_A[0, 0] == 0.0
    assert free.after_Hz < found.after_Hz < found.before_Hz


def test_slice_by_slice(coils: tuple[ShimCoil, ...], head: tuple[Grid, np.ndarray]) -> None:
    grid, mask = head
    x, _, z = np.moveaxis(grid.points_m(), -1, 0)
    field = FieldMap(values=(100 * np.sin(2 * np.pi * z / 0.06) * (1 + 20 * x))[None], grid=grid, unit="Hz")
    limits = np.full(len(coils), 1e6)
    linear = shim_coils(SPACE, 1, 1)
    every = (*linear, *coils)
    volume = shim_patient(field, mask, every, np.full(len(every), 1e6))
    sliced = shim_patient(field, mask, every, np.full(len(every), 1e6), slice_wise=True)
    assert sliced.after_Hz < 0.3 * volume.after_Hz
    assert sliced.currents_A.shape == (20, len(every)) and (sliced.currents_A[0] == 0).all()  # no voxels there
    assert shim_patient(field, mask, coils, limits, slice_wise=True).after_Hz <= volume.before_Hz


def test_what_cannot_be_is_refused(coils: tuple[ShimCoil, ...], head: tuple[Grid, np.ndarray]) -> None:
    grid, mask = head
    field = FieldMap(values=np.zeros((1, *grid.shape)), grid=grid, unit="Hz")
    with pytest.raises(LimitError, match="Lengthen"):
        shim_coil(ShimSpace(radius_m=0.43, length_m=0.1, ball_m=0.7, purity=0.001, modes=3), 3, 0)
    wrong = FieldMap(values=np.zeros((1, *grid.shape)), grid=grid, unit="ppm")
    for given, chosen, limits in (
        (wrong, mask, np.ones(12)),
        (field, np.zeros_like(mask), np.ones(12)),
        (field, mask, np.ones(3)),
        (field, mask, -np.ones(12)),
    ):
        with pytest.raises(FullboreError, match="shim_patient"):
            shim_patient(given, chosen, coils, limits)
    for options in ({"radius_m": -1.0}, {"ball_m": 0.9}):
        with pytest.raises(FullboreError, match="ShimSpace"):
            ShimSpace(**{"radius_m": 0.43, "length_m": 1.3, "ball_m": 0.4, **options})
    with pytest.raises(FullboreError, match="degree"):
        shim_coil(SPACE, 2, 3)
