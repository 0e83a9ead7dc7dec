# TRUTHS of the one-screen story: the script runs through the front doors and leaves DICOM behind | the README shows the script
# that runs
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "one_screen.py"


@pytest.mark.slow
def test_the_script_runs(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), str(tmp_path)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert {"map.seq", "map.h5"} <= {path.name for path in tmp_path.iterdir()}
    assert list((tmp_path / "dicom").rglob("*.dcm"))


def test_the_readme_tells_the_same_story() -> None:
    story = [
        line
        for line in SCRIPT.read_text().splitlines()
        if line.startswith(("spec =", "seq =", "verdict =", "raw =", "image =", "maps ="))
    ]
    readme = (ROOT / "README.md").read_text()
    assert len(story) == 6
    for line in story:
        assert line in readme
