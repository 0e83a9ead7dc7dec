"""From a brief to a receive array: loops, what they cost, what they hear."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fullbore.errors import LimitError
from fullbore.hardware.array.body import Body, body_resistance
from fullbore.hardware.array.brief import ArrayBrief
from fullbore.hardware.array.conductor import capacitor_resistance_ohm, wire_resistance_ohm
from fullbore.hardware.array.inductance import coupling_matrix, inductance_matrix
from fullbore.hardware.array.loading import Loading
from fullbore.hardware.array.loop import Loop
from fullbore.hardware.array.network import equivalent_noise_ohm, loop_impedance, noise_figures_dB, transfer
from fullbore.hardware.array.placement import neighbours, place_loops
from fullbore.hardware.array.preamplifier import Match, input_for_decoupling_ohm, match_loop
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T, SPEED_OF_LIGHT_M_PER_S
from fullbore.physics.magnetostatics import loop_field, medium_wavenumber_per_m

Ticker = Callable[[float, str], None]

_FIELD_POINTS = 32
# Softens the field on the wire itself, which no voxel of a map resolves.
_MAP_SOFTNESS_M = 0.006


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReceiveArray:
    """A designed array; matrices are (loop, loop), phasors exp(-i omega t).

    inductance_H; sample_ohm: noise resistance of the body, Hermitian; wire_ohm, capacitor_ohm (loop,): of each loop alone;
    loading: what the body does to their fields, None where its medium is taken to be everywhere.
    impedance_ohm: of the tuned loops; noise_ohm: all noise in series with the loops, as resistance at 310 K; transfer: what the
    preamplifiers see of the loops' voltages; matches: each loop's network; figures: name -> value.
    """

    name: str
    b0_T: float
    body: Body
    loops: tuple[Loop, ...]
    inductance_H: np.ndarray
    sample_ohm: np.ndarray
    wire_ohm: np.ndarray
    capacitor_ohm: np.ndarray
    impedance_ohm: np.ndarray
    noise_ohm: np.ndarray
    transfer: np.ndarray
    matches: tuple[Match, ...]
    figures: dict[str, float]
    loading: Loading | None = None

    @property
    def omega(self) -> float:
        """Angular Larmor frequency, rad/s."""
        return 2 * math.pi * GYROMAGNETIC_RATIO_HZ_PER_T * self.b0_T

    @property
    def wavenumber_per_m(self) -> complex:
        """Of what the loops' own field runs in, for exp(+i omega t): free space, or the body's medium taken to be everywhere."""
        if self.loading is not None:
            return complex(self.omega / SPEED_OF_LIGHT_M_PER_S)
        return medium_wavenumber_per_m(self.omega / (2 * math.pi), self.body.permittivity, self.body.conductivity_S_per_m)

    @property
    def coil_ohm(self) -> np.ndarray:
        """Resistance of wire and capacitors of each loop."""
        return np.asarray(self.wire_ohm + self.capacitor_ohm)


def design_array(brief: ArrayBrief, tell: Ticker = lambda fraction, what: None) -> ReceiveArray:
    """The array that a brief asks for. Errors: LimitError where loops do not fit, or amplifiers or loops cannot be as good."""
    needed = input_for_decoupling_ohm(brief.limits.decoupling_dB)
    if brief.electronics.preamplifier_ohm > needed * (1 + 1e-12):
        raise LimitError(
            f"array brief {brief.name}: a preamplifier of {brief.electronics.preamplifier_ohm:g} ohm decouples by "
            f"{match_loop(1.0, 1.0, 1e9, brief.electronics.preamplifier_ohm).decoupling_dB:.3g} dB, asked are "
            f"{brief.limits.decoupling_dB:g} dB. Take an input of {math.floor(needed * 1e3) / 1e3:g} ohm."
        )
    tell(0.0, "placing loops")
    loops = place_loops(brief)
    tell(0.2, "inductances")
    inductance = inductance_matrix(loops, brief.electronics.wire_radius_m)
    tell(0.3, "noise of the body")
    made = _wired(brief, loops, inductance, lambda fraction, what: tell(0.3 + 0.7 * fraction, f"fields in the body, {what}"))
    ratio = made.figures["quality_ratio"]
    if ratio < brief.limits.quality_ratio:
        raise LimitError(
            f"array brief {brief.name}: {brief.channels} loops load by the body only {ratio:.3g} times over (unloaded over "
            f"loaded quality), asked are {brief.limits.quality_ratio:g}: wire and capacitors bind. Ask a quality ratio of "
            f"{math.floor(ratio * 100) / 100:g}, or take fewer and larger loops, better capacitors or a closer former."
        )
    tell(1.0, "")
    return made


def field_sensitivity(made: ReceiveArray, points_m: np.ndarray) -> np.ndarray:
    """(Bx - i By)* of each loop alone in T/A at points (p, 3): its retarded field in free space and that of the body's currents,
    or, with `medium = "uniform"`, its field in the body's medium taken to be everywhere.

    By reciprocity the signal per magnetic moment. Source: Hoult 2000, Concepts Magn Reson 12:173.
    """
    fields = [loop_field(points_m, *loop.thinned(_FIELD_POINTS), made.wavenumber_per_m, _MAP_SOFTNESS_M) for loop in made.loops]
    own = np.stack([np.conj(field[:, 0] - 1j * field[:, 1]) for field in fields])
    return own if made.loading is None else own + made.loading.added_sensitivity(points_m)


def _sample(brief: ArrayBrief, loops: tuple[Loop, ...], frequency: float, tell: Ticker) -> tuple[np.ndarray, Loading | None]:
    """Noise resistance of the body, and what else it does."""
    body = brief.body.body()
    if brief.medium == "body":
        from fullbore.hardware.array.loaded import loaded  # a tensor library: 180 MB that no preset's machine needs

        loading = loaded(body, loops, frequency, tell=tell)
        return loading.resistance_ohm, loading
    wavenumber = medium_wavenumber_per_m(frequency, body.permittivity, body.conductivity_S_per_m)
    return body_resistance(body, loops, 2 * math.pi * frequency, wavenumber), None


def _wired(brief: ArrayBrief, loops: tuple[Loop, ...], inductance: np.ndarray, tell: Ticker) -> ReceiveArray:
    parts, frequency = brief.electronics, GYROMAGNETIC_RATIO_HZ_PER_T * brief.b0_T
    omega = 2 * math.pi * frequency
    sample, loading = _sample(brief, loops, frequency, tell)
    wire = np.array([wire_resistance_ohm(loop.length_m, parts.wire_radius_m, frequency) for loop in loops])
    capacitor = np.array([capacitor_resistance_ohm(omega * size, parts.capacitor_quality) for size in np.diag(inductance)])
    coil = wire + capacitor
    impedance = loop_impedance(sample, coil, inductance, omega)
    matches = tuple(
        match_loop(float(size), float(loss), omega, parts.preamplifier_ohm)
        for size, loss in zip(np.diag(inductance), np.diag(impedance).real, strict=True)
    )
    noise = equivalent_noise_ohm(impedance, sample, coil, parts.noise_figure_dB)
    return ReceiveArray(
        name=f"{brief.name}-{brief.channels}",
        b0_T=brief.b0_T,
        body=brief.body.body(),
        loops=loops,
        inductance_H=inductance,
        sample_ohm=sample,
        wire_ohm=wire,
        capacitor_ohm=capacitor,
        impedance_ohm=impedance,
        noise_ohm=noise,
        transfer=transfer(impedance, np.array([match.loop_ohm for match in matches])),
        matches=matches,
        figures=_figures(loops, inductance, sample, coil, noise, matches, omega, parts.noise_figure_dB),
        loading=loading,
    )


def _figures(
    loops: tuple[Loop, ...],
    inductance: np.ndarray,
    sample: np.ndarray,
    coil: np.ndarray,
    noise: np.ndarray,
    matches: tuple[Match, ...],
    omega: float,
    noise_figure_dB: float,
) -> dict[str, float]:
    own, coupling = np.diag(sample).real, np.abs(coupling_matrix(inductance))
    near = [coupling[i, j] for i, j in neighbours(loops)]
    others = coupling[np.triu_indices(len(loops), 1)]
    return {
        "loop_radius_m": float(np.mean([loop.radius_m for loop in loops])),
        "inductance_H": float(np.diag(inductance).mean()),
        "quality_unloaded": float(np.mean(omega * np.diag(inductance) / coil)),
        "quality_loaded": float(np.mean(omega * np.diag(inductance) / (coil + own))),
        "quality_ratio": float(np.min((coil + own) / coil)),
        "coil_noise_share": float(np.mean(coil / (coil + own))),
        "coupling_of_neighbours": float(max(near, default=0.0)),
        "coupling_anywhere": float(max(others, default=0.0)),
        "decoupling_dB": min(match.decoupling_dB for match in matches),
        "preamplifier_noise_figure_dB": noise_figure_dB,
        "noise_figure_dB": float(noise_figures_dB(noise, sample, coil).max()),
    }
