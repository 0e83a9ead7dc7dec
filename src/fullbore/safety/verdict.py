"""The whole check: every limit of the machine and of the body, on the waveforms as they will be played."""

from __future__ import annotations

from collections.abc import Iterator

from fullbore.data import Change, Finding, ScannerSpec, Sequence, Subject, Verdict
from fullbore.errors import UsageError, ValueRangeError
from fullbore.safety.gradients import amplitude_findings, slew_findings, voltage_findings
from fullbore.safety.heat import duty_findings, heat_findings
from fullbore.safety.nerves import cardiac_finding, nerve_finding
from fullbore.safety.phase import phase_findings
from fullbore.safety.place import kept
from fullbore.safety.power import peak_findings, sar_findings
from fullbore.safety.safe import safe_finding
from fullbore.safety.sound import band_findings, sound_finding
from fullbore.safety.timing import timing_findings
from fullbore.safety.validity import refuse_nonsense
from fullbore.safety.waveform import Waveform, waveform

# IEC 60601-2-33: static field that each operating mode allows, T.
STATIC_FIELD_LIMIT_T = {"normal": 3.0, "first_level": 8.0}
ROTATIONS = ("as played", "any")


def check(
    sequence: Sequence, spec: ScannerSpec, subject: Subject, mode: str = "normal", *, rotation: str = "as played"
) -> Verdict:
    """Judge a sequence on a machine for a subject in an IEC operating mode ("normal" or "first_level").

    Looks at the whole played waveform: amplitude, slew (jumps count) and their vectors, coil voltage and current, heat of
    amplifiers and coil, rasters and dead times, B1 peak and RF power, SAR (whole body, head, exposed part, 10 g; worst 6 min
    and 10 s), nerves (chronaxie and rheobase; SAFE where the machine has it), heart, forbidden bands, static field; and as
    hints sound pressure, concomitant phase and spoiling. docs/explanation/safety.md has every equation and its source.
    rotation: "any" binds the vectors of amplitude and slew, for a sequence that an operator may turn.
    Limits: SAR comes from the machine's mean coefficients for its reference subject, so it is a first estimate that does
    not scale with the subject's mass.
    Errors: UsageError for an unknown mode or rotation, ValueRangeError for a subject without a mass and for a sequence
    without blocks, with NaN, infinity or negative times.
    """
    if mode not in STATIC_FIELD_LIMIT_T:
        raise UsageError(f"safety: unknown operating mode {mode!r}; wanted one of {', '.join(STATIC_FIELD_LIMIT_T)}.")
    if rotation not in ROTATIONS:
        raise UsageError(f"safety: unknown rotation {rotation!r}; wanted 'as played' or 'any'.")
    if not subject.mass_kg > 0:
        raise ValueRangeError(f"safety: subject {subject.identifier} has a mass of {subject.mass_kg} kg; register the real one.")
    refuse_nonsense(sequence)
    wave = waveform(sequence)
    findings = [
        *timing_findings(sequence, spec.limits),
        *amplitude_findings(sequence, wave, spec.limits, rotation == "any"),
        *slew_findings(sequence, wave, spec.limits, rotation == "any"),
        nerve_finding(sequence, wave, spec, mode),
        cardiac_finding(sequence, wave, spec),
        *peak_findings(sequence, spec.limits.b1_peak_T, spec.power),
        *sar_findings(sequence, spec.power, mode),
        _static_field(spec.b0_T, mode),
        *_where_known(sequence, wave, spec, mode),
        *phase_findings(sequence, wave, spec.b0_T),
    ]
    return Verdict(
        sequence=sequence.name, scanner=spec.name, mode=mode, findings=tuple(findings), unchecked=tuple(_unknown(spec))
    )


def _where_known(sequence: Sequence, wave: Waveform, spec: ScannerSpec, mode: str) -> Iterator[Finding]:
    """Checks that need a part of the machine's description which it may lack."""
    if spec.stimulation.safe is not None:
        yield safe_finding(sequence, wave, spec.stimulation.safe, spec.limits.gradient_raster_s, mode)
    if spec.chain is not None:
        yield from voltage_findings(sequence, wave, spec.chain)
        yield from heat_findings(sequence, wave, spec.chain)
    yield from duty_findings(sequence, wave, spec.limits)
    if spec.sound is not None:
        yield from band_findings(sequence, wave, spec.sound)
        if spec.sound.pressure_Pa_m_per_T > 0:
            yield sound_finding(sequence, wave, spec.sound)


def _unknown(spec: ScannerSpec) -> Iterator[str]:
    """What the machine's description lacks, a sentence each."""
    if spec.stimulation.safe is None:
        yield "Nerve stimulation by SAFE: the machine has no SAFE model."
    if spec.chain is None:
        yield "Coil voltage, current and heat: the machine has no gradient chain."
    if spec.sound is None:
        yield "Forbidden bands and sound pressure: the machine has no sound model."
    if not spec.power.forward_W_per_T2 > 0:
        yield "RF power: the machine does not tell its forward power."
    if spec.power.observation_points is None:
        yield "Local SAR from fields: the machine has no virtual observation points; a factor to head SAR stands in as a hint."


def _static_field(b0_T: float, mode: str) -> Finding:
    """The magnet's field against the operating mode."""
    limit = STATIC_FIELD_LIMIT_T[mode]
    inside = kept(b0_T, limit)
    return Finding(
        check="static field",
        value=b0_T,
        limit=limit,
        unit="T",
        allowed=inside,
        advice="" if inside else "Scan in first-level mode, under medical supervision.",
        changes=() if inside else (Change(quantity="operating mode"),),
    )
