"""Safety: (Sequence, ScannerSpec, Subject) -> Verdict. Pure; the scanner is who refuses."""

from fullbore.safety.nerves import peak_response
from fullbore.safety.power import mean_square_T2
from fullbore.safety.safe import safe_course
from fullbore.safety.verdict import check
from fullbore.safety.waveform import Waveform, sampled, waveform

__all__ = ["Waveform", "check", "mean_square_T2", "peak_response", "safe_course", "sampled", "waveform"]
