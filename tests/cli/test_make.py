# TRUTHS of `fullbore make`: every file that carries current gives the design's field to 0.1 % and says so | a file whose field
# is another is refused and taken away | records that are broken, or of another wire, are refused with one sentence
import json
from dataclasses import asdict

import ezdxf
import numpy as np
import pytest
from pypdf import PdfReader

from fullbore.cli.main import main
from fullbore.files import making
from fullbore.hardware.gradient import load_gradient_brief
from fullbore.hardware.gradient.figures import centre_gradient

WINDINGS = (
    "name,wire,inner_radius_m,outer_radius_m,centre_m,length_m,turns,current_A\n"
    "p 1,primary,0.5,0.55,-0.4,0.2,3000,500\np 2,primary,0.5,0.55,0.4,0.2,3000,500\ns 1,shield,0.9,0.93,0,0.2,-900,500\n"
)


def saddles(turned, radius=0.411):
    """Two saddles in series on each side of the middle: a transverse gradient, whatever its quality."""
    corners = []
    for side, low in ((0, 0.1), (np.pi, 0.1), (np.pi, -0.4), (0, -0.4)):
        around = np.linspace(-1, 1, 25) + turned + side
        turn = [(a, low + 0.3) for a in around] + [(a, low) for a in around[::-1]]
        turn = [*turn, turn[0]]
        corners += turn if (side == 0) == (low > 0) else turn[::-1]
    points = np.array([(radius * np.cos(a), radius * np.sin(a), z) for a, z in corners])
    return np.concatenate([points, points[:1] * [1, 1, 1.0] + [[0, 0, 4e-3]], points[:1]])


def rings():
    angle = np.linspace(0, 2 * np.pi * 0.999, 90)
    ring = np.column_stack([0.423 * np.cos(angle), 0.423 * np.sin(angle), 0 * angle])
    points = np.concatenate([ring + [0, 0, 0.3], ring[::-1] - [0, 0, 0.3]])
    return np.concatenate([points, points[:1]])


@pytest.fixture
def folder(tmp_path):
    """As `fullbore design gradient` leaves it, with simple wires."""
    brief = load_gradient_brief("75cm")
    tracks = {"x": saddles(0.0), "y": saddles(np.pi / 2, 0.417), "z": rings()}
    path = tmp_path / "design"
    path.mkdir()
    figures = {}
    for axis, track in tracks.items():
        gradient = centre_gradient([track], axis)
        track = track if gradient > 0 else track[::-1]
        figures[axis] = {"sensitivity_T_per_m_A": abs(gradient)}
        making.write_track(path / f"track-{axis}.csv", track)
    sheet = {
        "radius_m": 0.411,
        "order": 1,
        "heights_m": [-0.6, 0.0, 0.3, 0.6],
        "profile_A": [0.0, 1.0, 1.0, 0.0],
        "turned_rad": 0.0,
    }
    tree = {"brief": asdict(brief), "figures": figures, "stream_functions": {axis: [sheet] for axis in "xyz"}}
    (path / "gradient.json").write_text(json.dumps(tree))
    return path


def test_make_gradient(folder, tmp_path, capsys):
    assert main(["make", "gradient", str(folder), "--out", str(tmp_path / "made"), "--json"]) == 0
    files = {own["name"]: own for own in json.loads(capsys.readouterr().out)["files"]}
    carries = [name for name in files if name.split(".")[0] not in ("bill", "formers", "former-primary", "former-shield")]
    assert len(carries) == 9
    assert max(files[name]["field_error"] for name in carries) <= 1e-6
    assert not ezdxf.readfile(tmp_path / "made" / "tracks-flat.dxf").audit().errors
    page = (tmp_path / "made" / "report.html").read_text()
    assert "tracks.step" in page and "copper track x" in page
    assert main(["make", "gradient", str(folder), "--out", str(tmp_path / "made")]) == 2


def test_a_file_with_another_field_is_refused(folder, tmp_path, capsys, monkeypatch):
    write = making.write_step
    monkeypatch.setattr(making, "write_step", lambda path, tracks_m: write(path, {a: 1.002 * t for a, t in tracks_m.items()}))
    assert main(["make", "gradient", str(folder), "--out", str(tmp_path / "made")]) == 4
    assert "tracks.step: read back, its field is off by" in capsys.readouterr().err
    assert not (tmp_path / "made" / "tracks.step").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda tree: tree["brief"]["conductor"].update(width_m="wide"), "no positive number"),
        (lambda tree: tree["brief"].pop("volume"), "volume"),
        (lambda tree: tree["stream_functions"]["x"][0].update(heights_m=[3, 2, 1, 0]), "do not rise"),
        (lambda tree: tree["figures"]["y"].update(sensitivity_T_per_m_A=1.0), "the record says"),
        (lambda tree: tree.clear(), "KeyError"),
    ],
)
def test_broken_records_are_refused(folder, tmp_path, capsys, change, words):
    tree = json.loads((folder / "gradient.json").read_text())
    change(tree)
    (folder / "gradient.json").write_text(json.dumps(tree))
    assert main(["make", "gradient", str(folder), "--out", str(tmp_path / "made")]) == 4
    assert words in capsys.readouterr().err


def test_odd_requests_are_refused(folder, tmp_path, capsys):
    assert main(["make", "gradient"]) == 2
    assert main(["make", "gradient", str(folder), "--preset", "75cm"]) == 2
    assert main(["make", "gradient", "--preset", "9cm"]) == 2
    assert main(["make", "gradient", str(tmp_path / "absent")]) == 4
    (folder / "track-y.csv").write_text("x_m,y_m,z_m\n0,0,zero\n")
    assert main(["make", "gradient", str(folder)]) == 4
    assert main(["make", "magnet", str(tmp_path / "absent.csv")]) == 4
    assert main(["make", "shim", str(tmp_path)]) == 4
    assert "Traceback" not in capsys.readouterr().err


def test_make_magnet(tmp_path, capsys):
    (tmp_path / "w.csv").write_text(WINDINGS)
    assert main(["make", "magnet", str(tmp_path / "w.csv"), "--out", str(tmp_path / "made"), "--json"]) == 0
    files = {own["name"]: own for own in json.loads(capsys.readouterr().out)["files"]}
    windings, spools = ({f"{name}.{end}" for end in ("dxf", "step")} for name in ("windings", "spools"))
    assert set(files) == {"bill.csv", "windings.csv", "spools.stl", *windings, *spools}
    assert max(own["field_error"] for own in files.values() if own["field_error"] is not None) <= 1e-6
    assert "spool-primary" in (tmp_path / "made" / "bill.csv").read_text()


def test_windings_that_no_spool_holds(tmp_path, capsys):
    (tmp_path / "w.csv").write_text(WINDINGS.replace("0.55,0.4", "0.55,-0.3"))
    assert main(["make", "magnet", str(tmp_path / "w.csv"), "--out", str(tmp_path / "made"), "--json"]) == 0
    told = capsys.readouterr()
    assert "no spools" in told.err
    assert not any("spool" in own["name"] for own in json.loads(told.out)["files"])
    (tmp_path / "w.csv").write_text(WINDINGS.replace("p 2", "p 1"))
    assert main(["make", "magnet", str(tmp_path / "w.csv")]) == 4


def test_make_shim(tmp_path, capsys):
    sheets = np.random.default_rng(3).integers(0, 60, (32, 23))
    trays = {"radius_m": 0.425, "length_m": 1.2, "trays": 32, "pockets": 23}
    tree = {"sheets": sheets.tolist(), "brief": {"name": "m", "shim_trays": trays, "homogeneity": [{"diameter_m": 0.45}]}}
    (tmp_path / "shim.json").write_text(json.dumps(tree))
    assert main(["make", "shim", str(tmp_path), "--out", str(tmp_path / "made"), "--json"]) == 0
    files = {own["name"]: own for own in json.loads(capsys.readouterr().out)["files"]}
    assert files["trays.pdf"]["field_error"] == 0
    assert len(PdfReader(tmp_path / "made" / "trays.pdf").pages) == 4
    assert (making.read_chart_pdf(tmp_path / "made" / "trays.pdf") == sheets).all()
    tree["sheets"][0][0] = -1
    (tmp_path / "shim.json").write_text(json.dumps(tree))
    assert main(["make", "shim", str(tmp_path), "--out", str(tmp_path / "again")]) == 4
