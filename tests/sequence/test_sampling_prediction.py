# TRUTHS of predictions: a point spread is the FFT of the mask, peak 1 | full sampling: no sidelobe | every second line: one
#   ghost of full height | a Poisson disc's ghosts far below the lattice's | off-grid sum = the FFT on the grid |
#   full sampling's width 1.2067 (sinc) and decay widens it as its closed form | g of two coils in closed form, >= 1 |
#   replicas agree with the closed form | orders: each item once, pairs neighbours, a tour's steps small, shuffled echoes even

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullbore.sequence.ordering import UNUSED, rising
from fullbore.sequence.sampling import lattice_g_factor, paired, point_spread, poisson_disc, replica_g_factor, shuffled_trains
from fullbore.sequence.sampling.noise import coil_ring
from fullbore.sequence.sampling.orders import decay_spread, low_high, masks_of_places, steps, tour, uncompensated_steps
from fullbore.sequence.sampling.regular import Caipi
from fullbore.sequence.sampling.spread import full_width, point_spread_at


def test_spread_is_the_transform_of_the_mask() -> None:
    mask = poisson_disc((48, 40), 4.0, (6, 6), 0)
    spread = point_spread(mask)
    k = np.argwhere(mask) - [24, 20]
    r = np.stack(np.meshgrid(np.arange(48) - 24, np.arange(40) - 20, indexing="ij"), axis=-1)
    direct = np.exp(2j * np.pi * (r[:, :, None, :] * k / [48, 40]).sum(axis=-1)).mean(axis=-1)
    assert np.abs(spread.function - direct).max() < 1e-12
    assert spread.function[24, 20] == pytest.approx(1)
    scattered = point_spread_at(k / np.array([48.0, 40.0]), r.astype(float))
    assert np.abs(scattered.function - direct).max() < 1e-10
    assert scattered.sidelobe == pytest.approx(spread.sidelobe, rel=1e-9)


def test_sidelobes() -> None:
    assert point_spread(np.ones((16, 12))).sidelobe == 0
    every_second = np.zeros((32, 16), dtype=bool)
    every_second[::2] = True
    ghost = point_spread(every_second)
    assert ghost.sidelobe == pytest.approx(1) and ghost.incoherence < 0.1
    poisson = point_spread(poisson_disc((128, 128), 4.0, (8, 8), 0))
    lattice = point_spread(Caipi(rows=2, columns=2, shift=1).mask((128, 128)))
    assert poisson.sidelobe < 0.15 * lattice.sidelobe and poisson.incoherence > 3 * lattice.incoherence


def test_width_and_decay() -> None:
    # sin(pi x)/(pi x) = 1/2 at x = 0.60335.
    assert full_width(point_spread(np.ones(257))) == pytest.approx(2 * 0.60335, abs=2 / 64)
    trains = rising(256, 128, 256, 128)
    slow, quick = (full_width(decay_spread(trains, np.arange(256), 256, 5e-3, t2)) for t2 in (10.0, 0.1))
    assert slow == pytest.approx(1.2067, abs=2 / 64)
    # exp(-t / T2) over all of k is a Lorentz line's modulus: width sqrt(3) N spacing / (pi T2) steps, here 7.06.
    assert quick == pytest.approx(
        np.sqrt(3) * 256 * 5e-3 / (np.pi * 0.1), rel=0.01
    )  # 1 %: the line is cut at exp(-12.8) and at k = -N/2


def test_g_of_two_coils_in_closed_form() -> None:
    a, b = np.array([1.0, 0.3]), np.array([0.2, 0.9])
    coils = np.zeros((2, 2, 1), dtype=complex)
    coils[:, 0, 0], coils[:, 1, 0] = a, b
    g = lattice_g_factor(coils, Caipi(rows=2, columns=1, shift=0).aliases())
    angle = np.dot(a, b) ** 2 / (np.dot(a, a) * np.dot(b, b))
    assert np.allclose(g[:, 0], 1 / np.sqrt(1 - angle), rtol=1e-9)


def test_g_is_at_least_one_and_replicas_agree() -> None:
    coils = coil_ring(8, (32, 32), (0.2, 0.2))
    lattice = Caipi(rows=2, columns=2, shift=1)
    closed = lattice_g_factor(coils, lattice.aliases())
    assert (closed >= 1 - 1e-9).all()
    assert np.allclose(lattice_g_factor(coils, Caipi(rows=1, columns=1, shift=0).aliases()), 1)
    replicas = replica_g_factor(lattice.mask((32, 32)), coils, seed=0, replicas=100, regularisation=1e-7, iterations=200)
    # 100 complex replicas: 5 % a voxel, 5 % / sqrt(1024 / 4) of the mean, for the four voxels of an alias share their noise.
    assert (replicas / closed).mean() == pytest.approx(1, abs=0.012)
    assert (replicas / closed).std() < 0.08


@given(st.integers(1, 300), st.integers(1, 40), st.integers(0, 5))
def test_shuffled_trains_play_each_item_once(count: int, places: int, seed: int) -> None:
    trains = shuffled_trains(count, places, seed)
    assert sorted(trains[trains != UNUSED].tolist()) == list(range(count))
    assert trains.shape == (-(-count // places), places)


def test_shuffled_echoes_see_all_of_k() -> None:
    points = np.argwhere(np.ones((64, 64), dtype=bool))
    masks = masks_of_places(shuffled_trains(4096, 32, 0), points, (64, 64))
    assert masks.sum() == 4096 and (masks.sum(axis=(1, 2)) == 128).all() and masks.any(axis=0).all()
    halves = masks[:, :32].mean(axis=(1, 2)) * 32
    assert np.abs(halves - 1).max() < 0.5  # 64 +- 5.6 points expected in a half: 0.5 is six sigma


@given(st.permutations(list(range(0, 41))))
def test_pairs_are_neighbours(order: list[int]) -> None:
    out = paired(np.array(order))
    assert sorted(out.tolist()) == sorted(order)
    single = 1 if len(order) % 2 else 0
    if single and out[-1] != max(order):
        return  # the line that has no partner stands between pairs
    assert (uncompensated_steps(out) == 1).all()


def test_low_high_starts_in_the_centre() -> None:
    assert low_high(7).tolist() == [3, 4, 2, 5, 1, 6, 0]


def test_tour_jumps_little() -> None:
    points = np.argwhere(poisson_disc((96, 96), 6.0, (8, 8), 0))
    order = tour(points)
    assert sorted(order.tolist()) == list(range(len(points)))
    random = np.random.default_rng(0).permutation(len(points))
    assert steps(points, order).mean() < 0.2 * steps(points, random).mean()
