"""Faults to plant in a machine, and the virtual scanner with some of them: for rehearsing how they are found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from fullbore.data import FieldMap, RawData, RfPulse, ScannerSpec, Sequence, Verdict
from fullbore.errors import UsageError
from fullbore.scanner.virtual import VirtualScanner

GRADIENT_GAIN = 0.98
DRIFT_HZ_PER_S = 0.5
GHOST_PHASE_RAD = 0.20
DEAD_ELEMENT = 2
PULSE_LENGTH = 0.7


def _as_asked(sequence: Sequence) -> Sequence:
    return sequence


def _same_spec(spec: ScannerSpec) -> ScannerSpec:
    return spec


def _same_raw(raw: RawData, sequence: Sequence, began_s: float) -> RawData:
    return raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: what it does to the machine, to what is played, and to what is received.

    received: (raw data, the sequence, seconds on the clock when it began) -> raw data.
    """

    about: str
    machine: Callable[[ScannerSpec], ScannerSpec] = _same_spec
    played: Callable[[Sequence], Sequence] = _as_asked
    received: Callable[[RawData, Sequence, float], RawData] = _same_raw


def weak_gradients(sequence: Sequence) -> Sequence:
    """Every gradient 2 % weaker than asked."""
    return replace(sequence, gradient_scale=sequence.gradient_scale * GRADIENT_GAIN)


def dead_element(spec: ScannerSpec) -> ScannerSpec:
    """One element of the array that hears nothing but its preamplifier."""
    values = spec.receive.sensitivity.values.copy()
    values[min(DEAD_ELEMENT, len(values) - 1)] = 0
    field = FieldMap(values=values, grid=spec.receive.sensitivity.grid, unit=spec.receive.sensitivity.unit)
    return replace(spec, receive=replace(spec.receive, sensitivity=field))


def hurried_pulses(sequence: Sequence) -> Sequence:
    """Every RF shape played in 0.7 of its time, at its own amplitude: thicker slices and smaller flips."""
    return replace(sequence, rf_pulses=tuple(_hurried(pulse) for pulse in sequence.rf_pulses))


def _hurried(pulse: RfPulse) -> RfPulse:
    time = (np.arange(len(pulse.b1_T)) + 0.5) * pulse.raster_s
    from_s = pulse.centre_s + (time - pulse.centre_s) / PULSE_LENGTH
    parts = [np.interp(from_s, time, part, left=0.0, right=0.0) for part in (pulse.b1_T.real, pulse.b1_T.imag)]
    return replace(pulse, b1_T=parts[0] + 1j * parts[1])


def alternating_phase(raw: RawData, sequence: Sequence, began_s: float) -> RawData:
    """Odd lines turned against even ones: a ghost of tan(phase / 2) half a field of view away."""
    turn = np.exp(0.5j * GHOST_PHASE_RAD * (1 - 2 * (raw.encoding.counter("line") % 2)))
    return replace(raw, samples=(raw.samples * turn[:, None, None]).astype(np.complex64))


def drifting(raw: RawData, sequence: Sequence, began_s: float) -> RawData:
    """A centre frequency that runs away steadily while the machine scans; slices are selected as if it stayed.

    A sample feels it from the excitation on, after a refocusing pulse from the echo on.
    """
    starts = np.concatenate([[0.0], np.cumsum(sequence.duration_s)[:-1]])[sequence.adc >= 0]
    return off_resonant(raw, DRIFT_HZ_PER_S * (began_s + starts[: raw.encoding.rows]))


def off_resonant(raw: RawData, frequency_Hz: Float[np.ndarray, " row"]) -> RawData:
    """Readouts that were off resonance by so much each; exp(-2 pi i f t) from the excitation, or from a spin echo, on."""
    encoding = raw.encoding
    late = (np.arange(encoding.samples) - encoding.centre_sample) * encoding.dwell_s
    free = np.zeros(encoding.rows) if encoding.refocusing_flip_rad > 0 else encoding.echo_time_s
    turn = np.exp(-2j * np.pi * frequency_Hz[:, None] * (free[:, None] + late))
    return replace(raw, samples=(raw.samples * turn[:, None, :]).astype(np.complex64))


FAULTS: dict[str, Fault] = {
    "gradient-gain": Fault(about="gradients 2 % too weak", played=weak_gradients),
    "dead-coil": Fault(about="one element of the array hears nothing", machine=dead_element),
    "b0-drift": Fault(about=f"the centre frequency drifts by {DRIFT_HZ_PER_S} Hz/s", received=drifting),
    "ghosting": Fault(about=f"odd lines turned by {GHOST_PHASE_RAD} rad against even ones", received=alternating_phase),
    "slice-profile": Fault(about="RF shapes are played in 0.7 of their time", played=hurried_pulses),
}
"""Name -> fault."""


def faults_of(names: list[str]) -> tuple[Fault, ...]:
    """The faults of these names. Errors: UsageError for an unknown one."""
    for name in names:
        if name not in FAULTS:
            raise UsageError(f"fault {name!r}: wanted one of {', '.join(FAULTS)}.")
    return tuple(FAULTS[name] for name in names)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FaultyScanner:
    """A virtual scanner whose operator does not know of its faults: raw data carry the encoding that was asked for."""

    scanner: VirtualScanner
    faults: tuple[Fault, ...] = ()

    def judge(self, sequence: Sequence) -> Verdict:
        """As `VirtualScanner.judge`."""
        return self.scanner.judge(sequence)

    def acquire(
        self,
        sequence: Sequence,
        verdict: Verdict,
        *,
        seed: int = 0,
        began_s: float = 0.0,
        progress: Callable[[float, str], None] | None = None,
    ) -> RawData:
        """As `VirtualScanner.acquire`, through its gate. began_s: on the clock that a drift follows."""
        scanner, played = self.scanner, sequence
        for fault in self.faults:
            scanner = replace(scanner, spec=fault.machine(scanner.spec))
            played = fault.played(played)
        raw = scanner.acquire(played, verdict, seed=seed, progress=progress)
        if played is not sequence and raw.trajectory_per_m is not None:
            # The operator's trajectory is the one that was asked for.
            raw = replace(raw, trajectory_per_m=sequence.encoding.trajectory_per_m())
        # The simulator's own drift starts anew with each sequence; the machine's goes on.
        if drifted_Hz := scanner.spec.flaws.drift_Hz_per_s * began_s:
            raw = off_resonant(raw, np.full(raw.encoding.rows, drifted_Hz))
        for fault in self.faults:
            raw = fault.received(raw, sequence, began_s)
        return raw
