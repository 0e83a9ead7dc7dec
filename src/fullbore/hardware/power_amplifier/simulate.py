"""One axis in time: commanded current -> current in the coil, through control, links, limits, cable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float
from scipy.linalg import expm

from fullbore.errors import ShapeError
from fullbore.hardware.power_amplifier.amplifier import Load, PowerAmplifier
from fullbore.hardware.power_amplifier.loop import Control
from fullbore.hardware.power_amplifier.thermal import axis_loss_W


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrivenCurrent:
    """Sample by sample, `step_s` apart: current in the coil (A), voltage at the plug over the step that follows (V), links in
    series (V). limited: share of the samples at which the voltage was at its limit. energies_J: given by the supplies, lost
    in switches, lost in copper, and the change of what links, coil and cable store; the first is the sum of the others.
    """

    step_s: float
    current_A: Float[np.ndarray, " t"]
    voltage_V: Float[np.ndarray, " t"]
    stack_V: Float[np.ndarray, " t"]
    limited: float
    energies_J: tuple[float, float, float, float]


def drive(
    amplifier: PowerAmplifier, load: Load, control: Control, command_A: Float[np.ndarray, " t"], ideal_links: bool = False
) -> DrivenCurrent:
    """Play a command sampled at the amplifier's sample_s; its switches' ripple is averaged out (see `ripple_A`).

    Each step is exact for the voltage held over it. The controller sees the coil's current and the links' voltage, obeys one
    sample late, stops integrating at its limits. The supplies give what keeps links and coil together at their full energy,
    as far as they can. ideal_links: they never sag. Errors: ShapeError for a command of fewer than two samples.
    """
    if command_A.ndim != 1 or len(command_A) < 2:
        raise ShapeError(f"drive: got a command {command_A.shape}, wanted two or more samples.")
    step = amplifier.sample_s
    state, feed = _plant(load, step)
    store = np.inf if ideal_links else amplifier.capacitance_F / amplifier.bridges
    at = amplifier.current_A * np.array([0.5, 1.0])
    slope, linear = np.polyfit(at, axis_loss_W(amplifier, at) / at, 1)  # heat is linear I + slope I^2, exactly
    gains = np.array([
        (1 - control.inductance_error) * load.total_H / step, (1 - control.resistance_error) * load.total_ohm,
        control.proportional_ohm, control.integral_ohm_per_s * step, np.exp(-control.leak_per_s * step),
    ])  # fmt: skip
    limits = np.array([amplifier.stack_V, amplifier.modulation, amplifier.drop_V, amplifier.current_A, amplifier.supply_W, store])
    current, volts, stack, limited, given, lost, copper, held = _drive(
        command_A.astype(np.float64), step, state, feed, _energies(load), gains, limits, np.array([linear, slope])
    )
    return DrivenCurrent(
        step_s=step, current_A=current, voltage_V=volts, stack_V=stack, limited=limited / len(command_A),
        energies_J=(given, lost, copper, held),
    )  # fmt: skip


def command_of(
    amplifier: PowerAmplifier, load: Load, times_s: Float[np.ndarray, " k"], gradient_T_per_m: Float[np.ndarray, " k"],
    after_s: float = 0.0,
) -> tuple[Float[np.ndarray, " t"], Float[np.ndarray, " t"]]:  # fmt: skip
    """(times, command in ampere) of straight lines between corners at the amplifier's samples, and of a while after."""
    times = np.arange(times_s[0], times_s[-1] + after_s, amplifier.sample_s)
    return times, np.interp(times, times_s, gradient_T_per_m, right=0.0) / load.sensitivity_T_per_m_A


def link_sag_V(amplifier: PowerAmplifier, load: Load, current_A: float) -> float:
    """What is left of the links in series, V, when they alone have filled the coil: sqrt(U^2 - L i^2 N / C)."""
    left = amplifier.stack_V**2 - load.total_H * current_A**2 * amplifier.bridges / amplifier.capacitance_F
    return float(np.sqrt(max(left, 0.0)))


def _rates(load: Load) -> tuple[Float[np.ndarray, "s s"], Float[np.ndarray, " s"]]:
    """x' = A x + b v with x = (coil current,), or (coil current, current at the plug, voltage across the coil)."""
    cable = load.cable
    if cable.capacitance_F == 0 or cable.inductance_H == 0:
        return np.array([[-load.total_ohm / load.total_H]]), np.array([1 / load.total_H])
    a = np.array([
        [-load.resistance_ohm / load.inductance_H, 0.0, 1 / load.inductance_H],
        [0.0, -cable.resistance_ohm / cable.inductance_H, -1 / cable.inductance_H],
        [-1 / cable.capacitance_F, 1 / cable.capacitance_F, 0.0],
    ])  # fmt: skip
    return a, np.array([0.0, 1 / cable.inductance_H, 0.0])


def _plant(load: Load, step_s: float) -> tuple[Float[np.ndarray, "r c"], Float[np.ndarray, " r"]]:
    """Exact step of the state (and, last, of the charge that the plug gives) under a held voltage."""
    a, b = _rates(load)
    size = len(b)
    whole = np.zeros((size + 2, size + 2))
    whole[:size, :size], whole[:size, -1] = a, b
    whole[size, 1 if size > 1 else 0] = 1.0
    moved = expm(whole * step_s)
    return moved[: size + 1, :size], moved[: size + 1, -1]


def _energies(load: Load) -> Float[np.ndarray, " s"]:
    """Weights of the squares of the state in what coil and cable store."""
    if len(_rates(load)[1]) == 1:
        return np.array([load.total_H / 2])
    return np.array([load.inductance_H, load.cable.inductance_H, load.cable.capacitance_F]) / 2


@numba.njit(cache=True, nogil=True)
@no_type_check
def _refilled(u, taken_J, coil_J, store, full, most_J):
    """Voltage of the links after a step, and what the supplies gave: as much as brings links and coil to their full energy."""
    energy = store * u * u / 2 - taken_J
    gift = min(max(store * full * full / 2 - energy - coil_J, 0.0), most_J)
    return np.sqrt(2 * max(energy + gift, 0.0) / store), gift


@numba.njit(cache=True, nogil=True)
@no_type_check
def _drive(command, step, state, feed, weights, gains, limits, loss_terms):
    count, size = len(command), len(weights)
    current, volts, stack = np.zeros(count), np.zeros(count), np.zeros(count)
    x, moved = np.zeros(size), np.zeros(size + 1)
    full, share, drop, most, supply, store = limits
    u, waiting, summed, limited = full, 0.0, 0.0, 0
    given, lost, went = 0.0, 0.0, 0.0
    for k in range(count):
        now = x[0]
        current[k], stack[k] = now, u
        top = share * u - drop
        v = min(max(waiting, -top), top)
        volts[k] = v
        # the command for the step after this one
        wanted = min(max(command[k], -most), most)
        ahead = min(max(command[min(k + 1, count - 1)], -most), most)
        before = min(max(command[k - 1], -most), most) if k > 0 else 0.0
        error = before - now
        asked = gains[0] * (ahead - wanted) + gains[1] * (ahead + wanted) / 2 + gains[2] * error + gains[3] * summed
        limited += abs(asked) > top
        if abs(asked) <= top or asked * error < 0:
            summed = summed * gains[4] + error
        waiting = asked
        for i in range(size + 1):
            moved[i] = feed[i] * v
            for j in range(size):
                moved[i] += state[i, j] * x[j]
        x[:] = moved[:size]
        out = v * moved[size]
        heat = (loss_terms[0] * abs(moved[size] / step) + loss_terms[1] * (moved[size] / step) ** 2) * step
        went += out
        lost += heat
        if store < np.inf:
            u, gift = _refilled(u, out + heat, weights[0] * x[0] * x[0], store, full, supply * step)
            given += gift
        else:
            given += out + heat
    held = 0.0
    for i in range(size):
        held += weights[i] * x[i] * x[i]
    copper = went - held
    if store < np.inf:
        held += store * (u * u - full * full) / 2
    return current, volts, stack, limited, given, lost, copper, held
