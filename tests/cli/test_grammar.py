# TRUTHS of the grammar: every command names a function that there is | help of every one is told, and imports none of them
import argparse
import inspect
import subprocess
import sys
from collections.abc import Iterator

from fullbore.cli.main import parser


def commands(top: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    below = [a for a in top._actions if isinstance(a, argparse._SubParsersAction)]
    if not below:
        yield top
    for command in (c for action in below for c in action.choices.values()):
        yield from commands(command)


def test_every_command_is_there():
    found = {command.prog: command.get_default("run") for command in commands(parser())}
    assert {"fullbore scan", "fullbore design birdcage", "fullbore make shim", "fullbore sequence limits"} <= set(found)
    for name, run in found.items():
        function = run.function()
        assert list(inspect.signature(function).parameters) == ["options"], name


def test_help_waits_for_no_command():
    code = (
        "import sys\nfrom fullbore.cli.main import parser\nparser().format_help()\n"
        "print(sorted(n for n in sys.modules if n in ('numpy', 'scipy', 'torch', 'matplotlib', 'fullbore.hardware')))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
