"""What every room's tests may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from tests import shape_checks

shape_checks.install()  # before the package is imported

REPOSITORY = Path(__file__).resolve().parent.parent
# Files of a minute and more of processor time. They start first: a long file that starts last runs alone, beside idle cores.
LONGEST = (
    "cli/test_design_system.py",
    "clinical/test_exam_truths.py",
    "clinical/test_interruption.py",
    "safety/test_second_opinion.py",
    "cli/test_bad_input.py",
    "numerics/test_sparse_solvers.py",
    "hardware/magnet/test_design.py",
    "hardware/test_shipped_machine.py",
    "hardware/test_system.py",
    "phantom/test_objects.py",
    "sequence/test_prepared.py",
    "clinical/test_delivery.py",
    "recon/test_bad_input.py",
    "sequence/test_labelling.py",
    "clinical/test_library.py",
    "cli/test_accept.py",
    "simulate/test_device.py",
    "sequence/test_displacement.py",
    "scanner/test_faults.py",
    "sequence/test_beam_navigated.py",
    "phantom/test_sliding.py",
)

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, the others as they were."""
    place = {REPOSITORY / "tests" / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))
