"""(Phantom, Sequence, ScannerSpec) -> RawData: spins driven by the sequence's own waveforms.

Magnetisation is followed as configuration states of classes of spins (tissue, plane, off-resonance, transmit scale), then
carried into space by separable Fourier sums; see docs/decisions/0003-configuration-states-on-classes.md. `simulate.cloud`
plays any sequence to freely placed spins, exactly; see docs/decisions/0005-a-cloud-of-spins.md.
"""

from fullbore.simulate.acquire import acquire
from fullbore.simulate.planning import Plan, plan
from fullbore.simulate.trajectory import trajectory

__all__ = ["Plan", "acquire", "plan", "trajectory"]
