"""The grammar of `fullbore sequence`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from fullbore.cli.later import Later

_WHAT = "a name from `fullbore sequence list`, a protocol file (.toml), or a Pulseq file (.seq)"

SCANNER = "a name from `fullbore scanner list`, or a machine's folder (default fullbore-65cm)"


def add_sequence(commands: Any) -> None:
    """Add the command with its verbs."""
    sequences = commands.add_parser("sequence", help="pulse sequences: list, show, build, check, limits")
    verbs = sequences.add_subparsers(metavar="VERB", required=True)
    lister = verbs.add_parser("list", help="all sequences, what they are and who published them")
    lister.add_argument("--json", action="store_true", help="as JSON on standard output")
    lister.set_defaults(run=Later("sequences:list_sequences"))
    protocol = verbs.add_parser("protocol", help="print the protocol file of a sequence, to change and build")
    protocol.add_argument("name", help="a name from `fullbore sequence list`")
    protocol.add_argument("--json", action="store_true", help="as JSON on standard output")
    protocol.set_defaults(run=Later("sequences:protocol"))
    abouts = {
        "show": (Later("sequences:show"), "a page with its diagram, to zoom into, and its safety check"),
        "build": (Later("sequences:build"), "the same page and the Pulseq file"),
        "check": (Later("sequences:check"), "its safety check: every limit of the machine and of the body"),
    }
    for name, (run, about) in abouts.items():
        verb = verbs.add_parser(name, help=about)
        _add_protocol(verb, _WHAT)
        verb.add_argument("--scanner", default="fullbore-65cm", help=SCANNER)
        verb.add_argument("--nearest", action="store_true", help="where it is not legal, take the nearest protocol that is")
        tries = "protocols tried at most for the nearest legal one, 0 for none (default 79)"
        verb.add_argument("--tries", type=int, default=79, metavar="N", help=tries)
        if name != "check":
            verb.add_argument("--out", type=Path, help="new folder (default: NAME-sequence)")
        verb.set_defaults(run=run)
    limits = verbs.add_parser("limits", help="how short its times can be on each machine, and what binds")
    _add_protocol(limits, "a name from `fullbore sequence list`, or a protocol file (.toml)")
    limits.add_argument(
        "--scanner",
        action="append",
        default=[],
        help="a name or folder, may be repeated (default: all that have a name)",
    )
    limits.set_defaults(run=Later("sequences:limits"))


def _add_protocol(verb: argparse.ArgumentParser, what: str) -> None:
    """What protocol, for whom."""
    verb.add_argument("what", help=what)
    verb.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change the protocol, as in its file")
    verb.add_argument("--quick", action="store_true", help="the small version of the protocol")
    verb.add_argument("--mass", type=float, default=75.0, help="of the patient, kg (default 75)")
    verb.add_argument("--mode", default="first_level", help="normal or first_level (default first_level)")
    verb.add_argument("--json", action="store_true", help="print what was found as JSON on standard output")
