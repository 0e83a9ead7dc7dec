# TRUTHS of what a tissue says: six-peak fat decays as the sum of its lines, in states and in spins; water and fat of one voxel
#   are in and out of phase as that sum | a line beside water shares its fraction map | a tissue's pools are a PoolSystem made by
#   hand; its T1rho keeps exp(-t / T1rho) of a locked spin | plastic, of T2 far
#   shorter than a pulse, says nothing, and no number overflows | states refuse pools, T1rho and courses by name, and auto says so
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Phantom, Pool, RfPulse, Species, Tissue, TissueCourse
from fullbore.errors import UsageError, ValueRangeError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T as GAMMA
from fullbore.physics.tissue import FAT_SPECTRUM
from fullbore.signal.lineshapes import super_lorentzian
from fullbore.simulate import acquire
from fullbore.simulate.acquire import choose, per_cell
from fullbore.simulate.cloud import PoolSystem, Semisolid, balanced, play_cloud, scatter
from fullbore.simulate.cloud.scatter import scattered
from fullbore.simulate.cloud.tissue_pools import pool_system
from fullbore.simulate.lines import unfold
from tests.simulate.small import GRE, TSE, Event, built, by_hand, error, machine, point, pulse, rod, samples, tissue
from tests.simulate.test_pools import gauss, prepared

SPEC = machine(b1=False, coils=False)
HZ_PER_PPM = 1e-6 * SPEC.b0_T * GYROMAGNETIC_RATIO_HZ_PER_T
TOTAL = sum(amplitude for _, amplitude in FAT_SPECTRUM)
SIX = tuple(Species(shift_ppm=ppm, fraction=amplitude / TOTAL) for ppm, amplitude in FAT_SPECTRUM)
FAT = replace(tissue("fat", t1=0.38, t2=0.07), species=SIX)
FLIP_DEG, SHORT_S = 2.0, 1e-5


def decay() -> tuple:
    """A pulse too small and short to tell lines apart, and a free decay; times of its samples after the pulse's centre."""
    sequence = by_hand([pulse(FLIP_DEG, duration_s=SHORT_S), Event(duration_s=13e-3, samples=True)], 64, 0.2e-3)
    return sequence, SHORT_S / 2 + sequence.adcs[0].delay_s + (np.arange(64) + 0.5) * 0.2e-3


def lines_of_fat(time_s: np.ndarray) -> np.ndarray:
    turns = np.outer(time_s, [ppm * HZ_PER_PPM for ppm, _ in FAT_SPECTRUM])
    return np.exp(-2j * np.pi * turns) @ [amplitude / TOTAL for _, amplitude in FAT_SPECTRUM]


def test_the_free_decay_of_fat_is_the_sum_of_its_lines():
    sequence, time = decay()
    wanted = 1e-9 * np.sin(np.deg2rad(FLIP_DEG)) * lines_of_fat(time) * np.exp(-time / 0.07)
    states = samples(point(FAT), sequence, SPEC, 1e-4)[0, 0]
    spins = play_cloud(scatter(point(FAT), SPEC, (1, 1, 1)), sequence)[0, 0]
    for found in (states, spins):
        turn = np.vdot(found, wanted) / abs(np.vdot(found, wanted))  # the pulse's own phase
        assert error(found * turn, wanted) < 1.5e-4  # states: to the tolerance asked for


def mixture(share: float) -> Phantom:
    one = point(tissue("water", t1=1.0, t2=0.07))
    parts = np.array([1 - share, share], np.float32).reshape(2, 1, 1, 1)
    return replace(one, tissues=(one.tissues[0], FAT), fractions=parts)


@pytest.mark.parametrize("engine", ["states", "spins"])
def test_water_and_fat_are_in_and_out_of_phase(engine):
    sequence, time = decay()
    body = mixture(0.3)
    found = samples(body, sequence, SPEC, 1e-4) if engine == "states" else play_cloud(scatter(body, SPEC, (1, 1, 1)), sequence)
    size = np.abs(found[0, 0]) * np.exp(time / 0.07) / (1e-9 * np.sin(np.deg2rad(FLIP_DEG)))
    np.testing.assert_allclose(size, np.abs(0.7 + 0.3 * lines_of_fat(time)), atol=2e-4)
    opposed, together = (np.argmin(np.abs(time - t)) for t in (1.15e-3, 2.3e-3))
    assert size[opposed] < 0.6 < 0.9 < size[together]


def test_lines_share_a_fraction_map():
    body = mixture(0.3)
    lines = unfold(body.tissues)
    assert [line.owner for line in lines] == [0] + [1] * 6 and sum(line.share for line in lines[1:]) == pytest.approx(1)
    assert lines[1].tissue.chemical_shift_ppm == -3.8 and not lines[1].tissue.species
    counts = per_cell(body, 500)
    assert len(scatter(body, SPEC, counts)) <= scattered(body, counts) <= 500


def test_a_line_of_every_species_is_a_tissue_of_its_own():
    """A shaped excitation and many readouts: states with species = states with as many tissues."""
    body, sequence = rod(8), built(GRE, SPEC)
    two = (Species(shift_ppm=-3.4, fraction=0.75), Species(shift_ppm=0.6, fraction=0.25))
    one, other = (replace(body.tissues[1], chemical_shift_ppm=line.shift_ppm) for line in two)
    joint = replace(body, tissues=(body.tissues[0], replace(body.tissues[1], chemical_shift_ppm=0.0, species=two)))
    water, fat = body.fractions
    apart = replace(body, tissues=(body.tissues[0], one, other), fractions=np.stack([water, 0.75 * fat, 0.25 * fat]))
    assert error(samples(joint, sequence, SPEC), samples(apart, sequence, SPEC)) < 5e-4


SOLID = Pool(name="macromolecules", fraction=0.12, t1_s=1.0, t2_s=10e-6, exchange_per_s=25.0, lineshape="super-lorentzian")
AMIDE = Pool(name="amide", fraction=0.02, t1_s=1.0, t2_s=0.01, exchange_per_s=100.0, shift_ppm=3.5)
POOLED = replace(tissue("muscle", t1=1.2, t2=0.07), pools=(SOLID, AMIDE))


def test_a_tissue_s_pools_are_the_system_by_hand():
    fraction = np.array([0.86, 0.02])
    semisolid = Semisolid(fraction=0.12, t1_s=1.0, exchange_per_s=np.array([25.0, 0.0]), t2_s=10e-6, lineshape=super_lorentzian)
    system = PoolSystem(
        t1_s=np.array([1.2, 1.0]), t2_s=np.array([0.07, 0.01]), shift_Hz=np.array([0, 3.5 * HZ_PER_PPM]), fraction=fraction,
        exchange_per_s=balanced(fraction, {(1, 0): 100.0}), semisolid=semisolid,
    )  # fmt: skip
    sequence = prepared(gauss(60), 5e-6, [3.5 * HZ_PER_PPM, 2000.0])
    plain = scatter(point(replace(POOLED, pools=())), SPEC, (1, 1, 1))
    by_hand_made = replace(plain, systems=(system,), kind=np.zeros(len(plain), int))
    found = play_cloud(scatter(point(POOLED), SPEC, (1, 1, 1)), sequence)
    assert error(found, play_cloud(by_hand_made, sequence)) < 1e-6
    assert error(found, play_cloud(plain, sequence)) > 1e-2
    raw, without = (acquire(point(kind, 10e-3), sequence, SPEC) for kind in (POOLED, replace(POOLED, pools=())))
    assert raw.provenance["simulator"] == "isochromats" and error(raw.samples, without.samples) > 1e-2
    made = pool_system(POOLED, SPEC.b0_T)
    flow = made.all_exchange_per_s * made.all_fractions[:, None]
    np.testing.assert_allclose(flow, flow.T)


def locked(lock_s: float):
    """A hard 90 and a lock along the magnetisation, then a readout."""
    shape = np.concatenate([np.full(5, 0.5 * np.pi / (GAMMA * 5e-6)), np.full(round(lock_s / 1e-6), 1j * 12e-6)])
    length = len(shape) * 1e-6
    rf = RfPulse(b1_T=shape, raster_s=1e-6, delay_s=0.0, centre_s=length, flip_rad=1.0, use="e")
    sequence = by_hand([pulse(90, duration_s=SHORT_S), Event(duration_s=1e-3, samples=True)], 8, 50e-6)
    return replace(sequence, rf_pulses=(rf,), duration_s=np.array([length, 1e-3]))


@pytest.mark.parametrize("pooled", [False, True])
def test_a_tissue_s_t1rho_keeps_its_exponential(pooled):
    kind = replace(tissue(t1=1.2, t2=0.08), t1rho_s=0.04, pools=(replace(AMIDE, fraction=1e-6),) if pooled else ())
    kept = [abs(play_cloud(scatter(point(kind), SPEC, (1, 1, 1)), locked(t))[0, 0, 0]) for t in (1e-6, 0.01, 0.02, 0.04)]
    np.testing.assert_allclose(np.array(kept[1:]) / kept[0], [0.7788, 0.6065, 0.3679], atol=1e-3)


def test_what_states_do_not_feel_is_refused_by_name_and_said():
    sequence = built(GRE, SPEC)
    course = TissueCourse(tissue="a", times_s=np.array([0.0, 1.0]), r1_per_s=np.array([0.0, 1.0]))
    first, second = rod(8).tissues
    bodies = {
        "Tissue a, pools": replace(rod(8), tissues=(replace(first, pools=(AMIDE,)), second)),
        "Tissue a, t1rho_s": replace(rod(8), tissues=(replace(first, t1rho_s=0.05), second)),
        "course of a": replace(rod(8), courses=(course,)),
    }
    for words, body in bodies.items():
        choice = choose(body, sequence, SPEC)
        assert choice.engine == "spins" and words in choice.why
        with pytest.raises(UsageError, match=words):
            acquire(body, sequence, SPEC, engine="states")
    twice = replace(POOLED, pools=(SOLID, replace(SOLID, name="myelin")))
    with pytest.raises(UsageError, match="pools macromolecules and myelin are both semisolid"):
        scatter(point(twice), SPEC, (1, 1, 1))
    with pytest.raises(ValueRangeError, match="no tissue c"):
        replace(rod(8), courses=(replace(course, tissue="c"),))
    both = replace(bodies["Tissue a, pools"], courses=(course,))
    with pytest.raises(UsageError, match="which only plain spins do"):
        scatter(both, SPEC, (1, 1, 1))


def test_spins_that_do_not_diffuse_are_told_apart_from_those_that_cannot():
    lines: list[str] = []
    still: Tissue = tissue()
    for kind in (still, replace(still, diffusivity_m2_per_s=1e-9)):
        sequence = decay()[0]
        acquire(point(kind), sequence, SPEC, engine="spins", spins=100, progress=lambda f, what: lines.append(what))
    assert sum(line.startswith("spins stay: diffusion takes") for line in lines) == 1


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("t2", [1e-4, 1e-5, 1e-6])
@pytest.mark.parametrize("protocol", [GRE, TSE])
def test_plastic_says_nothing(protocol, t2):
    water, _ = rod().tissues
    sequence = built(protocol, SPEC)
    silent, plastic = (
        samples(replace(rod(), tissues=(water, tissue("plastic", t1=0.2, t2=t, density=density))), sequence, SPEC)
        for t, density in ((0.05, 0.0), (t2, 0.8))
    )
    assert error(plastic, silent) < 2e-6
