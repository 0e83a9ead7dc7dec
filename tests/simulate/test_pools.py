# TRUTHS of pools: a gradient echo after CEST pulses, a spin-echo train and turning gradients = the float64 reference to 1e-5,
#   with spins of several systems, places, fields and B1 | one pool = a plain spin | tables and joined steps = every step
#   | the Z-spectrum's dip is the steady state's | spin locks of 10, 20, 40 ms keep exp(-t / T1rho), with plain spins too
#   | pools that coincide, and pools gone within a sample, are read right | same bytes for any threads | refusals by name
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Adc, Course, Flaws, Flow, Gradient, RfPulse, RigidMotion, Sequence
from fullbore.errors import ShapeError, UsageError, ValueRangeError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T as GAMMA
from fullbore.signal.bloch_mcconnell import generator, steady_state
from fullbore.simulate.cloud import PoolSystem, Semisolid, SpinCloud, balanced, play_cloud, reference
from fullbore.simulate.cloud.pool_pulses import SystemPulses
from fullbore.simulate.cloud.pulse_steps import equal_steps
from fullbore.simulate.cloud.pulses import integrate
from fullbore.simulate.cloud.spin_lock import integrate_locked
from fullbore.simulate.cloud.spots import make_spots
from fullbore.simulate.fields import IDEAL
from fullbore.simulate.timeline import compile_timeline
from tests.simulate.small import GRE, TSE, built, cut, error, machine
from tests.simulate.test_cloud import spins, turning

SPEC = machine()


def of(t1, t2, shift, fraction, rates, **more) -> PoolSystem:
    parts = (np.array(part, float) for part in (t1, t2, shift))
    named = dict(zip(("t1_s", "t2_s", "shift_Hz"), parts, strict=True))
    return PoolSystem(**named, fraction=np.array(fraction), exchange_per_s=balanced(np.array(fraction), rates), **more)


SOLID = Semisolid(fraction=0.12, t1_s=1.0, exchange_per_s=np.array([25.0, 0.0]))
WATER = of([1.2], [0.08], [0], [1.0], {})
THREE = of([1.2, 0.9, 1.0], [0.08, 0.02, 0.01], [0, 250, -400], [0.8, 0.15, 0.05], {(1, 0): 40.0, (2, 0): 800.0})
TISSUE = of([1.2, 1.0], [0.07, 0.01], [0, 450], [0.86, 0.02], {(1, 0): 100.0}, semisolid=SOLID)
LOCKED = replace(TISSUE, t1rho_s=np.array([0.05, 0.01]))
SYSTEMS = (THREE, TISSUE, LOCKED)


def pooled(cloud: SpinCloud, systems: tuple[PoolSystem, ...], kind: np.ndarray | None = None) -> SpinCloud:
    """A cloud of pools, all of the first system by default."""
    return replace(cloud, systems=systems, kind=np.zeros(len(cloud), int) if kind is None else kind)


def prepared(
    shape_T: np.ndarray, raster_s: float, offsets_Hz: list[float], pulses: int = 1, flip_rad: float = 0.6, samples: int = 24
) -> Sequence:
    """For each offset: saturation pulses 3 ms apart, a spoiler along x and y, a 0.4 ms excitation and a line along x and z."""
    length = len(shape_T) * raster_s
    saturation = RfPulse(b1_T=shape_T.astype(complex), raster_s=raster_s, delay_s=0.0, centre_s=length / 2, flip_rad=1.0, use="p")
    hard = RfPulse(
        b1_T=np.full(100, flip_rad / (GAMMA * 4e-4), complex), raster_s=4e-6, delay_s=1e-5, centre_s=2e-4, flip_rad=flip_rad,
        use="e",
    )  # fmt: skip
    line = Gradient(times_s=np.array([0.0, 1e-4, 2.9e-3, 3e-3]), values_T_per_m=np.array([0.0, 8e-3, 8e-3, 0.0]))
    rows = []
    for number, offset in enumerate(offsets_Hz):
        rows += [(length + 3e-3, 0, 0.3 * number, offset, (-1, -1, -1), -1)] * pulses
        rows += [(3e-3, -1, 0, 0, (0, 0, -1), -1), (5e-4, 1, number, 0, (-1, -1, -1), -1), (3e-3, -1, 0, 0, (0, -1, 0), 0)]
        rows += [(0.05, -1, 0, 0, (-1, -1, -1), -1)]
    duration, rf, phase, frequency, axes, adc = (np.array(part) for part in zip(*rows, strict=True))
    encoding = built(GRE, SPEC).encoding.take(np.zeros(len(offsets_Hz), int))
    return Sequence(
        name="prepared", rf_pulses=(saturation, hard), gradients=(line,),
        adcs=(Adc(samples=samples, dwell_s=100e-6, delay_s=1.5e-4),), duration_s=duration.astype(float), rf=rf,
        rf_phase_rad=phase.astype(float), rf_frequency_Hz=frequency.astype(float), gradient=axes.astype(np.int32),
        gradient_scale=np.ones((len(rows), 3)), adc=adc, adc_phase_rad=np.linspace(0, 1, len(rows)),
        encoding=replace(encoding, samples=samples, dwell_s=100e-6),
    )  # fmt: skip


def gauss(length: int, peak_T: float = 2e-6) -> np.ndarray:
    return peak_T * np.exp(-0.5 * ((np.arange(length) + 0.5 - length / 2) / (0.2 * length)) ** 2)


def same(count: int, coils: int = 1, **changes) -> SpinCloud:
    """Equal spins in the middle with an ideal field and transmitter."""
    still = dict(
        position_m=np.zeros((count, 3)), off_resonance_Hz=np.zeros(count), b1_scale=np.ones(count), amount=np.ones(count)
    )
    return replace(spins(count, coils=coils), **(still | {"sensitivity": np.ones((coils, count), np.complex64)} | changes))


@pytest.mark.parametrize("shape", ["block", "gauss"])
def test_a_gradient_echo_after_cest_pulses_is_the_reference(shape):
    cloud = pooled(spins(9), SYSTEMS, np.arange(9) % 3)
    pulse = np.full(20_000, 1.5e-6) if shape == "block" else gauss(400)
    sequence = prepared(pulse, 1e-6 if shape == "block" else 5e-5, [0.0, 450.0, 2000.0], pulses=2)
    assert error(play_cloud(cloud, sequence), reference(cloud, sequence)) < 1e-5


def test_a_spin_echo_train_is_the_reference():
    cloud, sequence = pooled(spins(9), SYSTEMS, np.arange(9) % 3), built(TSE, SPEC)
    assert error(play_cloud(cloud, sequence), reference(cloud, sequence)) < 1e-5


def test_turning_gradients_and_plain_spins_beside_pools_are_the_reference():
    cloud, sequence = pooled(spins(4), SYSTEMS, np.arange(4) - 1), cut(turning(), 2)
    assert error(play_cloud(cloud, sequence), reference(cloud, sequence)) < 1e-5


def test_one_pool_is_a_plain_spin_and_progress_ends_at_one():
    cloud, heard = spins(20), []
    plain = replace(cloud, t1_s=np.full(20, 1.2), t2_s=np.full(20, 0.08))
    sequence = built(TSE, SPEC)
    pools = play_cloud(pooled(cloud, (WATER,)), sequence, progress=heard.append)
    assert error(pools, play_cloud(plain, sequence)) < 1e-5
    mixed = play_cloud(pooled(plain, (WATER,), np.arange(20) % 2 - 1), sequence, progress=heard.append)
    assert error(mixed, pools) < 1e-5 and heard[-1] == 1.0 and all(0 <= part <= 1 for part in heard)


def test_tables_and_joined_steps_are_every_step():
    sequence, cloud = prepared(gauss(1000), 1e-5, [450.0, -450.0]), spins(20_000, 1, 1)
    timeline, spots = compile_timeline(sequence), make_spots(cloud, IDEAL)
    pulses, few = SystemPulses(timeline, TISSUE, spots, threads=2), spots.take(np.arange(50))
    assert len(pulses._tables) == len(pulses.played)
    for (kind, frequency_Hz, _), looked_up in zip(pulses.played, pulses.terms(few, np.arange(len(pulses.played))), strict=True):
        every = ((1.0, equal_steps(timeline.kinds[int(kind)], np.full(3, 0.05))),)
        exact = pulses.integrate(every, few.home, few.cloud.off_resonance_Hz - frequency_Hz, np.abs(few.drive[0]))
        assert np.abs(np.moveaxis(looked_up, -1, 0) - exact).max() < 2e-6


def test_the_dip_is_the_steady_state_s():
    """A 6 s block, read by a small flip: the Z-spectrum of the matrix's own steady state."""
    offsets = [450.0, -450.0, 5000.0, 1e6]
    sequence = prepared(np.array([1e-6]), 6.0, offsets)
    spoiled = np.zeros((8, 3))
    spoiled[:, 1] = np.arange(8) / 8 / (GAMMA / (2 * np.pi) * 8e-3 * 2.8e-3)  # over one cycle of the spoiler
    z = np.abs(play_cloud(pooled(same(8, position_m=spoiled), (TISSUE,)), sequence)[:, 0, 12])
    lines = TISSUE.semisolid.absorption_s(np.array(offsets))
    states = steady_state(
        generator(b1_T=np.full(4, 1e-6), frequency_Hz=-np.array(offsets), lineshape_s=lines, **TISSUE.equations())
    )
    # 5e-3: between saturation and readout 6 ms pass, in which the pools exchange and recover
    np.testing.assert_allclose(z[:3] / z[3], states[:3, 4] / 0.86, atol=5e-3)
    assert states[1, 4] - states[0, 4] > 0.02 * 0.86


@pytest.mark.parametrize("plain", [False, True])
def test_spin_locks_keep_what_t1rho_says(plain):
    kept = []
    for lock in (0.0, 0.010, 0.020, 0.040):
        shape = np.concatenate([np.full(5, 0.5 * np.pi / (GAMMA * 5e-6)), np.full(round(lock / 1e-6), 1j * 12e-6)])
        sequence = prepared(shape, 1e-6, [0.0], flip_rad=0.0)
        if plain:
            timeline = compile_timeline(sequence)
            pulse = next(kind for kind in timeline.kinds if kind.use == "p")
            cloud = replace(same(1), t1_s=np.full(1, 1.2), t2_s=np.full(1, 0.08), t1rho_s=np.full(1, 0.04))
            terms = integrate_locked(pulse, cloud, cloud.position_m, np.ones(1), 0.0)[0]
            kept.append(np.hypot(terms[4] + terms[9], terms[5] + terms[10]) * np.exp(-(pulse.duration_s - pulse.centre_s) / 0.08))
        else:
            gradients = np.full_like(sequence.gradient, -1)
            still = replace(sequence, gradient=gradients)
            system = replace(WATER, t1rho_s=np.array([0.04]))
            kept.append(np.abs(play_cloud(pooled(same(1), (system,)), still)[0, 0, 0]))
    np.testing.assert_allclose(np.array(kept[1:]) / kept[0], [0.7788, 0.6065, 0.3679], atol=1e-3)


def test_without_t1rho_locked_pulses_are_plain_ones():
    timeline, cloud = compile_timeline(turning()), spins(10)
    cloud = replace(cloud, t1rho_s=cloud.t2_s)
    for kind in timeline.kinds:
        place, scale = cloud.position_m, np.abs(cloud.b1_scale)
        locked = integrate_locked(kind, cloud, place, scale, 100.0)
        np.testing.assert_allclose(locked, integrate(kind, cloud, place, scale, 100.0), atol=1e-6)


def test_modes_that_coincide_are_read_right():
    """Equal pools exchanging as fast as their shift: the one place where modes do not span."""
    for rate in (np.pi * 100, np.pi * 100 * (1 + 1e-7), np.pi * 100 * 1.01):
        twin = of([1.0, 1.0], [0.08, 0.08], [0, 100], [0.5, 0.5], {(0, 1): rate})
        sequence, cloud = prepared(gauss(20), 5e-5, [0.0, 50.0]), pooled(spins(4), (twin,))
        assert error(play_cloud(cloud, sequence), reference(cloud, sequence)) < 5e-5  # see `pool_modes.NUDGE`


def test_the_same_bytes_for_any_number_of_threads_and_block(monkeypatch):
    cloud, sequence = pooled(spins(300), SYSTEMS, np.arange(300) % 3), prepared(gauss(40), 5e-5, [0.0, 450.0])
    monkeypatch.setattr("fullbore.simulate.cloud.play.MOST_SPINS", 64)
    monkeypatch.setattr("fullbore.simulate.cloud.play.FEWEST_SPINS", 64)
    one = play_cloud(cloud, sequence, threads=1)
    assert one.tobytes() == play_cloud(cloud, sequence, threads=3).tobytes()
    mixed = np.random.default_rng(0).permutation(300)
    assert error(play_cloud(cloud.take(mixed), sequence), one) < 2e-6


def test_bad_systems_are_refused_by_name():
    with pytest.raises(ValueRangeError, match="detailed balance"):
        replace(THREE, exchange_per_s=THREE.exchange_per_s.T)
    with pytest.raises(ValueRangeError, match="from pool 2 to 0, wanted at least 0"):
        replace(THREE, exchange_per_s=-THREE.exchange_per_s)
    with pytest.raises(ValueRangeError, match=r"the sum is 0\.88 with the semisolid, wanted 1"):
        replace(TISSUE, semisolid=None)
    with pytest.raises(ValueRangeError, match="t2_s: NaN or infinity in pool 1"):
        replace(THREE, t2_s=np.array([0.1, np.nan, 0.1]))
    with pytest.raises(ValueRangeError, match=r"t1_s: got -1\.0 in pool 2"):
        replace(THREE, t1_s=np.array([1.0, 1, -1]))
    with pytest.raises(ShapeError, match="shift_Hz"):
        replace(THREE, shift_Hz=np.zeros(2))
    with pytest.raises(ValueRangeError, match="fraction between 0 and 1"):
        replace(SOLID, fraction=1.5)
    with pytest.raises(ValueRangeError, match="spin 2 is of system 3, wanted -1 to 2"):
        pooled(spins(3), SYSTEMS, np.array([0, 1, 3]))
    with pytest.raises(UsageError, match="kind: None, with 3 systems"):
        replace(spins(3), systems=SYSTEMS)
    with pytest.raises(ValueRangeError, match=r"t1rho_s: got 0\.0 at spin 1"):
        replace(spins(3), t1rho_s=np.array([0.1, 0, 0.1]))


@pytest.mark.parametrize("rate", [1e3, 1e4, 1e5])
def test_a_pool_that_is_gone_within_a_sample_or_a_readout_is_read_right(rate):
    fast = of([1.0, 1.0], [0.08, 0.03], [0, 400], [0.9, 0.1], {(1, 0): rate})
    sequence, cloud = prepared(gauss(20), 5e-5, [0.0]), pooled(spins(4), (fast,))
    sequence = replace(sequence, adcs=(replace(sequence.adcs[0], delay_s=0.0),))
    assert error(play_cloud(cloud, sequence), reference(cloud, sequence)) < 1e-5


def brief() -> Sequence:
    """Two short pulses, offset and turning in phase, before one readout each: 8 ms."""
    return cut_short(prepared(gauss(60), 5e-6, [450.0, -200.0]))


def cut_short(sequence: Sequence) -> Sequence:
    """The same without its long pauses."""
    return replace(sequence, duration_s=np.where(sequence.duration_s > 0.01, 1e-4, sequence.duration_s))


def test_plain_pooled_and_locked_spins_together_are_the_reference():
    cloud = pooled(spins(10), SYSTEMS, np.arange(10) % 5 - 2 + (np.arange(10) % 5 == 0))
    cloud = replace(cloud, t1rho_s=np.where(np.arange(10) < 5, cloud.t2_s, 2e-3))
    assert [len(part) for _, part in cloud.sorts()] == [2, 2, 2, 2, 2]
    wanted = reference(cloud, brief())
    assert error(play_cloud(cloud, brief()), wanted) < 1e-5
    assert error(play_cloud(replace(cloud, t1rho_s=None), brief()), wanted) > 1e-3  # the lock is felt


TURN = Course(times_s=np.array([0.0, 5e-3, 0.02]), values=np.array([[0.0, 0, 0], [0.02, 0.05, -0.1], [0.1, -0.1, 0.1]]))
SHIFT = Course(times_s=np.array([0.0, 0.02]), values=np.array([[0.0, 0, 0], [3e-3, -2e-3, 4e-3]]))
MOVES = RigidMotion(turn=TURN, shift=SHIFT, centre_m=(0.01, 0.0, -0.02))
HALVES = of([1.2, 1.2], [0.08, 0.08], [0, 0], [0.4, 0.6], {})
BAD = replace(SPEC, flaws=Flaws(drift_Hz_per_s=300.0, concomitant=True))


@pytest.mark.parametrize("how", ["flaws", "motion", "seen"])
@pytest.mark.parametrize("which", ["turning", "prepared"])
def test_without_exchange_pools_feel_flaws_and_motion_as_plain_spins_do(how, which):
    sequence, spec = turning() if which == "turning" else brief(), BAD if how == "flaws" else None
    plain = replace(spins(30, coils=12), t1_s=np.full(30, 1.2), t2_s=np.full(30, 0.08))
    if how != "flaws":
        plain = replace(plain, motion=MOVES, through=None if how == "motion" else SPEC.receive.sensitivity)
    wanted = play_cloud(plain, sequence, spec)
    assert error(play_cloud(pooled(plain, (HALVES,)), sequence, spec), wanted) < 1e-5
    assert error(play_cloud(replace(plain, motion=None), sequence), wanted) > 1e-3  # it is felt


def test_exchange_in_a_machine_with_flaws_is_the_reference():
    sequence, cloud = cut_short(prepared(gauss(20), 5e-6, [450.0])), pooled(spins(3), SYSTEMS, np.arange(3))
    sequence = replace(sequence, rf_pulses=tuple(replace(p, b1_T=p.b1_T[:20], centre_s=4e-5) for p in sequence.rf_pulses))
    assert error(play_cloud(cloud, sequence, BAD), reference(cloud, sequence, BAD)) < 1e-5


def test_readouts_of_two_lengths_are_the_reference():
    sequence, cloud = brief(), pooled(spins(6), SYSTEMS, np.arange(6) % 3)
    read = np.flatnonzero(sequence.adc >= 0)
    other = Adc(samples=10, dwell_s=60e-6, delay_s=4e-4)
    both = replace(sequence, adcs=(*sequence.adcs, other), adc=np.where(np.arange(len(sequence.adc)) == read[1], 1, sequence.adc))
    both = replace(both, encoding=replace(both.encoding, row_samples=np.array([24, 10])))
    assert error(play_cloud(cloud, both), reference(cloud, both)) < 1e-5


def test_pools_rest_beside_a_pipe_and_are_refused_within():
    pace = Course(times_s=np.zeros(1), values=np.ones(1))
    path = np.array([[0.0, 0.0, -0.05], [0.0, 0.0, 0.05]])
    pipe = Flow(path_m=path, radius_m=0.01, peak_velocity_m_per_s=1.0, pace=pace)
    place = spins(12).position_m
    place[:, :2] *= np.where(np.arange(12) < 6, 0.1, 1.0)[:, None] / 2
    place[6:, 0] += 0.04
    inside = np.where(np.arange(12) < 6, 0, -1)
    cloud = pooled(replace(spins(12), position_m=place, flows=(pipe,), flow=inside), (WATER,), np.where(np.arange(12) < 6, -1, 0))
    alike = replace(cloud, systems=(), kind=None, t1_s=np.where(np.arange(12) < 6, cloud.t1_s, 1.2))
    alike = replace(alike, t2_s=np.where(np.arange(12) < 6, cloud.t2_s, 0.08))
    assert error(play_cloud(cloud, brief()), play_cloud(alike, brief())) < 1e-5
    with pytest.raises(UsageError, match="spins of pools do not flow in fresh"):
        play_cloud(replace(cloud, kind=np.zeros(12, int)), brief())
