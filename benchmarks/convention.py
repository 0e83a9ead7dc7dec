"""What all benchmarks share: their options, their rows, where the peers live, how rows are told."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

PEER_PYTHON = Path(__file__).parent / ".peers" / "bin" / "python"
NO_PEER = "peer not installed: run sh benchmarks/peers.sh"


def options(description: str | None) -> argparse.Namespace:
    """--quick and --json FILE."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def row(task: str, ours_s: float, note: str = "", **peer: Any) -> dict[str, Any]:
    """One row; ratio is peer time over ours where there is a peer."""
    empty = {"ours_error": None, "peer": None, "peer_s": None, "peer_error": None, "ratio": None}
    filled = {"task": task, "ours_s": round(ours_s, 4), **empty, **peer, "note": note}
    if filled["peer_s"] is not None:
        filled |= {"ratio": round(filled["peer_s"] / ours_s, 1), "peer_s": round(filled["peer_s"], 3)}
    return filled


def tell(rows: list[dict[str, Any]], file: Path | None) -> None:
    """Print the rows; write them as JSON where asked."""
    for entry in rows:
        errors = "".join(
            f"  {who} error {entry[key]:.1e}" for who, key in (("our", "ours_error"), ("peer", "peer_error")) if entry[key]
        )
        peer = f"  {entry['peer']} {entry['peer_s']} s, ratio {entry['ratio']}" if entry["peer"] else ""
        print(f"{entry['task']:<42} {entry['ours_s']:8.3f} s{errors}{peer}  {entry['note']}")
    if file:
        file.write_text(json.dumps(rows, indent=1) + "\n")
