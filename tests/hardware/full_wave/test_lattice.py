# TRUTHS of the lattice: G(0) is Watson's | its Laplacian is a unit source | far off it is 1/4 pi R | curl curl E - k^2 E = k^2
# J on every edge, inside the lattice and at its rim | FFT = plain sum | curl A is div-free, and its own circulation
# TRUTHS of GMRES: a dense system, restarted or not | stops where told | an exact start costs nothing | n steps suffice for n
# unknowns
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from fullbore.errors import ValueRangeError
from fullbore.hardware.full_wave.lattice import Lattice
from fullbore.hardware.full_wave.lattice_green import lattice_green, static_lattice_green
from fullbore.numerics.gmres import best_start, gmres

H, K = 5e-3, 2.677


def _mirrored(octant):
    for axis in range(3):
        octant = np.concatenate([np.flip(octant, axis).take(range(octant.shape[axis] - 1), axis), octant], axis)
    return octant


def _laplacian(g):
    inner = (slice(1, -1),) * 3
    return sum(np.roll(g, step, axis)[inner] for axis in range(3) for step in (1, -1)) - 6 * g[inner]


def test_static_green_function():
    g = static_lattice_green(13)
    assert g[0, 0, 0] == pytest.approx(0.2527310098586630, abs=1e-11)  # Watson's integral, half of 0.505462
    source = _laplacian(_mirrored(g))
    assert source[11, 11, 11] == pytest.approx(-1, abs=1e-9)
    source[11, 11, 11] = 0
    assert np.abs(source).max() < 1e-9


def test_green_function_meets_helmholtz_and_its_far_field():
    g = lattice_green((46, 8, 8), H, K)
    spread = (_laplacian(_mirrored(g)) / H**2 + K**2 * _mirrored(g)[1:-1, 1:-1, 1:-1]) * H**3
    assert abs(spread[44, 6, 6] + 1) < 5e-6
    spread[44, 6, 6] = 0
    assert np.abs(spread).max() < 5e-6  # (k h)^2 / 70, and the seam at 40 steps
    r = 45 * H
    assert_allclose(g[45, 0, 0], np.exp(-1j * K * r) / (4 * np.pi * r), rtol=1e-3)


def _forward(f, i):
    return (np.roll(f, -1, 2 - i) - f) / H


def _backward(f, i):
    return (f - np.roll(f, 1, 2 - i)) / H


def _curl(f, slope):
    return np.stack([slope(f[(i + 2) % 3], (i + 1) % 3) - slope(f[(i + 1) % 3], (i + 2) % 3) for i in range(3)])


def test_maxwell_holds_on_every_edge():
    rng = np.random.default_rng(1)
    lattice = Lattice.of((7, 8, 9), H, K, torch.complex128)
    current = np.zeros((3, 7, 8, 9), complex)
    current[:, 2:5, 2:5, 2:6] = rng.normal(size=(3, 3, 3, 4)) + 1j * rng.normal(size=(3, 3, 3, 4))
    field = lattice.electric(torch.from_numpy(current)).numpy()
    left = _curl(_curl(field, _forward), _backward) - K**2 * field - K**2 * current
    assert np.abs(left[:, 1:-1, 1:-1, 1:-1]).max() < 2e-5 * K**2 * np.abs(current).max()


def test_transform_is_the_plain_sum():
    rng = np.random.default_rng(2)
    nodes = (3, 4, 3)
    lattice = Lattice.of(nodes, H, K, torch.complex128)
    current = rng.normal(size=(3, *nodes)) + 1j * rng.normal(size=(3, *nodes))
    g = lattice_green((6, 6, 6), H, K) * H**3

    def potential(place):  # of each component at any node, inside or outside
        return sum(g[tuple(np.abs(np.subtract(place, there)))] * current[(slice(None), *there)] for there in np.ndindex(*nodes))

    wide = np.zeros((3, *(n + 2 for n in nodes)), complex)
    for place in np.ndindex(*wide.shape[1:]):
        wide[(slice(None), *place)] = potential(np.subtract(place, 1))
    expected = K**2 * wide + np.stack([_forward(sum(_backward(wide[j], j) for j in range(3)), i) for i in range(3)])
    found = lattice.electric(torch.from_numpy(current)).numpy()
    assert_allclose(found, expected[:, 1:-1, 1:-1, 1:-1], atol=1e-12 * np.abs(found).max())
    faces = _curl(wide, _forward)
    middle = np.stack([(faces[i] + np.roll(faces[i], -1, 2 - i)) / 2 for i in range(3)])[:, 1:-1, 1:-1, 1:-1]
    assert_allclose(lattice.magnetic(torch.from_numpy(current)).numpy(), middle, atol=1e-12 * np.abs(middle).max())


def test_single_precision_is_enough():
    rng = np.random.default_rng(3)
    current = torch.from_numpy(rng.normal(size=(3, 12, 12, 12)) + 0j)
    exact = Lattice.of((12, 12, 12), H, K, torch.complex128).electric(current)
    fast = Lattice.of((12, 12, 12), H, K).electric(current.to(torch.complex64))
    assert float((exact - fast).norm() / exact.norm()) < 1e-6


@pytest.mark.parametrize("restart", [40, 8])
def test_gmres_solves_a_dense_system(restart):
    rng = np.random.default_rng(4)
    matrix = torch.from_numpy(rng.normal(size=(40, 40)) + 1j * rng.normal(size=(40, 40))) + 14 * torch.eye(40)
    right = torch.from_numpy(rng.normal(size=40) + 0j)
    seen = []
    report = gmres(
        lambda x: matrix @ x, right, tolerance=1e-11, restart=restart, iterations=300, progress=lambda n, r: seen.append((n, r))
    )
    assert report.status == "converged" and report.residual < 1e-11
    assert float((matrix @ report.value - right).norm() / right.norm()) == pytest.approx(report.residual, rel=0.1)
    assert [n for n, _ in seen] == list(range(1, report.iterations + 1))
    assert restart != 40 or report.iterations <= 40
    again = gmres(lambda x: matrix @ x, right, start=report.value, tolerance=1e-10)
    assert again.iterations == 0
    blended = best_start((matrix @ torch.stack([report.value, right]).T).T, torch.stack([report.value, right]), right)
    assert_allclose(blended.numpy(), report.value.numpy(), atol=1e-9)


def test_gmres_stops_and_refuses():
    matrix = torch.diag(torch.linspace(1, 100, 50, dtype=torch.float64))
    report = gmres(lambda x: matrix @ x, torch.ones(50, dtype=torch.float64), iterations=3, tolerance=1e-9)
    assert report.status == "iteration limit" and report.iterations == 3
    with pytest.raises(ValueRangeError, match="residual"):
        gmres(lambda x: x, torch.full((3,), torch.nan))
    with pytest.raises(KeyboardInterrupt):
        gmres(lambda x: matrix @ x, torch.ones(50, dtype=torch.float64), progress=_interrupt)


def _interrupt(iteration, residual):
    raise KeyboardInterrupt
