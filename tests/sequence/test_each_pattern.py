# TRUTHS of each pattern's prediction: peak 1 at the origin and nowhere more | Parseval: the sum of the spread's squares is points
#   over samples | aliases of lattices of full height where theory puts them, Poisson's sidelobes below at equal R | g >= 1 on the
#   mean, 1 without acceleration | spokes: the spread's origin 1, g by the cells that they cross | a wave lowers a lattice's alias
#   at distance d to |J0(2 pi A d)|, A the wave's radius in k-space
from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import j0

from fullbore.sequence.sampling import (
    golden_spokes_rad,
    point_spread,
    poisson_disc,
    poisson_frames,
    replica_g_factor,
    vista_lines,
)
from fullbore.sequence.sampling.angles import spiral_phyllotaxis
from fullbore.sequence.sampling.noise import coil_ring
from fullbore.sequence.sampling.orders import masks_of_places
from fullbore.sequence.sampling.orders import shuffled_trains as shuffled
from fullbore.sequence.sampling.regular import Caipi
from fullbore.sequence.sampling.spread import point_spread_at

N = 24
SHAPE = (N, N)
COILS = coil_ring(10, SHAPE, (0.2, 0.2))


def spokes(count: int, order: int) -> np.ndarray:
    """k of golden spokes, (sample, 2), in cycles per field of view."""
    angle, radius = golden_spokes_rad(count, order), np.arange(N) - N / 2
    return np.stack([np.outer(np.sin(angle), radius), np.outer(np.cos(angle), radius)], axis=-1).reshape(-1, 2)


def crossed(k: np.ndarray) -> np.ndarray:
    """The cells that samples fall into."""
    mask = np.zeros(SHAPE, dtype=bool)
    mask[tuple(np.clip(np.round(k).astype(int) + N // 2, 0, N - 1).T)] = True
    return mask


def phyllotactic() -> np.ndarray:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[tuple(spiral_phyllotaxis(SHAPE, 8, N * N // 24).reshape(-1, 2).T)] = True
    return mask


def echoes() -> np.ndarray:
    points = np.argwhere(poisson_disc(SHAPE, 1.5, (2, 2), 3))
    return masks_of_places(shuffled(len(points), 2, 0), points, SHAPE)


PATTERNS: dict[str, Callable[[], np.ndarray]] = {
    "Poisson, ky and kz": lambda: poisson_disc(SHAPE, 3.0, (4, 4), 0)[None],
    "Poisson, k and t": lambda: poisson_frames(4, SHAPE, 3.0, (4, 4), 1),
    "CAIPI": lambda: Caipi(rows=2, columns=2, shift=1).mask(SHAPE)[None],
    "regular": lambda: Caipi(rows=3, columns=1, shift=0).mask(SHAPE)[None],
    "VISTA": lambda: np.repeat(vista_lines(N, 6, 2.0, 0)[:, :, None], N, axis=2),
    "golden": lambda: crossed(spokes(13, 1))[None],
    "tiny golden": lambda: crossed(spokes(13, 7))[None],
    "phyllotaxis": lambda: phyllotactic()[None],
    "shuffled echoes": echoes,
}


@pytest.mark.parametrize("name", PATTERNS)
def test_spread_and_g_of_each_pattern(name: str) -> None:
    mask = PATTERNS[name]()
    spread = point_spread(mask)
    size = np.abs(spread.function)
    origin = tuple(n // 2 for n in mask.shape)
    assert spread.function[origin] == pytest.approx(1, abs=1e-12) and size.max() == pytest.approx(1, abs=1e-12)
    # Parseval: sum |psf|^2 = points / samples, for a transform scaled to 1 at the origin.
    assert (size**2).sum() == pytest.approx(mask.size / mask.sum(), rel=1e-9)
    replicas = 24
    g = replica_g_factor(mask[0], COILS, seed=0, replicas=replicas, regularisation=1e-7)
    error = 1 / np.sqrt(4 * replicas * g.size / (mask[0].size / mask[0].sum()))
    assert np.isfinite(g).all() and g.mean() >= 1 - 3 * error


def test_g_of_all_of_k_space_is_one() -> None:
    g = replica_g_factor(np.ones(SHAPE, dtype=bool), COILS, seed=0, replicas=48, regularisation=1e-7)
    assert g.mean() == pytest.approx(1, abs=3 / np.sqrt(4 * 48 * g.size) + 1 / (8 * 48))  # noise, and the root's own bias
    assert g.std() == pytest.approx(1 / np.sqrt(4 * 48), rel=0.15)


@pytest.mark.parametrize("lattice", [Caipi(rows=2, columns=2, shift=1), Caipi(rows=4, columns=1, shift=0)])
def test_a_lattice_aliases_where_theory_says_and_poisson_less(lattice: Caipi) -> None:
    spread = point_spread(lattice.mask(SHAPE))
    places = {(round(r * N + N / 2) % N, round(c * N + N / 2) % N) for r, c in lattice.aliases()}
    assert {(int(i), int(j)) for i, j in np.argwhere(np.abs(spread.function) > 1e-9)} == places
    assert all(abs(spread.function[place]) == pytest.approx(1) for place in places)
    poisson = point_spread(poisson_disc(SHAPE, float(lattice.acceleration), (2, 2), 0))
    assert poisson.sidelobe < 0.5 * spread.sidelobe and poisson.incoherence > lattice.acceleration * spread.incoherence


@pytest.mark.parametrize("order", [1, 7])
def test_spokes_spread(order: int) -> None:
    r = np.stack(np.meshgrid(np.arange(N) - N // 2, np.arange(N) - N // 2, indexing="ij"), axis=-1) / N
    k = spokes(21, order)
    spread = point_spread_at(k, r, np.hypot(*k.T) + 0.25)
    assert spread.function[N // 2, N // 2] == pytest.approx(1) and spread.sidelobe < 0.35


def test_a_wave_smears_a_lattice_s_aliases() -> None:
    radius, turn = 3.0, 2 * np.pi * np.arange(64) / 64
    lattice = Caipi(rows=2, columns=2, shift=1)
    k = np.argwhere(lattice.mask(SHAPE)) - N // 2
    curve = k[:, None, :] + radius * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    places = np.array([((r + 0.5) % 1 - 0.5, (c + 0.5) % 1 - 0.5) for r, c in lattice.aliases()])
    spread = point_spread_at(curve.reshape(-1, 2), places)
    expected = j0(2 * np.pi * radius * np.hypot(*places.T))
    assert np.abs(np.abs(spread.function) - np.abs(expected)).max() < 1e-9
