# TRUTHS of `fullbore recon`: --list names every recipe | --show says the recipe and why, as TOML that --recipe takes back to the
# same bytes | a name, a file and --set are obeyed | image, noise and g maps, recipe and report are written | what is unknown is
# refused by name and nothing is written
import json
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from fullbore import files
from fullbore.cli.main import main
from fullbore.recon.library import recipe_names
from fullbore.recon.recipe.text import from_toml
from tests.recon.measured import array_of, encoding_of, geometry_of, measure, regular_lines


@pytest.fixture
def raw_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    raw = measure(encoding_of(geometry_of((32, 48, 1)), regular_lines(48, 2, 16)), array_of(6, 2), noise=1e-7)
    files.write_mrd(replace(raw, coil_name="test"), tmp_path / "scan.h5")
    return "scan.h5"


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recon", "--list"]) == 0
    told = capsys.readouterr().out
    assert [line.split()[0] for line in told.splitlines()] == list(recipe_names())


def test_show_says_why_and_comes_back_as_the_same_image(raw_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recon", raw_file, "--show"]) == 0
    told = capsys.readouterr().out
    assert "# evenly spaced lines of a slice" in told
    assert not list(Path().glob("*-recon"))
    Path("mine.toml").write_text(told)
    assert main(["recon", raw_file, "--out", "default"]) == 0
    assert main(["recon", raw_file, "--recipe", "mine.toml", "--out", "mine"]) == 0
    assert Path("default/image.nii.gz").read_bytes() == Path("mine/image.nii.gz").read_bytes()
    assert from_toml(Path("mine/recipe.toml").read_text()) == from_toml(told)


def test_name_and_settings_and_what_is_written(raw_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    settings = ["--set", "noise_map=replica", "--set", "replicas=4", "--set", "coils.kind=Walsh"]
    assert main(["recon", raw_file, "--recipe", "cg-sense", *settings, "--json", "--out", "out"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["recipe"]["coils"]["kind"] == "Walsh"
    assert record["recipe"]["replicas"] == 4
    assert "set by hand" in record["why"]["coils"]
    for label in ("noise", "gfactor"):
        values = nibabel.load(f"out/desc-{label}_image.nii.gz").get_fdata()
        assert values.shape == (32, 48, 1)
        assert np.isfinite(values).all() and values.max() > 0
    page = Path("out/report.html").read_text()
    digest = from_toml(Path("out/recipe.toml").read_text()).digest()
    assert all(word in page for word in ("g-factor", "Standard deviation of the noise", "Residual", "Walsh", digest))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["scan.h5", "--recipe", "magic"], ["'magic'", "l1-wavelet"]),
        (["scan.h5", "--recipe", "none.toml"], ["none.toml"]),
        (["scan.h5", "--set", "coils.kernle=3"], ["kernle"]),
        (["scan.h5", "--set", "prior.weight=3"], ["no prior"]),
        ([], ["--list"]),
    ],
)
def test_refusals(raw_file: str, capsys: pytest.CaptureFixture[str], arguments: list[str], words: list[str]) -> None:
    assert main(["recon", *arguments]) == 2
    told = capsys.readouterr().err
    assert all(word in told for word in words), told
    assert [path.name for path in Path().iterdir()] == [raw_file]
