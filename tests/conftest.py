"""What every room's tests may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from hypothesis import settings

REPOSITORY = Path(__file__).resolve().parent.parent

# The same examples every time, so that a change is judged by itself; HYPOTHESIS_PROFILE=default looks for new ones.
settings.register_profile("steady", derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # read once, when the first kernel is imported


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real measurements: FULLBORE_DATA, or ../shared/data beside the repository; skips where it is absent."""
    folder = Path(os.environ.get("FULLBORE_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set FULLBORE_DATA to the folder that holds raw_siemens_gre")
    return folder
