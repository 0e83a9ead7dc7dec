"""The steps of the readable truth: what every spin meets in each, brute force in float64."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex, Float, Int

from fullbore.data import Flaws, Flow, RfAmplifier, RfPulse, ScannerSpec, Sequence
from fullbore.numerics.vessel import Streams, Vessel
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.simulate.cloud.motion import make_moves, places
from fullbore.simulate.cloud.reference_walk import Wander
from fullbore.simulate.cloud.spins import SpinCloud
from fullbore.simulate.fields import at_places, make_spline
from fullbore.simulate.gradients import play_gradients
from fullbore.simulate.timeline import amplified

LONGEST_STEP_S, LONGEST_REST_S, HELD_STEP_S, RF_STEP_S = 4e-6, 20e-6, 2e-6, 2.5e-7
"""Longest steps where the field changes within what would be one step of an ideal machine and spins at rest: with gradients,
without, during RF, and during RF under gradients that change."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """b1_T: (n,) at the step's start, in the signal's frame, turning at carrier_Hz. f_Hz, t1_s, t2_s: (n,) at its middle.

    fresh: (n,) spins that came in since the last step, at rest. seen: (coil, n) at a sample that ends the step, else None.
    """

    dt_s: float
    b1_T: Complex[np.ndarray, " n"]
    carrier_Hz: float
    f_Hz: Float[np.ndarray, " n"]
    t1_s: Float[np.ndarray, " n"]
    t2_s: Float[np.ndarray, " n"]
    fresh: Bool[np.ndarray, " n"]
    seen: Complex[np.ndarray, "coil n"] | None


def walk(cloud: SpinCloud, sequence: Sequence, spec: ScannerSpec | None, join: bool = False) -> Iterator[Step]:
    """Steps of spins of one sort, as long as RF raster, gradient knots and samples allow, and no longer than `LONGEST_STEP_S`
    where spins move, change their frequency, or the machine has flaws. join: those of an ideal machine and spins at rest that
    go on as the one before are one.

    Fields, places and rates are taken at the middle of a step, which is exact for the moment of a linear piece.
    """
    flaws, changing = spec.flaws if spec is not None else Flaws(), cloud.changing
    turning = changing is not None and bool(changing.values[:, 2:].any())
    wander = None if cloud.diffuses is None else Wander(cloud, sequence, spec)
    plain = not (cloud.moves or wander or turning or flaws.response or flaws.drift_Hz_per_s or flaws.concomitant)
    played, starts = play_gradients(sequence, flaws.response), sequence.block_starts_s()
    corners = np.concatenate([played.edges_s, np.zeros(0) if changing is None else changing.times_s])
    steps = [_steps(sequence, block, flaws.rf_amplifier, not plain, corners - starts[block]) for block in range(len(starts))]
    dt, b1, carrier, sampled = (np.concatenate(part) for part in zip(*steps, strict=True))
    time, blocks = np.cumsum(dt) - 0.5 * dt, np.repeat(np.arange(len(starts)), [len(step[0]) for step in steps])
    gradient = played.at(time)
    if join and plain:
        first = _first(dt, b1, carrier, gradient, sampled, blocks)
        dt, sampled = np.add.reduceat(dt, first), sampled[np.append(first[1:], len(dt)) - 1]
        time, b1, carrier, gradient, blocks = (part[first] for part in (time, b1, carrier, gradient, blocks))
    drives = {-1: cloud.drive(None)} | {index: cloud.drive(shim) for index, shim in enumerate(sequence.rf_shims)}
    world, place, lap, number = _World(cloud, spec), cloud.position_m, np.zeros(len(cloud)), 0
    firsts = np.cumsum(np.append(0, sequence.encoding.samples_per_row()))
    if wander:
        wander.plan(time, dt, b1 == 0)
    field, own = world.at(place), np.zeros((len(time), 4)) if changing is None else changing.at(time)
    for t, h, b, c, g, taken, block, added in zip(time, dt, b1, carrier, gradient, sampled, blocks, own, strict=True):
        came = lap
        if cloud.moves or wander:
            place, lap = world.moved(float(t), wander.away_m(float(t)) if wander else 0.0)
            field = world.at(place)
        f = cloud.off_resonance_Hz + world.met_Hz(field, place, g) + flaws.drift_Hz_per_s * t
        drive, t1, t2 = drives[int(sequence.rf_shim[block])], cloud.t1_s, cloud.t2_s
        if changing is not None:
            t1, t2 = 1 / (1 / t1 + added[0]), 1 / (1 / t2 + added[1])
            f = f + added[3] + (0.0 if cloud.line is None else added[2] * cloud.line)
        if wander and b == 0:
            f = f + wander.added_Hz(float(t))
        number += taken
        seen = world.seen(place) if taken else None
        if wander and seen is not None:
            seen = seen * wander.picture(float(t + 0.5 * h), int(np.searchsorted(firsts, number)) - 1)
        yield Step(dt_s=float(h), b1_T=drive * b, carrier_Hz=float(c), f_Hz=f, t1_s=t1, t2_s=t2, fresh=lap != came, seen=seen)


class _World:
    """What spins of a cloud meet, at any place."""

    def __init__(self, cloud: SpinCloud, spec: ScannerSpec | None):
        flaws, self._b0_T = (spec.flaws, spec.b0_T) if spec is not None else (Flaws(), 0.0)
        maps = flaws.gradient_fields_m, flaws.field_ppm if cloud.moves else None, cloud.through if cloud.moves else None
        self._coils, self._ppm, self._through = (None if field is None else make_spline(field) for field in maps)
        self._cloud, self._concomitant, self._streams = cloud, flaws.concomitant, _streams(cloud)
        self._moves = None if cloud.motion is None else make_moves(cloud.motion)

    def moved(
        self, time_s: float, away_m: Float[np.ndarray, "n 3"] | float = 0.0
    ) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, " n"]]:
        """Where spins are at a time that have walked so far in the body, and how often they have come in fresh."""
        place, lap, time = self._cloud.position_m.copy(), np.zeros(len(self._cloud)), np.array([time_s])
        for vessel, which, stream in self._streams:
            way = vessel.flow.pace.integral(time)
            lap[which] = stream.laps(float(way[0]))
            place[which] = vessel.places(stream, way, lap[which])[0]
        place = place + away_m
        return place if self._moves is None else places(self._moves, place, time)[0], lap

    def at(self, place: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 4"]:
        """Fields of the three gradients over their nominal strength, m, and the magnet's own that spins move through, Hz."""
        linear = place if self._coils is None else at_places(self._coils, place).real.T
        ppm = np.zeros(len(place)) if self._ppm is None else at_places(self._ppm, place)[0].real
        return np.column_stack([linear, 1e-6 * self._b0_T * GYROMAGNETIC_RATIO_HZ_PER_T * ppm])

    def met_Hz(
        self, field: Float[np.ndarray, "n 4"], place: Float[np.ndarray, "n 3"], g: Float[np.ndarray, " 4"]
    ) -> Float[np.ndarray, " n"]:
        """Frequency at these fields and places under gradients (T/m) and a uniform field (T)."""
        f = field[:, 3] + GYROMAGNETIC_RATIO_HZ_PER_T * (field[:, :3] @ g[:3] + g[3])
        if self._concomitant and self._b0_T:
            across = (g[0] * place[:, 2] - g[2] * place[:, 0] / 2) ** 2 + (g[1] * place[:, 2] - g[2] * place[:, 1] / 2) ** 2
            f = f + GYROMAGNETIC_RATIO_HZ_PER_T * across / (2 * self._b0_T)
        return f

    def seen(self, place: Float[np.ndarray, "n 3"]) -> Complex[np.ndarray, "coil n"]:
        """Sensitivities."""
        return self._cloud.sensitivity if self._through is None else at_places(self._through, place)


def _streams(cloud: SpinCloud) -> list[tuple[Vessel[Flow], Int[np.ndarray, " m"], Streams]]:
    """Each vessel, its spins, and their streamlines."""
    held = [(Vessel(flow), np.flatnonzero(cloud.flow == number)) for number, flow in enumerate(cloud.flows)]
    return [(vessel, which, vessel.enter(cloud.position_m[which])) for vessel, which in held]


def _first(
    dt: Float[np.ndarray, " n"],
    b1: Complex[np.ndarray, " n"],
    carrier: Float[np.ndarray, " n"],
    gradient: Float[np.ndarray, "n 4"],
    sampled: Bool[np.ndarray, " n"],
    blocks: Int[np.ndarray, " n"],
) -> Int[np.ndarray, " m"]:
    """Steps that do not go on as the one before: with equal gradient and b1 in one block, and no sample between."""
    goes_on = b1[:-1] * np.exp(-2j * np.pi * carrier[:-1] * dt[:-1])
    same = (np.abs(b1[1:] - goes_on) <= 1e-9 * np.abs(b1).max()) & (carrier[1:] == carrier[:-1]) & ~sampled[:-1]
    same &= (np.abs(np.diff(gradient, axis=0)) < 1e-12).all(axis=1) & (np.diff(blocks) == 0)
    return np.concatenate([[0], np.flatnonzero(~same) + 1])


def _changes(sequence: Sequence, block: int, pulse: RfPulse) -> bool:
    """True when a gradient is not constant while the pulse plays."""
    t = np.linspace(pulse.delay_s, pulse.delay_s + pulse.duration_s, 99)
    shapes = [sequence.gradients[index] for index in sequence.gradient[block] if index >= 0]
    return any(np.ptp(np.interp(t, shape.times_s, shape.values_T_per_m, 0, 0)) > 0 for shape in shapes)


def _steps(
    sequence: Sequence, block: int, amplifier: RfAmplifier | None, fine: bool, corners_s: Float[np.ndarray, " m"]
) -> tuple[Float[np.ndarray, " n"], Complex[np.ndarray, " n"], Float[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Steps of one block: length, b1 at the start (signal's frame), its frequency, whether a sample ends it."""
    pulse = sequence.rf_pulses[sequence.rf[block]] if sequence.rf[block] >= 0 else None
    adc = sequence.adcs[sequence.adc[block]] if sequence.adc[block] >= 0 else None
    edges = [corners_s[(corners_s > -1e-9) & (corners_s < sequence.duration_s[block] + 1e-9)]]
    if pulse is not None:
        edges.append(pulse.delay_s + np.arange(len(pulse.b1_T) + 1) * pulse.raster_s)
        longest_s = RF_STEP_S if _changes(sequence, block, pulse) else HELD_STEP_S
        if fine or pulse.raster_s > longest_s:
            edges.append(pulse.delay_s + np.arange(0, pulse.duration_s, longest_s))
    if fine:
        longest_s = LONGEST_STEP_S if (sequence.gradient[block] >= 0).any() else LONGEST_REST_S
        edges.append(np.arange(0, sequence.duration_s[block], longest_s))
    taken = adc.delay_s + (np.arange(adc.samples) + 0.5) * adc.dwell_s if adc is not None else np.zeros(0)
    knots = np.unique(np.round(np.concatenate([*edges, taken]), 11))
    middle = 0.5 * (knots[1:] + knots[:-1])
    b1, carrier = np.zeros(len(middle), complex), np.zeros(len(middle))
    if pulse is not None:
        index = np.floor((middle - pulse.delay_s) / pulse.raster_s).astype(int)
        on = (index >= 0) & (index < len(pulse.b1_T))
        carrier[on] = sequence.rf_frequency_Hz[block]
        phase = sequence.rf_phase_rad[block] + 2 * np.pi * carrier * (knots[:-1] - pulse.delay_s)
        b1[on] = np.conj(amplified(pulse, amplifier)[index[on]] * np.exp(1j * phase[on]))
    return np.diff(knots), b1, carrier, np.isin(knots[1:], np.round(taken, 11))
