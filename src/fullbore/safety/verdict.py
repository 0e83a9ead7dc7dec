"""The whole check: every limit of the machine and of the body, on the waveforms as they will be played."""

from __future__ import annotations

from fullbore.data import Finding, ScannerSpec, Sequence, Subject, Verdict
from fullbore.errors import UsageError, ValueRangeError
from fullbore.safety.gradients import TOLERANCE, amplitude_findings, slew_findings
from fullbore.safety.nerves import cardiac_finding, nerve_finding
from fullbore.safety.power import peak_finding, sar_findings
from fullbore.safety.timing import timing_findings

# IEC 60601-2-33: static field that each operating mode allows, T.
STATIC_FIELD_LIMIT_T = {"normal": 3.0, "first_level": 8.0}


def check(sequence: Sequence, spec: ScannerSpec, subject: Subject, mode: str = "normal") -> Verdict:
    """Judge a sequence on a machine for a subject in an IEC operating mode ("normal" or "first_level").

    Looks at the whole played waveform: gradient amplitude and slew per axis (jumps at block edges included), rasters
    and dead times, B1 peak, SAR (whole body and head, worst 6 min and 10 s), nerve and cardiac stimulation, static field.
    Limits: SAR comes from the machine's mean coefficients for its reference subject, so it is a first estimate that does
    not scale with the subject's mass; the nerve model is the machine's, axes combined by root sum of squares.
    Errors: UsageError for an unknown mode, ValueRangeError for a subject without a mass.
    """
    if mode not in STATIC_FIELD_LIMIT_T:
        raise UsageError(f"safety: unknown operating mode {mode!r}; wanted one of {', '.join(STATIC_FIELD_LIMIT_T)}.")
    if not subject.mass_kg > 0:
        raise ValueRangeError(f"safety: subject {subject.identifier} has a mass of {subject.mass_kg} kg; register the real one.")
    findings = [
        *timing_findings(sequence, spec.limits),
        *amplitude_findings(sequence, spec.limits),
        *slew_findings(sequence, spec.limits),
        nerve_finding(sequence, spec, mode),
        cardiac_finding(sequence, spec),
        peak_finding(sequence, spec.limits.b1_peak_T),
        *sar_findings(sequence, spec, mode),
        _static_field(spec.b0_T, mode),
    ]
    return Verdict(sequence=sequence.name, scanner=spec.name, mode=mode, findings=tuple(findings))


def _static_field(b0_T: float, mode: str) -> Finding:
    """The magnet's field against the operating mode."""
    limit = STATIC_FIELD_LIMIT_T[mode]
    allowed = b0_T <= limit * (1 + TOLERANCE)
    advice = "" if allowed else "Scan in first-level mode, under medical supervision."
    return Finding(check="static field", value=b0_T, limit=limit, unit="T", allowed=allowed, advice=advice)
