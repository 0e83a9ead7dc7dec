"""`fullbore`: the command line. Exit codes: 0 ok, 2 usage, 3 a limit refused it, 4 bad data, 5 ours, 130 interrupted."""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fullbore import __version__
from fullbore.cli.design_options import add_design
from fullbore.cli.interruption import interrupts_heard
from fullbore.cli.later import Later
from fullbore.cli.make_options import add_make
from fullbore.cli.sequence_options import SCANNER, add_sequence
from fullbore.errors import FullboreError

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin while they wait slow each other down on few cores
INTERNAL_ERROR, INTERRUPTED = 5, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = parser().parse_args(arguments)
    try:
        with interrupts_heard():
            return int(options.run(options) or 0)
    except FullboreError as error:
        return _fail(options, str(error), error.exit_code)
    except KeyboardInterrupt as error:
        return _fail(options, str(error) or "Interrupted.", INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(options, f"{where}{error.strerror or error}. Free space or choose another folder, then run again.", 2)
    except Exception as error:  # the last resort: say it in one sentence, keep the traceback for whoever asks
        if os.environ.get("FULLBORE_TRACEBACK"):
            traceback.print_exc()
        text = f"internal error: {type(error).__name__}: {error}. Set FULLBORE_TRACEBACK=1 to see where, and please report it."
        return _fail(options, text, INTERNAL_ERROR)


def _fail(options: argparse.Namespace, text: str, code: int) -> int:
    if getattr(options, "json", False):
        sys.stdout.write(json.dumps({"status": "error", "exit_code": code, "error": text}) + "\n")
    sys.stderr.write(f"fullbore: {text}\n")
    return code


def parser() -> argparse.ArgumentParser:
    """The grammar of the command line."""
    top = argparse.ArgumentParser(prog="fullbore", description="An open 3 T MRI system in software.")
    top.add_argument("--version", action="version", version=f"fullbore {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    scan = commands.add_parser("scan", help="run a whole exam on the virtual scanner")
    scan.add_argument("region", help="what to examine: brain")
    scan.add_argument("--quick", action="store_true", help="the same exam at a small matrix")
    scan.add_argument("--out", type=Path, help="new folder for the exam (default: exam, or exam-2, ... when taken)")
    scan.add_argument("--seed", type=int, default=1, help="seed of the noise (default 1)")
    scan.add_argument("--series", default="", help="comma-separated names: scan only these")
    scan.add_argument(
        "--protocol", type=Path, action="append", default=[], help="a protocol file (TOML) to scan instead of the region's own"
    )
    scan.add_argument("--scanner", default="fullbore-65cm", help=SCANNER)
    scan.add_argument("--json", action="store_true", help="print the record of the exam as JSON on standard output")
    scan.set_defaults(run=Later("scan:scan"))

    repeat = commands.add_parser("repeat", help="run the exam in a folder again and compare every file")
    repeat.add_argument("folder", type=Path, help="an exam folder")
    repeat.add_argument("--out", type=Path, help="new folder for the repetition (default: FOLDER-repeated)")
    repeat.add_argument("--json", action="store_true", help="print the comparison as JSON on standard output")
    repeat.set_defaults(run=Later("repeat:repeat"))

    _add_simulate(commands)
    _add_recon(commands)
    _add_serve(commands)
    add_design(commands)
    add_make(commands)
    _add_phantom(commands)
    _add_scanner(commands)
    _add_accept(commands)
    add_sequence(commands)
    return top


def _add_simulate(commands: Any) -> None:
    play = commands.add_parser("simulate", help="play any Pulseq file to a digital subject on the virtual scanner")
    play.add_argument("file", type=Path, help="a Pulseq file, version 1.2 to 1.5.1")
    play.add_argument(
        "--phantom", default="head", help="head, sphere, box, vials or a body of `fullbore phantom list` (default head)"
    )
    play.add_argument("--still", action="store_true", help="a body that moves or bleeds: as it is at time 0, and at rest")
    play.add_argument(
        "--contrast",
        type=float,
        default=0.0,
        metavar="MMOL_PER_KG",
        help="gadobutrol, injected at the start (default none)",
    )
    play.add_argument(
        "--task", action="append", default=[], metavar="BEGIN:END", help="seconds in which active cortex works (may be repeated)"
    )
    play.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a parameter of the body, as in TOML")
    play.add_argument("--scanner", default="fullbore-65cm", help=SCANNER)
    play.add_argument("--engine", default="auto", help="auto, states or spins (default auto)")
    play.add_argument("--spins", type=int, default=1_000_000, help="most spins to play, where spins are played (default 1000000)")
    play.add_argument("--seed", type=int, default=1, help="seed of the noise and of the spins' places (default 1)")
    play.add_argument("--out", type=Path, help="new folder for raw data, picture and report (default: NAME-raw)")
    play.add_argument("--json", action="store_true", help="print what was done as JSON on standard output")
    play.set_defaults(run=Later("simulate:simulate"))


def _add_recon(commands: Any) -> None:
    recon = commands.add_parser("recon", help="image or spectrum of a raw data file: MRD, Siemens .dat, BART .cfl, NumPy")
    recon.add_argument("file", type=Path, nargs="?", help="the raw data")
    recon.add_argument("--recipe", help="a recipe (TOML), or the name of one from --list (default: the one that suits the data)")
    recon.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change it, e.g. noise_map=replica")
    recon.add_argument("--field", type=Path, help="a map of off-resonance (NIfTI, Hz or as its BIDS sidecar says) to correct for")
    recon.add_argument("--girf", type=Path, help="a measured gradient impulse response (.npz, .csv): where k-space really was")
    recon.add_argument("--sequence", type=Path, help="the Pulseq file that was played, for --girf: what came before each readout")
    recon.add_argument("--device", default="cpu", help="where the image is solved for: cpu (default), cuda, cuda:1")
    recon.add_argument("--blip-pair", type=Path, metavar="OTHER", help="the same echo-planar scan with its blips the other way")
    recon.add_argument("--lines-as-acquired", action="store_true", help="OTHER numbers its lines in their order, not by their k")
    recon.add_argument("--list", action="store_true", help="the recipes that come along")
    recon.add_argument("--show", action="store_true", help="print the recipe for this file, with the reasons, and stop")
    recon.add_argument("--out", type=Path, help="new folder for image, picture and report (default: NAME-recon)")
    recon.add_argument("--json", action="store_true", help="print what was done as JSON on standard output")
    recon.set_defaults(run=Later("recon:recon"))


def _add_serve(commands: Any) -> None:
    serve = commands.add_parser("serve", help="reconstruct what scanners stream (MRD over TCP), with previews")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1: this machine only)")
    serve.add_argument("--port", type=int, default=9002, help="port (default 9002, MRD's own)")
    serve.add_argument("--preview", type=float, default=1.0, help="seconds between previews, 0 for none (default 1)")
    serve.add_argument("--idle", type=float, default=120.0, help="seconds of silence after which a client is gone (default 120)")
    serve.add_argument("--memory", type=float, default=8.0, help="GiB of readouts that one client may send (default 8)")
    serve.add_argument("--keep", type=Path, default=Path("streamed"), help="folder for data of broken sessions")
    serve.set_defaults(run=Later("serve:serve"))


def _add_phantom(commands: Any) -> None:
    bodies = commands.add_parser("phantom", help="digital patients and test objects: list, show, export")
    verbs = bodies.add_subparsers(metavar="VERB", required=True)
    lister = verbs.add_parser("list", help="all bodies with their parameters")
    lister.add_argument("--json", action="store_true", help="as JSON on standard output")
    lister.set_defaults(run=Later("bodies:list_bodies"))
    for name, about in (("show", "pictures and a page"), ("export", "truth as NIfTI")):
        verb = verbs.add_parser(name, help=about)
        verb.add_argument("body", help="a name from `fullbore phantom list`, or a TOML file that describes a body")
        verb.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a parameter of the body, as in TOML")
        verb.add_argument("--spacing", type=float, help="voxel size in mm (default: 160 voxels along the longest side)")
        verb.add_argument("--time", type=float, default=0.0, help="seconds (default 0)")
        verb.add_argument("--station", metavar="LOW:HIGH", help="only what lies between two heights, mm (--station=-900:-500)")
        verb.add_argument("--out", type=Path, help="new folder")
        verb.add_argument("--json", action="store_true", help="print what was done as JSON on standard output")
        verb.set_defaults(run=Later(f"bodies:{name}"))
        if name == "show":
            verb.add_argument(
                "--movie", type=Path, metavar="FILE", help="a movie of its motion too: a .gif, or an .mp4 with ffmpeg"
            )
        if name == "export":
            verb.add_argument("--maps", default="T1,T2,PD", help="which properties, comma-separated (default T1,T2,PD)")
            verb.add_argument("--mixture", action="store_true", help="the share of every tissue too")
            verb.add_argument("--oversampling", type=int, default=1, help="parts along a voxel's edge (default 1)")


def _add_scanner(commands: Any) -> None:
    scanners = commands.add_parser("scanner", help="machines that --scanner knows by name: list")
    verbs = scanners.add_subparsers(metavar="VERB", required=True)
    lister = verbs.add_parser("list", help="presets, and the machine that Fullbore designed: field, bore, gradients, receivers")
    lister.add_argument("--json", action="store_true", help="as JSON on standard output")
    lister.set_defaults(run=Later("machines:list_machines"))


def _add_accept(commands: Any) -> None:
    accept = commands.add_parser("accept", help="acceptance tests of a machine: NEMA, ACR and NIST phantoms, pass or fail")
    accept.add_argument("--scanner", default="fullbore-65cm", help=SCANNER)
    accept.add_argument("--tests", default="", help="comma-separated: only these (default all, with --quick the quick ones)")
    accept.add_argument("--fault", action="append", default=[], metavar="NAME", help="plant a fault (may be repeated)")
    accept.add_argument("--quick", action="store_true", help="a small matrix, and the tests that make sense at it")
    accept.add_argument("--seed", type=int, default=1, help="seed of the noise (default 1)")
    accept.add_argument("--out", type=Path, help="new folder for pictures and report (default: acceptance)")
    accept.add_argument("--json", action="store_true", help="print every figure as JSON on standard output")
    accept.set_defaults(run=Later("accept:accept"))


if __name__ == "__main__":
    sys.exit(main())
