# TRUTHS of diffusion: a spin echo and a stimulated echo with trapezoids lose exp(-b D), b in closed form, to 1e-4
#   | with imaging gradients on top, b is that of a blunt sum over the waveforms | a tensor: exp(-b g D g) for any direction, in
#   patient axes whatever the scan's | compartments add up | a train of pulses is Bloch and Torrey's equation on a line
#   | a sample late in a readout has diffused longer | trains that differ in b alone are not taken for repetitions
#   | a tensor that is none, fractions that do not sum to one are refused by name
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Compartment, Phantom
from fullbore.errors import ValueRangeError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.signal.bloch_torrey import diffuse
from tests.simulate.small import RASTER_S, Event, by_hand, error, machine, point, pulse, samples, tissue, trapezoid

SPEC = machine(b1=False, coils=False)
READ = Event(duration_s=1e-3, samples=True)
RAMP_S, FLAT_S, HEIGHT = 0.5e-3, 9.5e-3, 35e-3
WATER = tissue(t1=1.0, t2=0.1)


def spin_echo(*between: Event, height=(HEIGHT, 0.0, 0.0), pause_s: float = 5e-3):
    """90, lobe, 180, lobe, readout around the echo; `between` is played before and after refocusing."""
    lobe, rest = trapezoid(height, RAMP_S, FLAT_S), Event(duration_s=pause_s)
    half = [lobe, *between, rest]
    late = Event(duration_s=0.5e-3)  # the echo comes in the middle of the readout
    return by_hand([pulse(90), late, *half, pulse(180, 90, "r"), *half[::-1][:-1], lobe, READ])


def stimulated_echo(height=(HEIGHT, 0.0, 0.0), mixing_s: float = 40e-3):
    """Three 90s; what stays transverse during mixing is crushed across the lobes."""
    lobe, crusher, rest = trapezoid(height, RAMP_S, FLAT_S), trapezoid((0.0, 0.0, 20e-3), 2e-4, 2e-3), Event(duration_s=1e-3)
    wait = Event(duration_s=mixing_s - crusher.duration_s)
    store, recall = pulse(-90, use="p"), pulse(-90, use="u")
    return by_hand([pulse(90), lobe, rest, store, crusher, wait, recall, rest, lobe, READ])


def stejskal_tanner(delta_s: float, big_delta_s: float, ramp_s: float, height=HEIGHT) -> float:
    """b of two trapezoids, delta from the start of a ramp to the start of the next, s/m^2 (Bernstein, King, Zhou 2004, 9.1)."""
    area = (2 * np.pi * GYROMAGNETIC_RATIO_HZ_PER_T * height) ** 2
    return float(area * (delta_s**2 * (big_delta_s - delta_s / 3) + ramp_s**3 / 30 - delta_s * ramp_s**2 / 6))


def kept(sequence, phantom: Phantom, still: Phantom, sample: int = 4) -> np.ndarray:
    """Signal over signal without diffusion, one sample of every readout."""
    with_it, without = (samples(one, sequence, SPEC, 1e-5)[:, 0, sample] for one in (phantom, still))
    return np.abs(with_it) / np.abs(without)


def weight(sequence, **diffusion) -> float:
    """-ln of what diffusion keeps of the only readout."""
    return float(-np.log(kept(sequence, point(replace(WATER, **diffusion)), point(WATER))[0]))


@pytest.mark.parametrize("diffusivity", [1e-9, 3e-9])
def test_a_spin_echo_is_stejskal_and_tanner_s(diffusivity):
    sequence = spin_echo()
    delta, big = RAMP_S + FLAT_S, 2 * RAMP_S + FLAT_S + 2 * 5e-3 + 1e-4
    wanted = stejskal_tanner(delta, big, RAMP_S) * diffusivity
    assert wanted > 0.1
    assert weight(sequence, diffusivity_m2_per_s=diffusivity) == pytest.approx(wanted, rel=1e-4, abs=1e-5)


def test_a_stimulated_echo_is_stejskal_and_tanner_s():
    delta, between = RAMP_S + FLAT_S, 2 * RAMP_S + FLAT_S + 2 * 1e-3 + 2 * 1e-4 + 40e-3
    wanted = stejskal_tanner(delta, between, RAMP_S) * 0.7e-9
    assert weight(stimulated_echo(), diffusivity_m2_per_s=0.7e-9) == pytest.approx(wanted, rel=1e-4)


def blunt_b(sequence, refocused_block: int) -> np.ndarray:
    """b-matrix of a spin echo up to the middle of its readout, by trapezoids of 1 us over the waveforms, s/m^2."""
    end = sequence.block_starts_s()[-1] + 0.5 * sequence.duration_s[-1]
    starts = sequence.block_starts_s()
    times = np.arange(round(end / 1e-6) + 1) * 1e-6
    gradient = np.zeros((len(times), 3))
    for block, start in enumerate(starts):
        for axis in range(3):
            if sequence.gradient[block, axis] >= 0:
                shape = sequence.gradients[sequence.gradient[block, axis]]
                own = np.interp(times - start, shape.times_s, shape.values_T_per_m, 0.0, 0.0)
                gradient[:, axis] += sequence.gradient_scale[block, axis] * own
    centre = sequence.duration_s[0] / 2, starts[refocused_block] + sequence.duration_s[refocused_block] / 2
    sign = np.where(times < centre[1], -1.0, 1.0) * (times >= centre[0])
    speed = 2 * np.pi * GYROMAGNETIC_RATIO_HZ_PER_T * gradient * sign[:, None]
    k = np.concatenate([np.zeros((1, 3)), np.cumsum(0.5 * (speed[1:] + speed[:-1]), axis=0) * 1e-6])
    return np.asarray(np.einsum("ti,tj->ij", k, k) * 1e-6)


def test_cross_terms_with_imaging_gradients_count():
    extra = trapezoid((8e-3, -6e-3, 4e-3), 0.3e-3, 2e-3)
    sequence, plain = spin_echo(extra), spin_echo(Event(duration_s=extra.duration_s))
    b = blunt_b(sequence, 5)
    assert np.trace(b) > 1.05 * np.trace(blunt_b(plain, 5))
    # relative 2e-4: the blunt sum's own step at the ramps
    assert weight(sequence, diffusivity_m2_per_s=1e-9) == pytest.approx(np.trace(b) * 1e-9, rel=2e-4)
    tensor = ((1.5e-9, 0.3e-9, -0.2e-9), (0.3e-9, 0.6e-9, 0.1e-9), (-0.2e-9, 0.1e-9, 0.4e-9))
    wanted = float((b * np.array(tensor)).sum())
    assert weight(sequence, diffusion_tensor_m2_per_s=tensor) == pytest.approx(wanted, rel=2e-4)


@pytest.mark.parametrize("direction", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.6, -0.8, 0), (0.48, 0.6, 0.64)])
def test_a_tensor_weighs_by_direction(direction):
    tensor = ((1.7e-9, 0.2e-9, 0.1e-9), (0.2e-9, 0.4e-9, -0.1e-9), (0.1e-9, -0.1e-9, 0.3e-9))
    g = np.array(direction)
    b = stejskal_tanner(RAMP_S + FLAT_S, 2 * RAMP_S + FLAT_S + 2 * 5e-3 + 1e-4, RAMP_S)
    got = weight(spin_echo(height=tuple(HEIGHT * g)), diffusion_tensor_m2_per_s=tensor)
    assert got == pytest.approx(b * float(g @ np.array(tensor) @ g), rel=1e-4)


def test_compartments_add_up():
    parts = (
        Compartment(fraction=0.7, diffusivity_m2_per_s=1.4e-9),
        Compartment(fraction=0.2, diffusivity_m2_per_s=0.2e-9),
        Compartment(fraction=0.1, diffusion_tensor_m2_per_s=((2e-9, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))),
    )
    for scale in (0.5, 1.0):
        b = scale**2 * stejskal_tanner(RAMP_S + FLAT_S, 2 * RAMP_S + FLAT_S + 2 * 5e-3 + 1e-4, RAMP_S)
        wanted = 0.7 * np.exp(-1.4e-9 * b) + 0.2 * np.exp(-0.2e-9 * b) + 0.1 * np.exp(-2e-9 * b)
        sequence = spin_echo(height=(scale * HEIGHT, 0.0, 0.0))
        assert np.exp(-weight(sequence, compartments=parts)) == pytest.approx(wanted, rel=1e-4)


def multi_pulse(length_m: float):
    """Flips and phases of all sorts; between them trapezoids whose moments are whole turns over the line."""
    rng, events = np.random.default_rng(3), []
    for flip, phase, turns in zip(rng.uniform(20, 150, 12), rng.uniform(0, 360, 12), rng.choice([1, 2, -1, 3], 12), strict=True):
        height = turns / (length_m * GYROMAGNETIC_RATIO_HZ_PER_T * 1.2e-3)
        events += [pulse(float(flip), float(phase)), Event(duration_s=4e-4, samples=True), trapezoid((0, 0, height), 2e-4, 1e-3)]
        events += [Event(duration_s=6e-3)]
    return by_hand(events, samples=8, dwell_s=40e-6)


def on_raster(sequence) -> dict[str, np.ndarray]:
    """A sequence by hand along z, in short steps where something is played, from sample to sample elsewhere."""
    steps: list[tuple[np.ndarray, ...]] = []
    for block in range(sequence.blocks):
        at, shape, adc = sequence.rf[block], sequence.gradient[block, 2], sequence.adcs[0]
        taken = adc.delay_s + (np.arange(adc.samples) + 0.5) * adc.dwell_s if sequence.adc[block] >= 0 else np.zeros(0)
        count = round(sequence.duration_s[block] / RASTER_S) if at >= 0 or shape >= 0 else 1
        edges = np.unique(np.round([*np.linspace(0, sequence.duration_s[block], count + 1), *taken], 9))
        middle, b1, gradient = 0.5 * (edges[1:] + edges[:-1]), np.zeros(len(edges) - 1, complex), np.zeros(len(edges) - 1)
        if at >= 0:
            b1 = np.conj(sequence.rf_pulses[at].b1_T * np.exp(1j * sequence.rf_phase_rad[block]))
        if shape >= 0:
            knots = sequence.gradients[shape]
            gradient = sequence.gradient_scale[block, 2] * np.interp(middle, knots.times_s, knots.values_T_per_m)
        steps.append((np.diff(edges), b1, gradient, np.isin(edges[1:], np.round(taken, 9))))
    names = ("dt_s", "b1_T", "gradient_T_per_m", "sampled")
    return dict(zip(names, (np.concatenate(part) for part in zip(*steps, strict=True)), strict=True))


def test_a_train_of_pulses_is_bloch_and_torrey_s():
    length, diffusivity = 0.1e-3, 3e-9
    sequence, kind = multi_pulse(length), tissue(t1=0.5, t2=0.1)
    moving, still = (
        samples(point(replace(kind, diffusivity_m2_per_s=d), length), sequence, SPEC, 1e-5)[:, 0] for d in (diffusivity, 0.0)
    )
    line = diffuse(
        length_m=length, diffusivity_m2_per_s=diffusivity, t1_s=kind.t1_s, t2_s=kind.t2_s, off_resonance_Hz=np.zeros(128),
        **on_raster(sequence),
    )  # fmt: skip
    wanted = length**3 * line.reshape(moving.shape)
    assert error(moving, wanted) < 1e-4 and error(still, wanted) > 0.05


def test_a_late_sample_has_diffused_longer():
    # One lobe over the readout, no preparation: sample by sample the cube of time, while k runs from zero.
    gradient, dwell, count = 5e-3, 0.2e-3, 64
    flat = trapezoid((gradient, 0.0, 0.0), 0.1e-3, count * dwell)
    shape = replace(flat, samples=True, duration_s=flat.duration_s + 0.2e-3)
    sequence = by_hand([pulse(90), Event(duration_s=1e-3), shape], count, dwell)
    kind = tissue(t1=1.0, t2=1.0)
    fast = replace(kind, diffusivity_m2_per_s=10e-9)
    with_it, without = (samples(point(one, 0.2e-3), sequence, SPEC, 1e-5)[0, 0] for one in (fast, kind))
    shapes = sequence.gradients[0]
    times = np.arange(round(shape.duration_s / 1e-6) + 1) * 1e-6
    speed = 2 * np.pi * GYROMAGNETIC_RATIO_HZ_PER_T * gradient * np.interp(times, shapes.times_s, shapes.values_T_per_m)
    k = np.concatenate([[0.0], np.cumsum(0.5 * (speed[1:] + speed[:-1])) * 1e-6])
    b = np.concatenate([[0.0], np.cumsum(0.5 * (k[1:] ** 2 + k[:-1] ** 2)) * 1e-6])
    taken = sequence.adcs[0].delay_s + (np.arange(count) + 0.5) * dwell
    wanted = np.exp(-10e-9 * np.interp(taken, times, b))
    assert wanted[-1] < 0.99
    np.testing.assert_allclose(np.abs(with_it / without), wanted, atol=1e-4)


def test_trains_that_differ_in_b_alone_are_not_repetitions():
    delta, diffusivity, b = 4e-3, 3e-9, []
    ramp, flat = 0.5e-3, delta - 1e-3
    events: list[Event] = []
    heights = np.where(np.arange(60) % 20 < 10, 1e-3, np.linspace(0, 100e-3, 60))
    for height in heights:
        lobes = [trapezoid((sign * height, 0.0, 0.0), ramp, flat) for sign in (1, -1)]
        spoiler = trapezoid((0.0, 0.0, 30e-3), 0.5e-3, 5e-3)
        events += [pulse(90), *lobes, READ, spoiler, Event(duration_s=50e-3)]
        b.append(stejskal_tanner(delta - ramp, delta, ramp, height))
    kind = tissue(t1=0.02, t2=0.015)
    got = kept(by_hand(events), point(replace(kind, diffusivity_m2_per_s=diffusivity)), point(kind))
    np.testing.assert_allclose(got, np.exp(-np.array(b) * diffusivity), atol=1e-4)
    assert got.min() < 0.95


def test_diffusion_that_is_none_is_refused_by_name():
    with pytest.raises(ValueRangeError, match="Tissue water: diffusion tensor"):
        replace(WATER, diffusion_tensor_m2_per_s=((1e-9, 1e-10, 0.0), (0.0, 1e-9, 0.0), (0.0, 0.0, 1e-9)))
    with pytest.raises(ValueRangeError, match="without negative eigenvalues"):
        replace(WATER, diffusion_tensor_m2_per_s=((1e-9, 2e-9, 0.0), (2e-9, 1e-9, 0.0), (0.0, 0.0, 1e-9)))
    with pytest.raises(ValueRangeError, match=r"compartments sum to 0\.5"):
        replace(WATER, compartments=(Compartment(fraction=0.5),))
    with pytest.raises(ValueRangeError, match="Give only one"):
        replace(WATER, diffusivity_m2_per_s=1e-9, compartments=(Compartment(fraction=1.0),))
    with pytest.raises(ValueRangeError, match="diffusivity_m2_per_s is nan"):
        replace(WATER, diffusivity_m2_per_s=float("nan"))
