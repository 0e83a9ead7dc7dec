"""What a pulse does to spins: the readable Bloch simulation, from the block's start to its end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float

from fullbore.data import Gradient, RfPulse
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence.pulses.selective import SelectivePulse
from fullbore.signal import play


def pulse_response(
    pulse: RfPulse | SelectivePulse,
    *,
    position_m: float | Float[np.ndarray, "*#n"] | tuple[np.ndarray, np.ndarray, np.ndarray] = 0.0,
    offset_Hz: float | Float[np.ndarray, "*#n"] = 0.0,
    b1_scale: float | Float[np.ndarray, "*#n"] = 1.0,
    t1_s: float = np.inf,
    t2_s: float = np.inf,
    start: tuple[complex | float, float] = (0.0, 1.0),
    rephased: bool = False,
) -> tuple[Complex[np.ndarray, "*n"], Float[np.ndarray, "*n"]]:
    """(Mxy, Mz) of spins after a pulse, in the frame of `fullbore.signal.bloch`; the inputs broadcast together.

    position_m: along the slice axis, or a tuple (read, phase, slice). start: state before the block.
    A bare RfPulse is played from its start to its end; a SelectivePulse from its block's start to its block's end.
    rephased: Mxy as if the gradients and off-resonance had been undone since the effective centre, for any pulse.
    """
    place = position_m if isinstance(position_m, tuple) else (0.0, 0.0, position_m)
    x, y, z, offset, b1 = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (*place, offset_Hz, b1_scale)))
    block, n = _block_of(pulse), x.size
    dt, field, mean = block.steps(relaxing=bool(np.isfinite(t1_s) or np.isfinite(t2_s)))
    positions = np.column_stack([x.ravel(), y.ravel(), z.ravel()])
    _, (m_xy, m_z) = play(
        position_m=positions,
        t1_s=np.full(n, t1_s),
        t2_s=np.full(n, t2_s),
        off_resonance_Hz=offset.ravel().copy(),
        b1_scale=b1.ravel().copy(),
        weight=np.zeros((0, n)),
        dt_s=dt,
        b1_T=field,
        gradient_T_per_m=mean,
        sampled=np.zeros(len(dt), dtype=bool),
        start=(np.full(n, start[0], dtype=complex), np.full(n, float(start[1]))),
    )
    if rephased:
        m_xy = m_xy * np.exp(2j * np.pi * block.turns_after_centre(positions, offset.ravel()))
    return m_xy.reshape(x.shape), m_z.reshape(x.shape)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Block:
    """A pulse, the gradients (read, phase, slice) that it is played under, and when that begins and ends."""

    rf: RfPulse
    gradients: tuple[Gradient | None, Gradient | None, Gradient | None]
    first_s: float
    last_s: float

    def steps(self, *, relaxing: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As `_steps`."""
        rf = self.rf
        knots = np.concatenate([[self.first_s], rf.delay_s + rf.raster_s * np.arange(len(rf.b1_T) + 1), [self.last_s]])
        areas = np.column_stack([_area(gradient, knots) for gradient in self.gradients])
        return _steps(knots, np.conj(np.concatenate([[0.0], rf.b1_T, [0.0]])), areas, relaxing=relaxing)

    def turns_after_centre(self, positions_m: np.ndarray, offset_Hz: np.ndarray) -> np.ndarray:
        """Of free spins (n,), from the effective centre to the end."""
        centre = self.rf.delay_s + self.rf.centre_s
        until = np.column_stack([_area(gradient, np.array([centre, self.last_s])) for gradient in self.gradients])
        turned = GYROMAGNETIC_RATIO_HZ_PER_T * (positions_m @ (until[1] - until[0]))
        return np.asarray(turned + offset_Hz * (self.last_s - centre))


def _block_of(pulse: RfPulse | SelectivePulse) -> _Block:
    if isinstance(pulse, RfPulse):
        return _Block(rf=pulse, gradients=(None, None, None), first_s=pulse.delay_s, last_s=pulse.delay_s + pulse.duration_s)
    return _Block(rf=pulse.pulse, gradients=(pulse.read, pulse.phase, pulse.slice), first_s=0.0, last_s=pulse.block_s)


def _steps(
    knots_s: np.ndarray, b1_T: np.ndarray, areas: np.ndarray, *, relaxing: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(lengths, B1, mean gradients) of the steps between knots; equal neighbours that can be one exact step are one.

    With relaxation only steps without B1 are exact at any length.
    """
    kept = np.diff(knots_s) > 1e-12
    dt, b1 = np.diff(knots_s)[kept], b1_T[kept]
    mean = np.diff(areas, axis=0)[kept] / dt[:, None]
    same = (b1[1:] == b1[:-1]) & (np.abs(np.diff(mean, axis=0)).max(axis=1) <= 1e-12)
    if relaxing:
        same &= b1[1:] == 0
    first = np.flatnonzero(np.concatenate([[True], ~same]))
    return np.add.reduceat(dt, first), b1[first], mean[first]


def refocusing_efficiency(
    pulse: RfPulse | SelectivePulse,
    *,
    position_m: float | Float[np.ndarray, "*#n"] = 0.0,
    offset_Hz: float | Float[np.ndarray, "*#n"] = 0.0,
    b1_scale: float | Float[np.ndarray, "*#n"] = 1.0,
) -> Complex[np.ndarray, "*n"]:
    """How much of conj(Mxy before) is left when all else is crushed, (n,); 1 in magnitude for a perfect 180.

    Its phase is referred to the effective centre: flat where the pulse refocuses gradients and off-resonance there.
    """
    real, imaginary = (
        pulse_response(pulse, start=(before, 0.0), position_m=position_m, offset_Hz=offset_Hz, b1_scale=b1_scale)[0]
        for before in (1.0, 1j)
    )
    mirrored = (real + 1j * imaginary) / 2
    selection = pulse if isinstance(pulse, SelectivePulse) else None
    rf = pulse if isinstance(pulse, RfPulse) else pulse.pulse
    if selection is None:
        free, area = rf.duration_s - 2 * rf.centre_s, 0.0
    else:
        free = selection.block_s - 2 * selection.centre_s
        area = selection.rephasing_area_T_s_per_m - selection.area_before_T_s_per_m
    turns = GYROMAGNETIC_RATIO_HZ_PER_T * area * np.asarray(position_m) + np.asarray(offset_Hz) * free
    return np.asarray(mirrored * np.exp(2j * np.pi * turns))


def _area(gradient: Gradient | None, times_s: np.ndarray) -> np.ndarray:
    """Area of a gradient until each time."""
    return np.zeros(len(times_s)) if gradient is None else gradient.area_until_T_s_per_m(times_s)
