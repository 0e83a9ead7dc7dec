"""The virtual 3 T: a machine with a digital subject inside, behind one safety gate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fullbore import safety, simulate
from fullbore.data import Phantom, RawData, ScannerSpec, Sequence, Subject, Verdict
from fullbore.errors import LimitError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VirtualScanner:
    """A `ScannerSpec`, the `Phantom` that lies in it, and who that is.

    tolerance: relative l2 error allowed to the noiseless samples; well below the noise of the receive array.
    spins: most isochromats to play where the machine or the body asks for isochromats.
    """

    spec: ScannerSpec
    phantom: Phantom
    subject: Subject
    tolerance: float = 5e-3
    spins: int = 1_000_000

    def judge(self, sequence: Sequence) -> Verdict:
        """What the safety check says of a sequence on this machine for this subject."""
        return safety.check(sequence, self.spec, self.subject)

    def acquire(
        self, sequence: Sequence, verdict: Verdict, *, seed: int = 0, progress: Callable[[float, str], None] | None = None
    ) -> RawData:
        """Play the sequence and receive its raw data. The one gate: LimitError when the verdict does not allow it."""
        if verdict.sequence != sequence.name:
            raise LimitError(
                f"scanner: the verdict is on {verdict.sequence!r}, not on {sequence.name!r}. Judge this sequence first."
            )
        if not verdict.allowed:
            reasons = " ".join(str(finding) for finding in verdict.refusals)
            raise LimitError(f"scanner: {sequence.name} is refused ({verdict.mode} mode). {reasons}")
        return simulate.acquire(
            self.phantom, sequence, self.spec, seed=seed, tolerance=self.tolerance, spins=self.spins, progress=progress
        )
