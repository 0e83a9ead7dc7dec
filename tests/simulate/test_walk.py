# TRUTHS of spins that walk: fast spins = the float64 reference on the same walks, at rest, turning, deforming and in bent coils
#   | draws are independent Gaussians | spin echoes, twice refocused and stimulated ones keep exp(-b D), tensors exp(-b g D g),
#   compartments their mean, b in closed form, within four standard errors | a bridge of a stretch = a blunt walk of small steps
#   | a body that turns by 90 degrees between the lobes is weighted by its own tensor in both | pictures stay sharp
#   | pools of a spin walk together | late samples have diffused longer | the same bytes for any threads and blocks
#   | the front door walks where diffusion matters and says so | bad tensors are refused by name
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Compartment, Course, Flaws, RigidMotion, Sequence
from fullbore.errors import UsageError, ValueRangeError
from fullbore.simulate import acquire
from fullbore.simulate.acquire import per_cell
from fullbore.simulate.cloud import PoolSystem, SpinCloud, balanced, play_cloud, reference, scatter
from fullbore.simulate.cloud.scatter import scattered
from fullbore.simulate.cloud.walk_kernel import draws
from fullbore.simulate.cloud.weighting import weighting
from tests.simulate.moving import BREATH, RIGID, WIDE, bowl
from tests.simulate.small import GRE, Event, box, built, by_hand, error, machine, point, pulse, tissue, trapezoid
from tests.simulate.test_cloud import spins
from tests.simulate.test_diffusion import (
    FLAT_S,
    HEIGHT,
    RAMP_S,
    READ,
    blunt_b,
    spin_echo,
    stejskal_tanner,
    stimulated_echo,
)  # fmt: skip

SPEC = machine(b1=False, coils=False)
TENSOR = np.array([[1.7e-9, 0.2e-9, 0.1e-9], [0.2e-9, 0.4e-9, -0.1e-9], [0.1e-9, -0.1e-9, 0.3e-9]])
B = stejskal_tanner(RAMP_S + FLAT_S, 2 * RAMP_S + FLAT_S + 2 * 5e-3 + 1e-4, RAMP_S)
MANY = 32_768


def water(count: int, tensor: np.ndarray | float, seed: int = 1) -> SpinCloud:
    """Spins that differ in their walks alone, all at isocentre; their sum is 1."""
    own = np.eye(3) * tensor if np.ndim(tensor) == 0 else np.asarray(tensor)
    return SpinCloud(
        position_m=np.zeros((count, 3)), amount=np.full(count, 1 / count), t1_s=np.full(count, 1.0), t2_s=np.full(count, 0.1),
        off_resonance_Hz=np.zeros(count), b1_scale=np.ones(count), sensitivity=np.ones((1, count), np.complex64),
        tensors_m2_per_s=own[None], diffuses=np.zeros(count, int), walk_seed=seed,
    )  # fmt: skip


def still(cloud: SpinCloud) -> SpinCloud:
    return replace(cloud, tensors_m2_per_s=None, diffuses=None, walker=None)


def kept(cloud: SpinCloud, sequence: Sequence, sample: int = 4) -> complex:
    """What diffusion leaves of the last readout."""
    one = still(cloud.take(slice(0, 64)))
    walked, rested = (play_cloud(c, sequence)[-1, 0, sample] / c.amount.sum() for c in (cloud, one))
    return complex(walked / rested)


def within_chance(found: complex, exponent: float, count: int) -> bool:
    """Four standard errors of `count` independent walks' mean of exp(i phase), real and imaginary part each."""
    wanted, square = np.exp(-exponent), np.exp(-4 * exponent)
    real, imaginary = np.sqrt((1 + square - 2 * wanted**2) / (2 * count)), np.sqrt((1 - square) / (2 * count))
    return bool(abs(found.real - wanted) < 4 * real + 1e-5 and abs(found.imag) < 4 * imaginary + 1e-5)


def test_draws_are_independent_gaussians():
    count = 65_536
    found = np.empty((2, 4, count))
    for event in (0, 1):
        draws(3, event, np.arange(count), found[event])
    every = found.reshape(8, -1)
    np.testing.assert_allclose(np.corrcoef(every), np.eye(8), atol=5 / np.sqrt(count))
    np.testing.assert_allclose((every**2).mean(axis=1), 1, atol=0.01)  # 1.8 standard errors of independent ones
    np.testing.assert_allclose((every**4).mean(axis=1), 3, atol=5 * np.sqrt(96 / count))
    one = np.empty((4, 1))
    draws(3, 1, np.array([777]), one)
    np.testing.assert_array_equal(one[:, 0], found[1, :, 777])  # whatever is drawn beside it
    own = np.empty((2000, 4, 1))
    for event in range(2000):
        draws(5, event, np.array([70]), own[event])
    assert abs(np.corrcoef(own[1:, 0, 0], own[:-1, 0, 0])[0, 1]) < 0.1 and 0.9 < own.std() < 1.1


LOBE = trapezoid((20e-3, -10e-3, 15e-3), 3e-4, 2e-3)
SHORT = by_hand(
    [pulse(90), LOBE, Event(duration_s=2e-3), pulse(150, 40, "r"), Event(duration_s=1e-3), LOBE, READ, pulse(40, 10), LOBE, READ],
    8, 20e-6,
)  # fmt: skip


@pytest.mark.parametrize("how", ["still", "rigid", "breath", "bent coils", "pools"])
def test_walking_spins_are_the_reference(how):
    few = spins(15)
    both = np.stack([TENSOR, 3e-9 * np.eye(3)])
    cloud = replace(few, position_m=0.3 * few.position_m, tensors_m2_per_s=both, diffuses=np.arange(15) % 3 - 1, walk_seed=5)
    spec = replace(SPEC, flaws=Flaws(gradient_fields_m=bowl(WIDE), concomitant=True)) if how == "bent coils" else SPEC
    if how == "pools":
        share = np.array([0.9, 0.1])
        system = PoolSystem(
            t1_s=np.array([1.0, 1.2]), t2_s=np.array([0.08, 0.02]), shift_Hz=np.array([0.0, 200.0]), fraction=share,
            exchange_per_s=balanced(share, {(1, 0): 50.0}),
        )  # fmt: skip
        cloud = replace(cloud, systems=(system,), kind=np.zeros(15, int))
    cloud = replace(cloud, motion={"rigid": RIGID, "breath": BREATH}.get(how))
    found, wanted = play_cloud(cloud, SHORT, spec), reference(cloud, SHORT, spec)
    # the middle; at its edges spins stay where the reference's go on, 2e-4. A body that turns: the reference's steps of 4 us
    assert error(found[..., 4], wanted[..., 4]) < (2e-5 if how in ("rigid", "pools") else 1e-5)
    assert error(found, wanted) < 5e-4
    assert error(play_cloud(still(cloud), SHORT, spec), wanted) > 1e-2


@pytest.mark.parametrize("diffusivity", [1e-9, 3e-9])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_spin_echo_keeps_exp_minus_b_d(diffusivity, seed):
    assert within_chance(kept(water(MANY, diffusivity, seed), spin_echo()), B * diffusivity, MANY)
    assert not within_chance(kept(water(MANY, 1.05 * diffusivity, seed), spin_echo()), B * diffusivity, MANY)


def test_a_twice_refocused_echo_keeps_exp_minus_b_d():
    lobes = [trapezoid((sign * HEIGHT, 0.0, 0.0), RAMP_S, flat) for sign, flat in ((1, 5e-3), (-1, 8e-3), (1, 8e-3), (-1, 5e-3))]
    late, rest = Event(duration_s=0.5e-3), Event(duration_s=1e-3)
    echo = [pulse(90), late, lobes[0], rest, pulse(180, 90, "r"), rest, lobes[1], lobes[2], rest, pulse(180, 90, "r"), rest,
            lobes[3], READ]  # fmt: skip
    # signs as effective: the lobe that follows a refocusing pulse turns the other way round
    sequence = by_hand(echo)
    starts = sequence.block_starts_s()
    times = np.arange(round(starts[-1] / 1e-6) + 500) * 1e-6
    gradient, sign = np.zeros(len(times)), np.ones(len(times))
    for block, start in enumerate(starts):
        if sequence.gradient[block, 0] >= 0:
            shape = sequence.gradients[sequence.gradient[block, 0]]
            gradient += sequence.gradient_scale[block, 0] * np.interp(times - start, shape.times_s, shape.values_T_per_m, 0, 0)
        if block in (4, 9):
            sign[times >= start + 5e-5] *= -1
    k = np.cumsum(gradient * sign) * 1e-6 * 42.57638543e6
    b = 4 * np.pi**2 * float((k**2).sum()) * 1e-6
    assert abs(k[-1]) < 1e-3 * np.abs(k).max() and b * 3e-9 > 0.05
    assert within_chance(kept(water(MANY, 3e-9), sequence), b * 3e-9, MANY)


def test_a_stimulated_echo_keeps_exp_minus_b_d():
    between = 2 * RAMP_S + FLAT_S + 2 * 1e-3 + 2 * 1e-4 + 40e-3
    exponent = stejskal_tanner(RAMP_S + FLAT_S, between, RAMP_S) * 0.7e-9
    each, golden = np.arange(MANY), 0.5 * (np.sqrt(5) - 1)
    lobe, crusher = 42.57638543e6 * np.array([HEIGHT * (RAMP_S + FLAT_S), 20e-3 * 2.2e-3])  # cycles/m: whole ones across
    place = np.column_stack([(each * golden % 1) / lobe, 0 * each, (each + 0.5) / MANY / crusher])
    still_line = replace(still(water(MANY, 1.0)), position_m=place)
    walking = replace(water(MANY, 0.7e-9), position_m=place)
    sequence = stimulated_echo()
    plain = play_cloud(still_line, sequence)[0, 0, 4]
    found = complex(play_cloud(walking, sequence)[0, 0, 4] / plain)
    assert abs(plain) == pytest.approx(0.38, abs=0.01)  # half of it is there, less T1 and T2
    assert within_chance(found, exponent, MANY // 8)  # each spin gives up to twice its mean, and in either phase


@pytest.mark.parametrize("direction", [(1, 0, 0), (0, 1, 0), (0.48, 0.6, 0.64)])
def test_a_tensor_weighs_by_direction(direction):
    g = np.array(direction)
    found = kept(water(MANY, TENSOR), spin_echo(height=tuple(HEIGHT * g)))
    assert within_chance(found, B * float(g @ TENSOR @ g), MANY)


def test_cross_terms_with_imaging_gradients_count():
    extra = trapezoid((8e-3, -6e-3, 4e-3), 0.3e-3, 2e-3)
    sequence = spin_echo(extra)
    assert within_chance(kept(water(MANY, TENSOR), sequence), float((blunt_b(sequence, 5) * TENSOR).sum()), MANY)


def test_compartments_are_spins_of_their_own():
    parts = (Compartment(fraction=0.7, diffusivity_m2_per_s=1.4e-9), Compartment(fraction=0.3, diffusivity_m2_per_s=0.2e-9))
    body = point(replace(tissue(t1=1.0, t2=0.1), compartments=parts), 1e-6)
    cloud = scatter(body, SPEC, (16, 16, 16), seed=3)
    assert len(cloud) == 2 * 32**3 == scattered(body, (16, 16, 16), True) and len(np.unique(cloud.walker)) == len(cloud)
    assert cloud.amount.sum() == pytest.approx(1e-18)
    found = complex(play_cloud(cloud, spin_echo())[0, 0, 4] / play_cloud(still(cloud), spin_echo())[0, 0, 4])
    wanted = 0.7 * np.exp(-1.4e-9 * B) + 0.3 * np.exp(-0.2e-9 * B)
    assert abs(found - wanted) < 4 * np.sqrt((1 - np.exp(-2.8e-9 * B)) / (len(cloud) / 4))
    plain = scatter(body, SPEC, (2, 2, 2), seed=3, diffusing=False)
    assert plain.diffuses is None and len(plain) == 64 and scatter(body, SPEC, (2, 2, 2)).diffuses is None


def test_a_stretch_is_as_a_blunt_walk():
    """Mean of exp(i phase) under a lobe and a pulse that refocuses half of it: steps of 20 us beside one draw for a stretch."""
    lobe = trapezoid((0.0, 0.0, 60e-3), RAMP_S, 4e-3)
    sequence = by_hand([pulse(90), lobe, pulse(180, 90, "r"), Event(duration_s=3e-3), lobe, Event(duration_s=0.5e-3), READ])
    count, step, random = 20_000, 20e-6, np.random.default_rng(2)
    starts, shape = sequence.block_starts_s(), sequence.gradients[0]
    middle_s = sequence.adcs[0].delay_s + 4.5 * sequence.adcs[0].dwell_s
    times = np.arange(5e-5, starts[-1] + middle_s, step)
    gradient = 60e-3 * sum(np.interp(times - starts[i], shape.times_s, shape.values_T_per_m, 0, 0) for i in (1, 4))
    gradient *= np.where(times < starts[2] + 5e-5, -1, 1) * 42.57638543e6 * step
    away, turned = np.zeros(count), np.zeros(count)
    for each in gradient:
        turned += each * away
        away += np.sqrt(2 * 2e-9 * step) * random.normal(size=count)
    blunt, found = np.exp(-2j * np.pi * turned).mean(), kept(water(MANY, 2e-9), sequence)
    assert abs(blunt - found) < 4 * np.sqrt((1 - abs(found) ** 2) * (1 / count + 1 / MANY))
    assert abs(found) < 0.95


def test_a_body_that_turns_takes_its_tensor_along():
    """By 90 degrees about z between the lobes, the second of which is along y for it: nothing is refocused, and at home each
    lobe sees the way from the start to it."""
    quarter = 0.5 * np.pi
    sequence = spin_echo()
    when = sequence.block_starts_s()[4]
    turn = Course(times_s=np.array([when - 1e-6, when + 1e-6]), values=np.array([[0, 0, 0], [0, 0, quarter]]))
    motion = RigidMotion(turn=turn, shift=replace(turn, values=np.zeros((2, 3))))
    tensor = np.diag([2e-9, 0.1e-9, 0.5e-9])
    found = kept(replace(water(MANY, tensor), motion=motion), sequence)
    k = HEIGHT * (RAMP_S + FLAT_S) * 42.57638543e6
    lobe = trapezoid((1, 0, 0), RAMP_S, FLAT_S).shape
    times = np.arange(0, lobe.times_s[-1], 1e-6)
    own = float((lobe.area_until_T_s_per_m(times) ** 2).sum() * 1e-6) * (HEIGHT * 42.57638543e6) ** 2
    starts = sequence.block_starts_s()
    x, y = own + k**2 * starts[2], own + k**2 * starts[-2]
    exponent = 4 * np.pi**2 * (2e-9 * x + 0.1e-9 * y)
    assert exponent > 0.05
    assert within_chance(found, exponent, MANY)


def test_pictures_stay_sharp_however_long_spins_have_walked():
    """A minute of rest before a gradient echo of 0.2 mm: free spins of 3e-9 m^2/s are 0.6 mm from home."""
    sequence = built(GRE, SPEC, dummy_views=0)
    late = replace(sequence, duration_s=np.append(sequence.duration_s[:1] + 60.0, sequence.duration_s[1:]))
    home = np.random.default_rng(0).uniform(-2e-3, 2e-3, (4096, 3))
    cloud = replace(water(4096, 3e-9), position_m=home, t2_s=np.full(4096, 1e-3))
    assert error(play_cloud(cloud, late), play_cloud(still(cloud), late)) < 5e-3  # what the readouts' own 2 ms take


def test_late_samples_have_diffused_longer():
    dwell, count = 0.2e-3, 64
    flat = trapezoid((5e-3, 0.0, 0.0), 0.1e-3, count * dwell)
    sequence = by_hand(
        [pulse(90), trapezoid((-5e-3, 0, 0), 0.1e-3, 5.9e-3), replace(flat, samples=True, duration_s=flat.duration_s + 0.2e-3)],
        count, dwell,
    )  # fmt: skip
    cloud = water(MANY, 10e-9)
    found = play_cloud(cloud, sequence)[0, 0] / play_cloud(still(cloud), sequence)[0, 0]
    shape, start = sequence.gradients[1], sequence.gradients[0].area_T_s_per_m
    times = np.arange(0, shape.times_s[-1], 1e-6)
    k = 42.57638543e6 * 5e-3 * (shape.area_until_T_s_per_m(times) - start)
    rest = (
        float((sequence.gradients[0].area_until_T_s_per_m(np.arange(0, 6.1e-3, 1e-6)) ** 2).sum()) * (42.57638543e6 * 5e-3) ** 2
    )
    b = 4 * np.pi**2 * 1e-6 * (rest + np.cumsum(k**2))
    wanted = np.exp(-10e-9 * np.interp(sequence.adcs[0].delay_s + (np.arange(count) + 0.5) * dwell, times, b))
    np.testing.assert_allclose(np.abs(found), wanted, atol=4 * (1 - wanted.min() ** 2) / np.sqrt(2 * MANY) + 2e-5)
    assert wanted[0] - wanted[-1] > 2e-3


def test_the_same_bytes_for_any_threads_and_blocks(monkeypatch):
    cloud = replace(water(1500, TENSOR), position_m=np.random.default_rng(0).uniform(-0.01, 0.01, (1500, 3)))
    one = play_cloud(cloud, SHORT, threads=1)
    assert one.tobytes() == play_cloud(cloud, SHORT, threads=3).tobytes()
    assert one.tobytes() != play_cloud(replace(cloud, walk_seed=2), SHORT).tobytes()
    monkeypatch.setattr("fullbore.simulate.cloud.play.MOST_SPINS", 512)
    assert error(play_cloud(cloud, SHORT), one) < 1e-6
    parts = play_cloud(cloud.numbered().take(slice(0, 700)), SHORT) + play_cloud(cloud.numbered().take(slice(700, None)), SHORT)
    assert error(parts, one) < 1e-6


def test_the_front_door_walks_where_it_matters_and_says_so():
    kind = replace(tissue(), diffusivity_m2_per_s=2e-9)
    body, told = box((3, 3, 3), (4e-3,) * 3, kind), []
    raw = acquire(body, spin_echo(), SPEC, engine="spins", spins=4000, progress=lambda f, what: told.append(what))
    assert any("spins walk: diffusion takes up to 26 %" in what for what in told)
    assert int(raw.provenance["spins"]) <= 4000
    quiet: list[str] = []
    acquire(body, built(GRE, SPEC), SPEC, engine="spins", spins=4000, progress=lambda f, what: quiet.append(what))
    assert any("spins stay: diffusion takes" in what for what in quiet)
    felt = weighting(body, spin_echo())
    assert felt.lost == pytest.approx(1 - np.exp(-felt.exponent)) and felt.exponent == pytest.approx(B * 2e-9, rel=1e-3)
    mixed = replace(kind, diffusivity_m2_per_s=0.0, compartments=(Compartment(fraction=0.5), Compartment(fraction=0.5)))
    assert scattered(replace(body, tissues=(mixed,)), per_cell(replace(body, tissues=(mixed,)), 4000, True), True) <= 4000


def test_bad_walks_are_refused_by_name():
    with pytest.raises(UsageError, match="one without the other"):
        replace(spins(3), diffuses=np.zeros(3, int))
    with pytest.raises(ValueRangeError, match="spin 2 has tensor 1"):
        replace(water(3, 1e-9), diffuses=np.array([0, -1, 1]))
    with pytest.raises(ValueRangeError, match="tensor 0 is"):
        water(3, np.diag([1e-9, -1e-9, 0.0]))
