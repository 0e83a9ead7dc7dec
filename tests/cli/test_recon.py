# TRUTHS of `fullbore recon`: --list names every recipe | --show says the recipe and why, as TOML that --recipe takes back to the
# same bytes | a name, a file and --set are obeyed | image, noise and g maps, recipe and report are written | what is unknown is
# refused by name and nothing is written | two trains with opposite blips give their field, which --field takes back
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
from tests.recon.turning import gaussian_field, train


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


def test_a_field_map_is_read_and_used(raw_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A uniform field of a turn per readout shifts the image by a voxel; in rad/s as in Hz; other units are refused."""
    affine = np.diag([5.0, 5.0, 5.0, 1.0])
    affine[:3, 3] = -160
    offset = 1 / (32 * 1e-5)
    for name, scale, unit in (("hertz", 1.0, None), ("radians", 2 * np.pi, "rad/s"), ("tesla", 1.0, "T")):
        nibabel.save(nibabel.Nifti1Image(np.full((64, 64, 64), scale * offset, np.float32), affine), f"{name}.nii.gz")
        if unit:
            Path(f"{name}.json").write_text(json.dumps({"Units": unit}))
    images = {}
    for name in ("none", "hertz", "radians"):
        field = [] if name == "none" else ["--field", f"{name}.nii.gz"]
        assert main(["recon", raw_file, *field, "--set", "solver.kind=ConjugateGradient", "--out", name]) == 0
        images[name] = np.asarray(nibabel.load(f"{name}/image.nii.gz").dataobj)[:, :, 0]
    told = from_toml(Path("hertz/recipe.toml").read_text())
    assert told.off_resonance is not None and told.off_resonance.source == "given"
    assert np.allclose(images["hertz"], images["radians"], rtol=1e-3, atol=1e-3 * images["none"].max())
    # The coil maps stay where they are, so that the shifted image is weighed a little differently.
    shifted, still = (np.linalg.norm(np.roll(images["none"], by, axis=0) - images["hertz"]) for by in (-1, 0))
    assert shifted < 0.3 * still
    assert main(["recon", raw_file, "--field", "tesla.nii.gz"]) == 4
    assert "wanted one of Hz, rad/s" in capsys.readouterr().err


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    for name, sign in (("plus", 1), ("minus", -1)):
        raw = train((32, 32, 1), array_of(2, 2), gaussian_field, spacing=4e-4, fine=2, sign=sign)
        files.write_mrd(replace(raw, coil_name="test"), tmp_path / f"{name}.h5")
    return ["plus.h5", "--blip-pair", "minus.h5"]


def test_a_pair_of_blips(pair: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recon", *pair, "--json", "--out", "out"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert max(record["misfit"]) < 0.1
    assert all(Path(path).is_file() for path in record["images"])
    field, image = files.read_field_nifti("out/fieldmap.nii.gz"), nibabel.load("out/image.nii.gz").get_fdata()
    off = (field.values[0].real - gaussian_field(field.grid.points_m()))[0]
    # A voxel is 78 Hz; the field is known to a tenth of one where there is signal.
    assert np.sqrt(np.mean(off[0.3 * image.max() < image[:, :, 0].T] ** 2)) < 7.8
    page, recipe = Path("out/report.html").read_text(), from_toml(Path("out/recipe.toml").read_text())
    assert all(word in page for word in ("Off-resonance that was found", "misfit_minus", "minus.h5", recipe.digest()))
    assert main(["recon", "minus.h5", "--field", "out/fieldmap.nii.gz", "--out", "later"]) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["plus.h5", "--blip-pair", "plus.h5"], 4, ["opposite signs", "--lines-as-acquired", "no pair"]),
        (["plus.h5", "--blip-pair", "none.h5"], 4, ["none.h5"]),
        (["plus.h5", "--blip-pair", "minus.h5", "--field", "map.nii.gz"], 2, ["--field", "its own field"]),
        (["plus.h5", "--blip-pair", "minus.h5", "--set", "noise_map=none"], 2, ["only off_resonance"]),
        (["plus.h5", "--blip-pair", "minus.h5", "--lines-as-acquired"], 4, ["opposite signs"]),
        (["plus.h5", "--lines-as-acquired"], 2, ["--blip-pair"]),
    ],
)
def test_what_is_no_pair(
    pair: list[str], capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: list[str]
) -> None:
    assert main(["recon", *arguments]) == code
    told = capsys.readouterr().err
    assert all(word in told for word in words), told
    assert sorted(path.name for path in Path().iterdir()) == ["minus.h5", "plus.h5"]
