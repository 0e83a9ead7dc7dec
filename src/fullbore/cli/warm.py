"""Compile every kernel once, by running the quick exam into a folder that is thrown away."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from fullbore.cli.main import main

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        sys.exit(main(["scan", "brain", "--quick", "--out", str(Path(scratch) / "exam")]))
