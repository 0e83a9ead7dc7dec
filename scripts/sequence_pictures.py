"""The diagrams of docs/reference/sequences, of small protocols. Run: python scripts/sequence_pictures.py [NAME ...]"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
from PIL import Image

from fullbore.clinical.library import sequence_protocol
from fullbore.clinical.report.sequence_figures import diagram
from fullbore.hardware import Brief, design
from fullbore.sequence import SEQUENCES, build, parse_protocol

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
COLOURS = 32


def main(names: list[str]) -> None:
    """Draw the diagrams of some sequences, or of all."""
    limits = design(Brief()).limits
    for name in names or sorted(SEQUENCES):
        sequence = build(parse_protocol(sequence_protocol(name), quick=True), limits)
        frames = sequence.encoding.counter("repetition")
        drawing = diagram(sequence, int(np.argmax(frames)))
        stream = io.BytesIO()
        drawing.savefig(stream, format="png", dpi=80)
        Image.open(stream).convert("RGB").quantize(COLOURS).save(FOLDER / f"sequence-{name}.png", optimize=True)


if __name__ == "__main__":
    main(sys.argv[1:])
