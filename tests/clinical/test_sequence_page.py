# TRUTHS of a sequence's page: its columns come back from the page as they were | a browser draws them, all in view or few |
#   150,000 blocks are drawn in a blink | nothing is loaded from elsewhere

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest

from fullbore.clinical.report import sequence_page
from fullbore.data import Sequence
from fullbore.sequence import build
from tests.sequence.reference import LIMITS, built, protocol

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")


def test_columns_come_back() -> None:
    sequence = built("t1_mprage")
    text = sequence_page(sequence, "MPRAGE <1>", [("a", "b & c")])
    assert "MPRAGE &lt;1&gt;" in text and "http" not in re.sub(r'<script type="text/plain".*?</script>', "", text, flags=re.S)
    data = re.search(r'id="sequence-data">(.*?)</script>', text, flags=re.S)
    meta = re.search(r'id="sequence-meta">(.*?)</script>', text, flags=re.S)
    assert data is not None and meta is not None
    raw, told = zlib.decompress(base64.b64decode(data[1])), json.loads(meta[1])
    blocks = told["blocks"]
    assert np.array_equal(np.frombuffer(raw, "<f8", blocks), sequence.duration_s)
    scale = np.frombuffer(raw, "<f4", 3 * blocks, offset=8 * blocks).reshape(blocks, 3)
    assert scale == pytest.approx(sequence.gradient_scale, rel=1e-6)
    assert len(told["gradients"]) == len(sequence.gradients)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium")
def test_a_browser_draws_it(tmp_path: Path) -> None:
    blocks, milliseconds = drawn(built("t2_tse"), tmp_path)
    assert blocks > 20
    assert milliseconds < 500


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no Chromium")
def test_a_browser_draws_150_000_blocks(tmp_path: Path) -> None:
    sequence = build(protocol("localizer", quick=False, matrix=[64, 240, 208], fov=["256 mm", "240 mm", "208 mm"]), LIMITS)
    assert sequence.blocks > 149_000
    blocks, milliseconds = drawn(sequence, tmp_path, everything=True)
    assert blocks == sequence.blocks
    assert milliseconds < 1000


def drawn(sequence: Sequence, folder: Path, *, everything: bool = False) -> tuple[int, float]:
    """How many blocks a browser has drawn at last, and in how many ms."""
    text = sequence_page(sequence, "page", [])
    if everything:
        text = re.sub(r'"view":\[[^]]*\]', f'"view":[0,{sequence.total_duration_s}]', text)
    (folder / "page.html").write_text(text)
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--virtual-time-budget=8000",
        "--dump-dom",
        f"--user-data-dir={folder}/c",
    ]
    call = [str(BROWSER), *flags, f"file://{folder}/page.html"]
    page = subprocess.run(call, capture_output=True, text=True, timeout=120, check=True).stdout
    found = re.search(r'data-blocks="(\d+)" data-milliseconds="([\d.]+)"', page)
    assert found is not None, "the script drew nothing"
    return int(found[1]), float(found[2])
