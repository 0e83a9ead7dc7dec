# TRUTHS of `fullbore design` and `make` under wrong input: an unknown preset, a missing file, a misspelt key, a quantity that is
# negative, absurd or none, a taken folder: one sentence that names it, exit code 2 or 3, at once, and nothing is written
import re
from importlib import resources

import pytest

from fullbore.cli.main import main

# part -> package of its presets, a preset, a length or time in it
PARTS = {
    "gradient": ("gradient", "75cm", "primary_radius"),
    "amplifier": ("power_amplifier", "4MVA", "primary_radius"),
    "birdcage": ("rf", "75cm", "shield_radius"),
    "transmit": ("full_wave", "head-birdcage-3t", "radius"),
    "spectrometer": ("spectrometer", "3t", "jitter"),
    "array": ("array", "head", "sphere_radius"),
}
# What replaces the key's line, what is said of it.
WRONG = {
    "misspelt": ('{key}s = "1 m"', "unknown key .*{key}s; .*{key}"),
    "negative": ('{key} = "-1 {unit}"', "{key}: got .*-1"),
    "no number": ('{key} = "nan {unit}"', "{key}: got 'nan {unit}', wanted a number and a unit"),
    "absurd": ('{key} = "1e300 {unit}"', "{key}: got '1e300 {unit}', wanted at most"),
    "another unit": ('{key} = "1 T"', "{key}: unknown unit 'T'"),
}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def refused(capsys: pytest.CaptureFixture[str], said: str, *arguments: str) -> bool:
    """True for exit code 2 or 3 and one sentence that says so."""
    code, told = main(arguments), capsys.readouterr().err.splitlines()
    assert code in (2, 3), told
    return len(told) == 1 and re.search(said, told[0]) is not None


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("part", PARTS)
def test_wrong_briefs(tmp_path, capsys, part, wrong):
    package, preset, key = PARTS[part]
    text = (resources.files(f"fullbore.hardware.{package}") / "presets" / f"{preset}.toml").read_text(encoding="utf-8")
    names = {"key": key, "unit": "s" if key == "jitter" else "m"}
    line, said = (item.format(**names) for item in WRONG[wrong])
    changed, count = re.subn(rf'\b{key} = "[^"]*"', line, text, count=1)
    assert count == 1
    (tmp_path / "mine.toml").write_text(changed)
    brief = ["--brief", "mine.toml"] if part == "array" else ["mine.toml"]
    assert refused(capsys, f"{part} brief mine.toml.*{said}", "design", part, *brief)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]


@pytest.mark.parametrize("part", PARTS)
def test_wrong_options(tmp_path, capsys, part):
    brief = "--brief" if part == "array" else "--"
    assert refused(capsys, "'nosuch': unknown; wanted one of", "design", part, "--preset", "nosuch")
    assert refused(capsys, "absent.toml: no such file", "design", part, brief, "absent.toml")
    (tmp_path / "taken").write_text("mine")
    for folder in ("taken", "taken/below"):
        assert refused(capsys, f"output folder {folder}: .*Choose another with --out", "design", part, "--out", folder)
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.mark.parametrize(
    "arguments",
    [["design", "shim-coils"], ["make", "gradient", "--preset", "75cm"], ["make", "shim", "absent"], ["make", "magnet", "w.csv"]],
)
def test_a_taken_folder_is_refused_before_the_work(tmp_path, capsys, arguments):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("mine")
    assert refused(capsys, "output folder taken: exists already", *arguments, "--out", "taken")


def test_a_mask_without_a_field(capsys):
    assert refused(capsys, "--mask: got a mask without a field", "design", "shim-coils", "--mask", "brain.nii")


@pytest.mark.parametrize(
    ("part", "old", "new", "said"),
    [
        ("gradient", r'current = "[^"]*"', 'current = "900 kA"', "less than one turn"),
        ("array", r'half_axes = \["[^"]*", "[^"]*"', 'half_axes = ["98 mm", "2 m"', "their shape binds"),
        ("birdcage", r'length = "[^"]*"', 'length = "5 km"', r"coil.length: got '5 km'"),
        ("amplifier", r'primary_half = "[^"]*"', 'primary_half = "0.001 mm"', "half lengths"),
        ("amplifier", r'cryostat_half = "[^"]*"', 'cryostat_half = "5 km"', "half lengths"),
        ("amplifier", r'cryostat_radius = "[^"]*"', 'cryostat_radius = "5 km"', "cryostat_radius"),
    ],
)
def test_machines_that_cannot_be(tmp_path, capsys, part, old, new, said):
    package, preset, _ = PARTS[part]
    text = (resources.files(f"fullbore.hardware.{package}") / "presets" / f"{preset}.toml").read_text(encoding="utf-8")
    changed, count = re.subn(old, new, text, count=1)
    assert count == 1
    (tmp_path / "mine.toml").write_text(changed)
    brief = ["--brief", "mine.toml"] if part == "array" else ["mine.toml"]
    assert main(["design", part, *brief]) in (2, 3)
    assert re.search(said, capsys.readouterr().err.splitlines()[-1])
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]
