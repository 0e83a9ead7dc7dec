# TRUTHS of `fullbore design gradient --surface`: cylinders as drawings cost what the cylinders' own program says, and the wire
# keeps the limits (slow) | a plain tube becomes record, wire, picture and report that agree, its brief beside its drawing | no
# file, a file cut short, another kind, an edge of three triangles, metres taken for millimetres, a surface in the volume or
# beyond the bore, flags that miss a surface, and too few turns are answered in one sentence
from __future__ import annotations

import json

import ezdxf
import numpy as np
import pytest
import trimesh

from fullbore.cli.main import main
from fullbore.files.making import read_dxf, read_step, read_track, write_stl
from fullbore.hardware.gradient import design_axis, load_gradient_brief
from fullbore.hardware.gradient.figures import centre_gradient
from fullbore.hardware.gradient.triangles import cylinder_surface

PLAIN = ("--volume", "12 cm", "--amplitude", "20 mT/m", "--current", "200 A", "--linearity", "8 %")


def design(*arguments: str) -> int:
    return main(["design", "gradient", *arguments])


@pytest.fixture
def tube(tmp_path):
    mesh = cylinder_surface(0.3, 0.9, 20, 16)
    path = tmp_path / "tube.stl"
    write_stl(path, mesh.nodes_m, mesh.triangles)
    return path


def test_a_tube_becomes_a_wire(tube, tmp_path, capsys):
    brief = tmp_path / "brief.toml"
    brief.write_text(
        'name = "tube"\naxis = "y"\nsurface = "tube.stl"\nedge = "12 cm"\nmodes = 60\nvolume = {radius = "12 cm", '
        'half_length = "10 cm"}\ndrive = {amplitude = "20 mT/m", current = "200 A", slew = "100 T/m/s", voltage = "700 V"}\n'
        'limits = {linearity = "8 %", torque = "1 Nm"}\n'
    )
    folder = tmp_path / "made"
    assert design(str(brief), "--out", str(folder), "--json") == 0
    told = capsys.readouterr()
    assert {path.name for path in folder.iterdir()} == {
        "gradient.json", "track-y.csv", "tracks.dxf", "tracks.step", "surface.png", "report.html",
    }  # fmt: skip
    f = json.loads(told.out)["figures"]["y"]
    assert "y: linearity" in told.err and "missed" not in told.err and "<img" in (folder / "report.html").read_text()
    wire = read_track(folder / "track-y.csv")
    assert centre_gradient([wire], "y") == pytest.approx(f["sensitivity_T_per_m_A"], rel=1e-5)
    for again in (read_dxf(folder / "tracks.dxf"), read_step(folder / "tracks.step")):
        assert set(again) == {"y"} and np.abs(again["y"] - wire).max() < 1e-6
    # one wire: closed across terminals a pitch apart, of its turns' gradient, and nowhere nearer than width and gap
    assert np.linalg.norm(wire[-2] - wire[-1]) == pytest.approx(5.5e-3, rel=0.01)
    assert f["sensitivity_T_per_m_A"] == pytest.approx(f["turns_sensitivity_T_per_m_A"], rel=2e-3)
    assert f["least_distance_m"] >= 5e-3
    assert np.linalg.norm(np.diff(wire, axis=0), axis=1).sum() == pytest.approx(f["conductor_m"], rel=1e-4)
    turns = [np.array(turn) for turn in json.loads((folder / "gradient.json").read_text())["turns_m"]]
    assert len(turns) == f["turns"]
    # turns of 200 A each are the sheet: a sum of steps for an integral
    assert f["sensitivity_T_per_m_A"] == pytest.approx(f["sheet_sensitivity_T_per_m_A"], rel=0.02)
    assert f["energy_J"] == pytest.approx(0.5 * f["inductance_H"] * (0.02 / f["sensitivity_T_per_m_A"]) ** 2)
    assert np.abs(np.hypot(*np.concatenate(turns)[:, :2].T) / 0.3 - 1).max() < 0.02
    assert f["net_torque_Nm"] <= 1.0 and f["net_torque_Nm"] == pytest.approx(lorentz_torque_Nm(wire, 200.0), rel=1e-3)
    makes_it(folder, tmp_path, capsys)


def makes_it(folder, tmp_path, capsys):
    """`fullbore make gradient` of a coil on surfaces: every file that carries its current, read by others' readers too."""
    shop = tmp_path / "shop"
    assert main(["make", "gradient", str(folder), "--out", str(shop), "--json"]) == 0
    files = {own["name"]: own for own in json.loads(capsys.readouterr().out)["files"]}
    carries = {"track-y.csv", "tracks.dxf", "tracks.step", "wire-y.stl"}
    assert set(files) == carries | {"former-primary.stl", "bill.csv"}
    assert max(files[name]["field_error"] for name in carries) <= 1e-4  # a tenth of what is asked
    wire, figures = read_track(shop / "track-y.csv"), json.loads((folder / "gradient.json").read_text())["figures"]["y"]
    length = np.linalg.norm(np.diff(wire, axis=0), axis=1)[:-1].sum()
    body, former = trimesh.load(shop / "wire-y.stl"), trimesh.load(shop / "former-primary.stl")
    # an octagon's prism of 4 mm along the wire, but for mitres that are cut in sharp bends; millimetres
    assert body.is_watertight and body.volume == pytest.approx(4 * np.sin(np.pi / 4) * 2**2 * 1e3 * length, rel=5e-3)
    # twenty plane sides of the tube
    assert former.area == pytest.approx(20 * 2 * 300 * np.sin(np.pi / 20) * 900, rel=1e-6)
    polylines = ezdxf.readfile(shop / "tracks.dxf").query("POLYLINE")
    assert 1e-3 * np.array([tuple(v.dxf.location) for v in polylines[0].vertices])[:5] == pytest.approx(wire[:5], abs=1e-9)
    row = next(line for line in (shop / "bill.csv").read_text().splitlines() if line.startswith("copper track y"))
    # as wide as the spacing leaves: 4 mm everywhere would be the least
    assert float(row.split(",")[1]) == pytest.approx(figures["conductor_m"], rel=1e-4)
    assert "tracks.step" in (shop / "report.html").read_text()
    tree = json.loads((folder / "gradient.json").read_text())
    for change in ({"kinds": tree["kinds"][:-1]}, {"psi_turns": [1.0]}, {"mesh": {}}, {"brief": {**tree["brief"], "volume": {}}}):
        (folder / "gradient.json").write_text(json.dumps(tree | change))
        assert main(["make", "gradient", str(folder), "--out", str(tmp_path / "none")]) == 4
        assert "Design it anew" in capsys.readouterr().err


def lorentz_torque_Nm(wire, current_A, b0_T=3.0):
    """Sum of r x (I dl x B0) over its pieces."""
    force = current_A * b0_T * np.cross(np.diff(wire, axis=0), [0, 0, 1.0])
    return np.linalg.norm(np.cross((wire[1:] + wire[:-1]) / 2, force).sum(axis=0))


@pytest.mark.slow
def test_drawn_cylinders_are_the_cylinders(tmp_path, capsys):
    """At what the cylinders' own wire reaches as limits: the mesh's wire keeps them all, at no less merit."""
    brief = load_gradient_brief("75cm")
    own, coil = brief.x, design_axis(brief, "x")
    wanted = coil.figures
    limits = {"linearity": "linearity_percent", "eddy": "eddy_percent", "torque": "net_torque_Nm"}
    asked = [f'{key} = "{wanted[name]:.6f} {"Nm" if key == "torque" else "%"}"\n' for key, name in limits.items()]
    for name, radius, length in (
        ("primary", own.primary_radius_m, own.primary_length_m),
        ("shield", own.shield_radius_m, own.shield_length_m),
    ):
        mesh = cylinder_surface(radius, length, 28, 24)
        write_stl(tmp_path / f"{name}.stl", mesh.nodes_m, mesh.triangles)
    path = tmp_path / "brief.toml"
    path.write_text(
        'surface = "primary.stl"\nshield_surface = "shield.stl"\nbore_radius = "50 cm"\n[volume]\nradius = "22.5 cm"\n'
        'half_length = "22.5 cm"\n[limits]\n' + "".join(asked) + '[drive]\namplitude = "45 mT/m"\n'
        'current = "1200 A"\n[conductor]\nwidth = "4 mm"\nthickness = "5 mm"\nwidest = "15 mm"\n'
    )
    assert design(str(path), "--axis", "x", "--out", str(tmp_path / "made"), "--json") == 0
    told = capsys.readouterr()
    assert "missed" not in told.err
    f = json.loads(told.out)["figures"]["x"]
    wire = read_track(tmp_path / "made" / "track-x.csv")
    for one, figures in ((wire, f), (coil.closed_m, wanted)):
        # an independent sum; a table's micrometres
        assert lorentz_torque_Nm(one, 1200.0) == pytest.approx(figures["net_torque_Nm"], rel=0.01, abs=0.01)
    for name in limits.values():
        assert f[name] <= wanted[name]
    drawn, round_ = (one["sheet_sensitivity_T_per_m_A"] ** 2 / one["sheet_inductance_H"] for one in (f, wanted))
    # edges of 12 cm on windings a third of a metre wide: order two, 4 % of the merit
    assert drawn == pytest.approx(round_, rel=0.05)
    # the numbers of turns differ by a few per cent
    scale = f["sensitivity_T_per_m_A"] / wanted["sensitivity_T_per_m_A"]
    assert f["inductance_H"] == pytest.approx(scale**2 * wanted["inductance_H"], rel=0.08)
    assert f["resistance_ohm"] == pytest.approx(scale * wanted["resistance_ohm"], rel=0.05)
    # merit of the wires themselves, bridges and leads in it
    merits = [one["merit_T2_per_m2_A2_H"] for one in (f, wanted)]
    assert merits[0] == pytest.approx(merits[1], rel=0.05)
    assert f["least_distance_m"] >= 5e-3


def refused(capsys, code, said, *arguments):
    assert design(*arguments) == code
    told = capsys.readouterr().err
    assert said in told and "internal error" not in told


def test_refusals(tube, tmp_path, capsys):
    out = ("--out", str(tmp_path / "out"))
    refused(capsys, 2, "900 m from end to end in m", "--surface", str(tube), "--unit", "m", *PLAIN, *out)
    refused(capsys, 4, "no such file", "--surface", str(tmp_path / "none.stl"), *PLAIN, *out)
    (tmp_path / "short.stl").write_bytes(tube.read_bytes()[:900])
    refused(capsys, 4, "Give an intact file", "--surface", str(tmp_path / "short.stl"), *PLAIN, *out)
    (tmp_path / "tube.msh").write_bytes(b"$MeshFormat\n")
    refused(capsys, 4, "Export the surface as STL", "--surface", str(tmp_path / "tube.msh"), *PLAIN, *out)
    refused(capsys, 2, "crosses the imaging volume", "--surface", str(tube), *PLAIN, "--volume", "31 cm", *out)
    refused(capsys, 2, "wanted within the bore", "--surface", str(tube), *PLAIN, "--bore", "29 cm", *out)
    refused(capsys, 2, "--current", "--surface", str(tube), "--volume", "10 cm", "--amplitude", "20 mT/m", *out)
    refused(capsys, 2, "without --surface", "--axis", "x", *out)
    refused(capsys, 2, "presets are of cylinders", "--surface", str(tube), "--preset", "75cm", *PLAIN, *out)
    refused(capsys, 2, "without bore_radius", "--surface", str(tube), "--shield-surface", str(tube), *PLAIN, *out)
    refused(capsys, 3, "less than one turn", "--surface", str(tube), *PLAIN, "--current", "900 kA", *out)
    assert not (tmp_path / "out").exists()


def test_no_manifold(tube, tmp_path, capsys):
    mesh = cylinder_surface(0.3, 0.9, 20, 16)
    fin = np.array([[mesh.triangles[40, 0], mesh.triangles[40, 2], len(mesh.nodes_m)]])
    write_stl(tmp_path / "fin.stl", np.concatenate([mesh.nodes_m, [[0.5, 0, 0]]]), np.concatenate([mesh.triangles, fin]))
    refused(capsys, 4, "not a manifold", "--surface", str(tmp_path / "fin.stl"), *PLAIN, "--out", str(tmp_path / "out"))
