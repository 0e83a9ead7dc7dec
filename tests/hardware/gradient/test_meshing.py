# TRUTHS of meshing: a surface cut finer keeps its area, topology and shape, and has no edge over the length asked | a long
# facet becomes triangles of good shape | triangles turned at random are turned one way | three triangles along an edge, a strip
# with one side, nothing but slivers, and too many triangles are refused | images of a stream function's current in a bore = those
# of its lines as wires
import numpy as np
import pytest

from fullbore.errors import FormatError, LimitError
from fullbore.hardware.gradient.images import image_field
from fullbore.hardware.gradient.meshing import longest_edge_m, refined, sound_surface
from fullbore.hardware.gradient.surface_design import SurfaceTask, surface_loops, surface_program
from fullbore.hardware.gradient.triangles import Surface, cylinder_surface


def drawn_tube(facets=16, radius=0.3, length=1.2):
    """As a drawing program makes it: two triangles a facet, from end to end."""
    return cylinder_surface(radius, length, facets, 2)


def euler(surface):
    sides = np.concatenate([surface.triangles[:, [i, (i + 1) % 3]] for i in range(3)])
    return len(surface.nodes_m) - len(np.unique(np.sort(sides, axis=1), axis=0)) + len(surface.triangles)


def shapes(surface):
    corners = surface.corners_m
    sides = np.linalg.norm(np.roll(corners, -1, axis=1) - corners, axis=2)
    return 4 * surface.areas_m2 / np.sqrt(3) / sides.max(axis=1) ** 2


def test_finer_is_the_same_surface():
    tube = drawn_tube()
    for longest in (0.3, 0.15, 0.08):
        made = refined(tube, longest, "tube")
        assert longest_edge_m(made) <= longest and euler(made) == euler(tube) == 0
        assert made.areas_m2.sum() == pytest.approx(tube.areas_m2.sum(), rel=1e-12)
        # every node lies on the polygon's facets, every triangle looks outward
        assert np.hypot(*made.nodes_m[:, :2].T).min() >= 0.3 * np.cos(np.pi / 16) - 1e-12
        assert (np.einsum("ij,ij->i", made.corners_m.mean(axis=1)[:, :2], made.normals_m2[:, :2]) > 0).all()
        assert len(made.edge_nodes) >= 32


def test_shapes():
    tube = drawn_tube()
    # a tenth of the even triangle's share before
    assert shapes(tube).max() < 0.12
    assert shapes(refined(tube, 0.12, "tube")).mean() > 0.4


def test_turned_one_way():
    tube = cylinder_surface(0.3, 1.0, 12, 9)
    mixed = tube.triangles.copy()
    some = np.random.default_rng(3).random(len(mixed)) < 0.5
    mixed[some] = mixed[some, ::-1]
    made = sound_surface(tube.nodes_m, mixed, "tube")
    outward = np.einsum("ij,ij->i", made.corners_m.mean(axis=1)[:, :2], made.normals_m2[:, :2])
    assert (outward > 0).all() or (outward < 0).all()
    # nodes that no triangle uses, and slivers, are left out
    more = np.concatenate([tube.nodes_m, [[9.0, 9.0, 9.0]]])
    again = sound_surface(more, np.concatenate([tube.triangles, [[0, 0, 1]]]), "tube")
    assert len(again.nodes_m) == len(tube.nodes_m) and len(again.triangles) == len(tube.triangles)


def moebius(count=24):
    turn = 2 * np.pi * np.arange(count) / count
    edges = [(1 + side * 0.2 * np.cos(turn / 2), side * 0.2 * np.sin(turn / 2)) for side in (-1, 1)]
    nodes = np.concatenate([np.column_stack([r * np.cos(turn), r * np.sin(turn), z]) for r, z in edges])
    rows = []
    for i in range(count):
        a, b = i, i + count
        c, d = ((i + 1), (i + 1 + count)) if i + 1 < count else (count, 0)
        rows += [[a, c, b], [b, c, d]]
    return nodes, np.array(rows)


def test_refusals():
    tube = drawn_tube()
    fin = np.array([[tube.triangles[0, 0], tube.triangles[0, 2], len(tube.nodes_m)]])
    with pytest.raises(FormatError, match="3 triangles meet along one edge"):
        sound_surface(np.concatenate([tube.nodes_m, [[1.0, 0, 0]]]), np.concatenate([tube.triangles, fin]), "fin")
    with pytest.raises(FormatError, match="one side only"):
        sound_surface(*moebius(), "strip")
    with pytest.raises(FormatError, match="no triangle that has an area"):
        sound_surface(np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]]), np.array([[0, 1, 2]]), "line")
    with pytest.raises(LimitError, match="longer edges"):
        refined(tube, 0.005, "tube")


def test_images_of_a_stream_function():
    surface = cylinder_surface(0.36, 1.2, 40, 41)
    angle = np.linspace(0, 2 * np.pi, 7)[:-1]
    points = np.column_stack([0.2 * np.cos(angle), 0.2 * np.sin(angle), np.linspace(-0.2, 0.2, 6)])
    task = SurfaceTask(axis="x", points_m=points, linearity=0.05, eddy=0.01, bore_radius_m=0.5, modes=12)
    asked = surface_program(surface, task)
    amplitudes = np.random.default_rng(1).standard_normal(asked.modes.shape[1])
    psi = asked.modes @ amplitudes
    step = np.abs(psi).max() / 60
    wanted = step * image_field(points, [loop.points_m for loop in surface_loops(surface, psi, step)], 0.5)
    found = next(bound for bound in asked.program.bounds if bound.name == "eddy").rows @ amplitudes
    # sixty lines for an even sheet
    assert np.abs(found - wanted).max() < 0.01 * np.abs(wanted).max()


def test_a_piece_apart_is_turned_too():
    one = cylinder_surface(0.3, 1.0, 12, 5)
    both = Surface(
        nodes_m=np.concatenate([one.nodes_m, one.nodes_m + [2.0, 0, 0]]),
        triangles=np.concatenate([one.triangles, one.triangles[:, ::-1] + len(one.nodes_m)]),
    )
    assert len(sound_surface(both.nodes_m, both.triangles, "two").triangles) == 2 * len(one.triangles)
