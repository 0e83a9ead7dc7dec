"""pulserver's own two jobs, designed by the sequences it ships, with their defaults: `design_pulserver.py FOLDER`.

vial_gre.seq: 2D GRE, 128 readouts of 256 samples, 38 s. vial_mprage.seq: 3D MPRAGE, 35,584 readouts of 512 samples, 700 s.
The limits (3 T, 40 mT/m, 150 T/m/s, less its design margin) are ours, as it ships none.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pypulseqpp as pp
from pypulseqpp.sequences.sequence.gre2D_sequence import gre2d
from pypulseqpp.sequences.sequence.mprage3D_sequence import mprage3d


def main(folder: str) -> None:
    """Write both as text."""
    limits = pp.Opts(max_grad=40, grad_unit="mT/m", max_slew=150, slew_unit="T/m/s", B0=3.0)
    limits = pp.apply_system_derates(limits)
    for name, design in (("vial_gre", gre2d), ("vial_mprage", mprage3d)):
        design(limits).write(str(Path(folder) / f"{name}.seq"))


if __name__ == "__main__":
    main(sys.argv[1])
