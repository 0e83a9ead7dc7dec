# TRUTHS of `fullbore design system`
# | what | truth |
# | a brief of an array on a preset | a folder that --scanner takes, its report and figures; equal digests |
# | that folder with one key of the array changed | only the array is another; the report tells both |
# | figures of a machine whose array alone is another | are those it is compared with, not made again |
# | what is kept of a machine | is used where all it follows from is the same, and made anew after an edit or by other code |
# | a gradient axis changed in its folder (slow) | its digest is that of the whole design; the other axes are not made again |
# | wrong parts, keys, presets, folders | exit code 2 and a sentence |

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fullbore import hardware
from fullbore.cli import design_system, machine_keep
from fullbore.cli.machine_keep import Shelf, known_figures
from fullbore.cli.main import main
from fullbore.clinical.machine_figures import MachineFigures, machine_figures
from fullbore.data import CoilSet, Grid, ScannerSpec, Subject
from fullbore.files import machine_digest, read_machine
from fullbore.files.kept import keep, kept
from fullbore.hardware.array import ArrayBrief, ReceiveArray, array_coils, design_array
from fullbore.hardware.gradient import GradientBrief, GradientCoil, design_axis, wound

BRIEF = """
name = "eight"
base = "fullbore-75cm"
[receive]
preset = "head"
channels = 8
"""


@pytest.fixture(scope="module")
def made_once() -> Iterator[None]:
    """Each array is designed once in this file."""
    arrays: dict[str, ReceiveArray] = {}
    coils: dict[tuple[int, bytes], CoilSet] = {}

    def design(brief: ArrayBrief, tell: object) -> ReceiveArray:
        if repr(brief) not in arrays:
            arrays[repr(brief)] = design_array(brief)
        return arrays[repr(brief)]

    def sampled(array: ReceiveArray, grid: Grid) -> CoilSet:
        key = (id(array), grid.affine_m.tobytes())
        if key not in coils:
            coils[key] = array_coils(array, grid)
        return coils[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hardware.system, "design_array", design)
        patch.setattr(hardware.system, "array_coils", sampled)
        yield


def test_a_machine_whose_slice_is_refused_is_still_told() -> None:
    spec = hardware.design(hardware.Brief(preset="fullbore-75cm"))
    told: list[str] = []
    weak = replace(spec, limits=replace(spec.limits, b1_peak_T=1e-7))
    assert design_system._slice(weak, lambda share, what: told.append(what)) is None
    assert told[-1].startswith("no slice: ")


def without_array(spec: ScannerSpec) -> ScannerSpec:
    """The machine, whose array cannot be read."""
    bare = copy(spec)
    object.__delattr__(bare, "receive")
    return bare


@pytest.mark.usefixtures("made_once")
def test_a_machine_and_a_change(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    brief, first, second = tmp_path / "brief.toml", tmp_path / "first", tmp_path / "second"
    brief.write_text(BRIEF)
    judged: list[str] = []

    def told(spec: ScannerSpec, subject: Subject, **options: Any) -> MachineFigures:
        judged.append(spec.name)
        return machine_figures(without_array(spec), subject, **options)  # no figure of all ten sequences reads the array

    monkeypatch.setattr(design_system, "machine_figures", told)
    assert main(["design", "system", str(brief), "--no-scan", "--out", str(first), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    made = read_machine(first)
    assert record["sha256"] == machine_digest(made) and made.receive.coils == 8 and made.name == "eight"
    assert (
        record["before"]["sequences"] == record["after"]["sequences"]
    )  # an array changes no sequence: none of their figures reads it
    change = ["--set", "receive.channels=12"]
    assert main(["design", "system", "--base", str(first), *change, "--out", str(second), "--json"]) == 0
    after = read_machine(second)
    assert after.receive.coils == 12 and after.limits == made.limits
    page = (second / "report.html").read_text()
    assert "eight-changed" in page and "difference" not in page.lower().split("<img")[0]
    assert judged == ["fullbore-75cm"]
    assert (second / "images.png").exists() and json.loads((second / "figures.json").read_text())["figures"][0]["name"] == "eight"


@pytest.mark.usefixtures("made_once")
def test_kept_figures_follow_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    brief, first = tmp_path / "brief.toml", tmp_path / "first"
    brief.write_text(BRIEF)
    judged: list[str] = []

    def told(spec: ScannerSpec, subject: Subject, **_: object) -> MachineFigures:
        judged.append(spec.name)
        return machine_figures(spec, subject, names=("spoiled_gre_3d",))

    monkeypatch.setattr(design_system, "machine_figures", told)

    def change(name: str) -> MachineFigures:
        change = ["--base", str(first), "--set", "receive.channels=12", "--no-scan", "--out", str(tmp_path / name)]
        judged.clear()
        assert main(["design", "system", *change]) == 0
        return known_figures(Shelf(own=first, older=first), keys(first))

    def keys(folder: Path) -> dict[str, object]:
        return design_system._found(read_machine(folder), None).keys["figures"]

    assert main(["design", "system", str(brief), "--no-scan", "--out", str(first)]) == 0
    made = known_figures(Shelf(own=first, older=first), keys(first))
    assert made is not None and judged == ["fullbore-75cm"]  # its array alone is another
    assert change("second") == made and judged == []
    table = first / "machine.toml"
    table.write_text(table.read_text().replace('name = "eight"', 'name = "edited"', 1))
    assert known_figures(Shelf(own=first, older=first), keys(first)) is None
    assert change("third") is not None and judged == ["edited"]
    monkeypatch.setattr(machine_keep, "code_digest", lambda: "another program")
    assert change("fourth") is not None and judged == ["edited"]


def test_what_is_kept(tmp_path: Path) -> None:
    tree, arrays = {"a": [1.5, 0.1 + 0.2], "b": {"c": float("inf")}}, {"x.y": np.arange(6.0).reshape(2, 3)}
    path = tmp_path / "one.npz"
    assert kept(path, "key") is None
    keep(path, "key", tree, arrays)
    found = kept(path, "key")
    assert found is not None and found[0] == tree and (found[1]["x.y"] == arrays["x.y"]).all()
    assert kept(path, "other") is None
    bytes_ = bytearray(path.read_bytes())
    place = bytes_.index(np.float64(4.0).tobytes())
    bytes_[place : place + 8] = np.float64(4.5).tobytes()
    path.write_bytes(bytes_)
    assert kept(path, "key") is None
    path.write_bytes(b"no archive")
    assert kept(path, "key") is None


@pytest.mark.slow
def test_a_changed_axis_is_all_that_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    brief, first = tmp_path / "brief.toml", tmp_path / "first"
    few = '[gradient]\npreset = "75cm"\n[gradient.drive]\ncurrent = "3600 A"\nvoltage = "2000 V"\n'
    brief.write_text('name = "few"\nbase = "fullbore-75cm"\n' + few)
    monkeypatch.setattr(design_system, "machine_figures", partial(machine_figures, names=("spoiled_gre_3d",)))
    assert main(["design", "system", str(brief), "--no-scan", "--out", str(first)]) == 0
    designed: list[str] = []

    def told(brief: GradientBrief, axis: str, tell: object) -> GradientCoil:
        designed.append(axis)
        return design_axis(brief, axis)

    monkeypatch.setattr(wound, "design_axis", told)
    change = ["--base", str(first), "--set", "gradient.y.primary_radius=41.5 cm", "--no-scan", "--out"]
    assert main(["design", "system", *change, str(tmp_path / "part")]) == 0
    assert designed == ["y"]
    for held in (first / "kept").iterdir():
        held.unlink()
    assert main(["design", "system", *change, str(tmp_path / "whole")]) == 0
    assert designed == ["y", "x", "y", "z"]
    assert machine_digest(read_machine(tmp_path / "part")) == machine_digest(read_machine(tmp_path / "whole"))


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        (BRIEF.replace("[receive]", "[receiver]"), [], "unknown key receiver"),
        (BRIEF.replace('preset = "head"', 'preset = "foot"'), [], "foot"),
        (BRIEF.replace('name = "eight"', ""), [], "name"),
        (BRIEF.replace("channels = 8", 'channels = "many"'), [], "channels"),
        (BRIEF, ["--set", "magnet.name=1"], "there is no magnet"),
        (BRIEF, ["--set", "receive=1"], "PART.KEY"),
        (BRIEF, ["--base", "nowhere"], "nowhere"),
    ],
)
def test_wrong_asks(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, options: list[str], said: str) -> None:
    brief = tmp_path / "brief.toml"
    brief.write_text(text)
    assert main(["design", "system", str(brief), "--no-scan", "--out", str(tmp_path / "out"), *options]) == 2
    told = capsys.readouterr().err
    assert said in told and "internal error" not in told
    assert not (tmp_path / "out").exists()
