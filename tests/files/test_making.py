# TRUTHS of files for a workshop: a wire is the same to a nanometre through CSV, DXF, flat DXF and STEP, to 0.1 um through STL
# | its length in metres is that which another STEP parser adds up, and OpenCASCADE where it is at hand | ezdxf finds no fault
# | trimesh: tubes and spools are watertight and hold section x length, whatever the order of their triangles
# | a solid of revolution holds what Guldin says | flat runs keep lengths on their cylinder | a chart's text is its table
# | broken and foreign files are refused, never with another error
import os
import re
import subprocess
import sys

import ezdxf
import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from fullbore.errors import FormatError, ValueRangeError
from fullbore.files import making

# A closed saddle of one turn on a cylinder of 0.4 m, with a lead that goes 6 mm out and comes back.
ANGLES = np.linspace(-1.0, 1.0, 41)


def saddle(radius_m=0.4, centre=np.pi):
    top = [(radius_m, centre + a, 0.3) for a in ANGLES]
    bottom = [(radius_m, centre + a, 0.1) for a in ANGLES[::-1]]
    lead = [(radius_m + 6e-3, centre - 1.0, 0.1), (radius_m + 6e-3, centre - 1.0, 0.25), (radius_m, centre - 1.0, 0.28)]
    return np.array([(r * np.cos(a), r * np.sin(a), z) for r, a, z in [*top, *bottom, *lead, top[0]]])


def helix(turns=5.3):
    angle = np.linspace(0, 2 * np.pi * turns, 400)
    return np.column_stack([0.3 * np.cos(angle), 0.3 * np.sin(angle), 0.004 * angle])


WIRES = {"x": saddle(), "helix-1": helix()}
RADII = {"x": (0.4, 0.5), "helix-1": (0.3,)}
RING = np.array([[0.5, -0.1], [0.6, -0.1], [0.6, 0.1], [0.5, 0.1]])
SPOOL = np.array([[0.4, -0.3], [0.5, -0.3], [0.5, -0.2], [0.45, -0.2], [0.45, 0.1], [0.5, 0.1], [0.5, 0.2], [0.4, 0.2]])
GULDIN_M3 = 2 * np.pi * (0.45 * 0.1 * 0.5 - 0.475 * 0.05 * 0.3)
WRITERS = {
    "a.dxf": (making.write_dxf, making.read_dxf),
    "f.dxf": (lambda path, wires: making.write_flat_dxf(path, wires, RADII), making.read_flat_dxf),
    "a.step": (making.write_step, making.read_step),
}


def length(track):
    return np.linalg.norm(np.diff(track, axis=0), axis=1).sum()


@pytest.mark.parametrize("name", WRITERS)
def test_wires_come_back(tmp_path, name):
    write, read = WRITERS[name]
    write(tmp_path / name, WIRES)
    again = read(tmp_path / name)
    assert list(again) == list(WIRES)
    for wire, track in WIRES.items():
        assert again[wire].shape == track.shape
        assert np.abs(again[wire] - track).max() <= 1e-9


def test_a_table_of_points_comes_back(tmp_path):
    making.write_track(tmp_path / "t.csv", WIRES["x"])
    assert np.abs(making.read_track(tmp_path / "t.csv") - WIRES["x"]).max() <= 0.5001e-7


@pytest.mark.parametrize("name", ["a.dxf", "f.dxf"])
def test_ezdxf_finds_no_fault(tmp_path, name):
    WRITERS[name][0](tmp_path / name, WIRES)
    drawing = ezdxf.readfile(tmp_path / name)
    assert not drawing.audit().errors
    assert drawing.units == 4
    assert {line.dxf.layer for line in drawing.modelspace()} == (
        {"x", "helix-1"} if name == "a.dxf" else {"x-radius-400.000mm", "helix-1-radius-300.000mm"}
    )


def test_a_flat_run_is_as_long_as_the_arc():
    (piece,) = making.unrolled(saddle()[:41], (0.4,))
    assert piece.points_m[:, 2] == pytest.approx(0, abs=1e-12)
    assert length(piece.points_m) == pytest.approx(0.4 * 2.0, rel=1e-12)


def test_a_helix_is_cut_once_a_turn():
    pieces = making.unrolled(helix(), (0.3,))
    assert len(pieces) == 6
    assert max(np.ptp(piece.points_m[:, 1]) for piece in pieces) <= 2 * np.pi * 0.3 * (1 + 1 / 70)  # one step over the cut


def test_runs_out_of_order_are_refused():
    pieces = making.unrolled(helix(), (0.3,))
    with pytest.raises(ValueRangeError, match="piece 2 begins"):
        making.folded(pieces[::-1])


def test_another_step_parser_adds_up_the_same_length(tmp_path):
    making.write_step(tmp_path / "a.step", WIRES)
    # Part 21 by its grammar alone: instances by number, parameters split at commas.
    instances = dict(re.findall(r"^#(\d+)=(.*);$", (tmp_path / "a.step").read_text(), re.MULTILINE))
    curve_set = next(text for text in instances.values() if text.startswith("GEOMETRIC_CURVE_SET"))
    total = 0.0
    for curve in re.findall(r"#(\d+)", curve_set):
        references = re.findall(r"#(\d+)", instances[curve])
        points = [[float(v) for v in re.findall(r"-?\d+\.\d+", instances[n])] for n in references]
        total += length(np.array(points))
    assert total / 1e3 == pytest.approx(sum(map(length, WIRES.values())), rel=1e-8)
    used = {n for text in instances.values() for n in re.findall(r"#(\d+)", text)}
    assert used <= set(instances)


GMSH = """
import sys, gmsh
gmsh.initialize()
gmsh.option.setNumber("General.Terminal", 0)
gmsh.model.occ.importShapes(sys.argv[1])
gmsh.model.occ.synchronize()
dim = int(sys.argv[2])
print(*[gmsh.model.occ.getMass(dim, tag) for _, tag in gmsh.model.getEntities(dim)])
"""


def opencascade(path, dim):
    """Lengths or volumes that OpenCASCADE measures, through gmsh as a program of its own; skips where there is none."""
    python = os.environ.get("FULLBORE_GMSH_PYTHON", sys.executable)
    done = subprocess.run([python, "-c", GMSH, str(path), str(dim)], capture_output=True, text=True, check=False)
    if "No module named 'gmsh'" in done.stderr:
        pytest.skip("gmsh is not at hand")
    assert done.returncode == 0, done.stderr
    return [float(word) for word in done.stdout.split()]


def test_opencascade_measures_the_same(tmp_path):
    making.write_step(tmp_path / "a.step", WIRES)
    measured = opencascade(tmp_path / "a.step", 1)
    assert sorted(measured) == pytest.approx(sorted(1e3 * length(track) for track in WIRES.values()), rel=1e-8)
    making.write_solids_step(tmp_path / "s.step", {"spool": SPOOL})
    assert opencascade(tmp_path / "s.step", 3) == pytest.approx([1e9 * GULDIN_M3], rel=1e-8)


@pytest.mark.parametrize("sides", [3, 5, 6, 8, 16])
def test_a_tube_is_watertight_and_gives_its_wire_again(tmp_path, sides):
    track = helix()
    making.write_stl(tmp_path / "t.stl", *making.tube(track, 2e-3, sides))
    body = making.read_stl(tmp_path / "t.stl")
    section = sides / 2 * np.sin(2 * np.pi / sides) * 4e-6
    assert body.watertight
    assert body.volume_m3 == pytest.approx(section * length(track), rel=1e-4)  # float32: 3e-8 m of 2e-3 m
    line = making.centre_line(body.vertices_m, body.faces)
    assert min(np.abs(line - track).max(), np.abs(line[::-1] - track).max()) <= 1e-7
    other = trimesh.load_mesh(tmp_path / "t.stl")
    assert other.is_watertight and other.is_winding_consistent and other.body_count == 1


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_triangles_may_be_shuffled(seed):
    draw = np.random.default_rng(seed)
    track = np.cumsum(draw.uniform(0.02, 0.05, (12, 1)) * [[0.3, 0.2, 1.0]] + draw.normal(0, 0.004, (12, 3)), axis=0)
    vertices, faces = making.tube(track, 1e-3)
    order = draw.permutation(len(vertices))
    moved = np.empty_like(vertices)
    moved[order] = vertices
    line = making.centre_line(moved, draw.permutation(order[faces]))
    assert min(np.abs(line - track).max(), np.abs(line[::-1] - track).max()) <= 1e-12


def test_a_mitred_square_holds_section_times_length():
    track = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]], dtype=float)
    vertices, faces = making.tube(track, 0.01, 4)
    body = trimesh.Trimesh(vertices, faces, process=False)
    assert body.is_watertight
    assert body.volume == pytest.approx(2e-4 * 3, rel=1e-12)


def test_a_wire_that_turns_back_stays_closed():
    track = np.array([[0, 0, 0], [0.1, 0, 0], [0.0, 1e-3, 0], [0.1, 2e-3, 0]], dtype=float)
    vertices, faces = making.tube(track, 1e-3)
    body = trimesh.Trimesh(vertices, faces, process=False)
    assert body.is_watertight
    assert np.abs(vertices).max() < 0.103  # no spike
    assert np.abs(making.centre_line(vertices, faces) - track).max() < 1e-12


def test_spools_hold_what_guldin_says(tmp_path):
    sides = 180
    making.write_stl(tmp_path / "s.stl", *making.revolved(SPOOL, sides))
    body = making.read_stl(tmp_path / "s.stl")
    assert body.watertight
    assert body.volume_m3 == pytest.approx(GULDIN_M3 * sides / (2 * np.pi) * np.sin(2 * np.pi / sides), rel=1e-6)


def test_sections_come_back(tmp_path):
    making.write_solids_step(tmp_path / "s.step", {"coil 1": RING, "spool": SPOOL})
    making.write_profiles_dxf(tmp_path / "s.dxf", {"coil 1": RING, "spool": SPOOL})
    assert not ezdxf.readfile(tmp_path / "s.dxf").audit().errors
    for again in (making.read_solids_step(tmp_path / "s.step"), making.read_profiles_dxf(tmp_path / "s.dxf")):
        assert np.abs(again["coil-1"] - RING).max() < 1e-9
        assert np.abs(again["spool"] - SPOOL).max() < 1e-9


@pytest.mark.parametrize("profile", [RING[::-1], RING[:3], RING - [0.5, 0], RING + [[0, 0], [0, 0.01], [0, 0], [0, 0]]])
def test_odd_sections_are_refused(tmp_path, profile):
    with pytest.raises(ValueRangeError):
        making.write_solids_step(tmp_path / "s.step", {"odd": profile})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("track", [np.zeros((1, 3)), np.full((2, 3), np.inf), np.full((3, 3), np.nan), np.eye(3) * 1e3])
@pytest.mark.parametrize("name", WRITERS)
def test_odd_wires_are_refused(tmp_path, name, track):
    with pytest.raises(ValueRangeError):
        WRITERS[name][0](tmp_path / name, {"x": track})
    assert not list(tmp_path.iterdir())


def test_odd_tubes_are_refused():
    for track, radius, sides in ((saddle(), 1e-3, 8), (helix(), 0.0, 8), (helix(), 1e-3, 2), (np.zeros((5, 3)), 1e-3, 8)):
        with pytest.raises(ValueRangeError):
            making.tube(track, radius, sides)
    with pytest.raises(ValueRangeError, match="no tube"):
        making.centre_line(*making.revolved(RING))


READERS = {
    "a.dxf": making.read_dxf,
    "f.dxf": making.read_flat_dxf,
    "s.dxf": making.read_profiles_dxf,
    "a.step": making.read_step,
    "s.step": making.read_solids_step,
    "t.stl": making.read_stl,
    "t.csv": making.read_track,
    "n.csv": making.read_sheets,
    "n.pdf": making.read_chart_pdf,
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe\x00", b"solid x\n", b"0\nSECTION\n", b"ISO-10303-21;\n", b"%PDF-1.4\n", b"1,x\n"]
)
def test_foreign_bytes_are_refused(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(FormatError, match=str(tmp_path)):
        READERS[name](tmp_path / name)


@pytest.mark.parametrize("name", READERS)
def test_an_absent_file_is_refused(tmp_path, name):
    with pytest.raises(FormatError):
        READERS[name](tmp_path / name)


@pytest.mark.parametrize("name", ["a.dxf", "f.dxf", "s.dxf", "a.step", "s.step", "t.stl"])
def test_broken_files_give_no_other_error(tmp_path, name):
    path = tmp_path / name
    if name.startswith("s."):
        (making.write_profiles_dxf if name == "s.dxf" else making.write_solids_step)(path, {"ring": RING})
    elif name == "t.stl":
        making.write_stl(path, *making.tube(saddle()[:20], 1e-3))
    else:
        WRITERS[name][0](path, {"x": saddle()})
    whole, draw = path.read_bytes(), np.random.default_rng(7)
    refused = 0
    for _ in range(25):
        data = bytearray(whole)
        for place in draw.integers(0, len(data), 30):
            data[place] = draw.integers(0, 256)
        path.write_bytes(data[: draw.integers(1, len(data))] if draw.random() < 0.5 else data)
        try:
            READERS[name](path)
        except FormatError:
            refused += 1
    assert refused >= 10


def test_another_unit_and_no_unit(tmp_path):
    drawing = ezdxf.new(units=6)
    drawing.modelspace().add_polyline3d(saddle().tolist(), dxfattribs={"layer": "x"})
    drawing.saveas(tmp_path / "m.dxf")
    assert np.abs(making.read_dxf(tmp_path / "m.dxf")["x"] - saddle()).max() < 1e-12
    drawing.units = 1
    drawing.saveas(tmp_path / "inch.dxf")
    with pytest.raises(FormatError, match="INSUNITS 1"):
        making.read_dxf(tmp_path / "inch.dxf")
    making.write_step(tmp_path / "a.step", {"x": saddle()})
    text = (tmp_path / "a.step").read_text()
    (tmp_path / "m.step").write_text(text.replace("(.MILLI.,.METRE.)", "($,.METRE.)"))
    with pytest.raises(FormatError, match="unit of length"):
        making.read_step(tmp_path / "m.step")
    (tmp_path / "u.step").write_text(text.replace("SI_UNIT(.MILLI.,.METRE.)", "SI_UNIT(.MILLI.,.GRAM.)"))
    with pytest.raises(FormatError, match="states no length"):
        making.read_step(tmp_path / "u.step")


def test_sheets_come_back(tmp_path):
    sheets = np.random.default_rng(1).integers(0, 100, (24, 15))
    making.write_sheets(tmp_path / "n.csv", sheets)
    assert (making.read_sheets(tmp_path / "n.csv") == sheets).all()
    (tmp_path / "n.csv").write_text("1,2\n3\n")
    with pytest.raises(FormatError):
        making.read_sheets(tmp_path / "n.csv")
