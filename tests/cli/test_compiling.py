# TRUTHS of telling that kernels are compiled: a computer that has none of them is told once | one that has them is told nothing
import os
import subprocess
import sys
from pathlib import Path

TOLD = "compiling kernels (once on this computer)"


def said(cache: Path) -> list[str]:
    command = [sys.executable, "-m", "fullbore.cli.main", "sequence", "check", "spoiled_gre_3d", "--quick"]
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, cwd=cache)
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()


def test_it_is_told_once(tmp_path: Path) -> None:
    assert said(tmp_path).count(TOLD) == 1
    assert TOLD not in said(tmp_path)
