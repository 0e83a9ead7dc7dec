# TRUTHS of one wire on drawn surfaces: every turn once, whole but for its cut, and the way its current runs | the wire's field =
# its turns' = the stream function's | a mesh of a cylinder = the cylinder's own path | no two wires nearer than width and gap |
# leads go there and back beside each other: what they enclose is a step high | a plate, a closed ball, a box's edges and a head's
# dome with its shield are joined | what no lead reaches is refused by name
import numpy as np
import pytest
import trimesh

from fullbore.errors import LimitError
from fullbore.hardware.gradient import wire_field
from fullbore.hardware.gradient.brief import Conductor, Volume
from fullbore.hardware.gradient.contours import SheetCurrent, cylinder_loops
from fullbore.hardware.gradient.figures import centre_gradient
from fullbore.hardware.gradient.leads import LeadRoom, cylinder_track
from fullbore.hardware.gradient.meshing import refined, sound_surface
from fullbore.hardware.gradient.sheet import Sheet, sampled
from fullbore.hardware.gradient.surface_brief import parse_surface_brief
from fullbore.hardware.gradient.surface_coil import design_on_surfaces
from fullbore.hardware.gradient.surface_figures import closed
from fullbore.hardware.gradient.surface_wire import TrackRoom, clearest_track, lead_space, surface_track
from fullbore.hardware.gradient.tracks import nests
from fullbore.hardware.gradient.triangles import Surface, axial_rows, cylinder_surface, joined

CONDUCTOR = Conductor(width_m=4e-3, thickness_m=4e-3)
BALL = Volume(radius_m=0.1, half_length_m=0.1)
ROOM = TrackRoom(space=lead_space(CONDUCTOR), volume=BALL)
POINTS = np.array([[0.1, 0.0, 0.0], [0.0, 0.1, 0.05], [0.06, 0.02, 0.07], [0.0, 0.05, -0.08]])


def made(surface, psi, layers=None, room=ROOM):
    layers = np.zeros(len(surface.triangles)) if layers is None else layers
    track, gap = clearest_track(surface, psi, layers, room, CONDUCTOR)
    one_wire(track)
    # width and gap, or what turns themselves leave where bridges pass between them
    assert gap >= 0.95 * 5e-3
    return track


def one_wire(track):
    """Every turn once: its own points, in its own order, all on the wire but for those in its cut."""
    wire, on = track.points_m, track.turning
    numbers = {tuple(point): n for n, point in enumerate(wire.round(9))}
    assert len(numbers) == len(wire)
    seen = np.zeros(len(wire), dtype=bool)
    for loop in track.loops:
        at = np.array([numbers.get(tuple(point), -1) for point in loop.points_m.round(9)])
        whole = np.linalg.norm(np.roll(loop.points_m, -1, axis=0) - loop.points_m, axis=1).sum()
        assert (at < 0).sum() <= 0.04 / (whole / len(at)) + 2 or (at < 0).mean() <= 0.35  # 4 cm, or 0.3 of a small one
        kept = at[at >= 0]
        steps = np.roll(kept, -1) - kept
        assert (steps == 1).sum() == len(kept) - 1  # as the current ran, from one end to the other
        assert not seen[kept].any() and on[kept].all()
        seen[kept] = True
    # pieces of turns not among their points are the two ends of every cut
    assert (on & ~seen).sum() <= len(track.loops)


def field_kept(surface, psi, track, turns_share, sheet_share):
    turns = wire_field(POINTS, [closed(loop) for loop in track.loops])[:, 2]
    wire = wire_field(POINTS, [track.closed_m])[:, 2]
    sheet = axial_rows(POINTS, surface) @ psi
    largest = np.abs(sheet).max()
    assert np.abs(wire - turns).max() < turns_share * largest
    assert np.abs(wire - sheet).max() < sheet_share * largest


def cylinder_psi(surface, turns, order=1):
    """Nodes' psi of one smooth stream function, and its SheetCurrent: turns at the most."""
    sheet = Sheet(radius_m=0.36, length_m=1.2, modes=2, order=order)
    heights = np.linspace(-0.6, 0.6, 1201)
    profile = sampled(sheet, heights) @ np.array([1.0, -0.3])
    profile *= turns / np.abs(profile).max()
    angle = np.arctan2(surface.nodes_m[:, 1], surface.nodes_m[:, 0])
    psi = np.cos(order * angle) * np.interp(surface.nodes_m[:, 2], heights, profile)
    return psi, SheetCurrent(radius_m=0.36, order=order, heights_m=heights, profile_A=profile)


@pytest.mark.parametrize(("axis", "order"), [("x", 1), ("z", 0)])
def test_a_cylinders_mesh_is_the_cylinder(axis, order):
    mesh = cylinder_surface(0.36, 1.2, 48, 41)
    psi, sheet = cylinder_psi(mesh, 9.0, order)
    track = made(mesh, psi)
    # the returns of two nests: dipoles of 1 A round a step of 5.5 mm times 0.3 m, 0.26 m from the points at least; four nests'
    # cancel in pairs to what their places differ by
    returns = 2 * 2e-7 * 5.5e-3 * 0.3 / 0.26**3
    # of rings about two peaks of psi one is no whole number of steps: up to half of its last turn is missing
    sheet_share = 0.02 if order else 0.5 / 9.0
    field_kept(mesh, psi, track, returns / np.abs(axial_rows(POINTS, mesh) @ psi).max(), sheet_share)
    loops = cylinder_loops(sheet, 1.0)
    own = cylinder_track([(0.36, loops)], LeadRoom(pitch_m=5.5e-3, lift_m=(5.5e-3,)))
    wanted = centre_gradient([np.concatenate([own, own[:1]])], axis)
    # edges of 5 cm on waves of 60 cm, order two
    assert centre_gradient([track.closed_m], axis) == pytest.approx(wanted, rel=0.01)
    assert track.nests == len(nests(loops)) and len(track.loops) == len(loops)


def plate(size, count, y):
    x, z = (
        part.ravel() for part in np.meshgrid(np.linspace(-size / 2, size / 2, count), np.linspace(-size / 2, size / 2, count))
    )
    i, j = (part.ravel() for part in np.meshgrid(np.arange(count - 1), np.arange(count - 1)))
    a = i * count + j
    triangles = np.concatenate([np.stack([a, a + 1, a + count + 1], 1), np.stack([a, a + count + 1, a + count], 1)])
    return Surface(nodes_m=np.stack([x, np.full(x.size, y), z], axis=1), triangles=triangles)


def test_a_plate():
    """Four lobes of either sign on a flat surface: leads on the side away from the volume, none into it."""
    flat = plate(0.8, 33, -0.2)
    x, _, z = flat.nodes_m.T
    psi = 7.3 * np.sin(2 * np.pi * x / 0.8) * np.sin(2 * np.pi * z / 0.8)
    track = made(flat, psi)
    field_kept(flat, psi, track, 0.01, 0.04)
    assert track.nests == 4 and len(track.loops) == 4 * 7
    assert track.points_m[:, 1].max() < -0.2 + 1e-9 and track.points_m[:, 1].min() > -0.2 - 0.02


def test_leads_enclose_next_to_nothing():
    """Moment of the wire = that of its turns but for areas a step high under returns, and a pitch wide between pairs."""
    flat = plate(0.8, 33, -0.2)
    x, _, z = flat.nodes_m.T
    psi = 7.3 * np.sin(2 * np.pi * x / 0.8) * np.sin(2 * np.pi * z / 0.8)
    track = made(flat, psi)
    moment = 0.5 * np.cross(track.closed_m[:-1], track.closed_m[1:]).sum(axis=0)
    turns = sum(0.5 * np.cross(closed(loop)[:-1], closed(loop)[1:]).sum(axis=0) for loop in track.loops)
    lengths = np.linalg.norm(np.diff(track.closed_m, axis=0), axis=1)
    assert np.linalg.norm(moment - turns) < 5.5e-3 * lengths[~track.turning].sum()


def test_closed_and_edged_surfaces():
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.25)
    box = trimesh.creation.box((0.6, 0.5, 0.9))
    for body, edge in ((ball, 1.0), (box, 0.08)):
        surface = refined(sound_surface(np.asarray(body.vertices), np.asarray(body.faces), "body"), edge, "body")
        x, _, z = surface.nodes_m.T
        psi = 7.4 * x * z / np.abs(x * z).max()
        track = made(surface, psi)
        assert track.nests == 4
        # edges of 4 and 8 cm bend the turns; what leads add is the first figure
        field_kept(surface, psi, track, 0.01, 0.05)


def lorentz_torque_Nm(wire, current_A, b0_T):
    """Sum of r x (I dl x B0) over pieces cut in ten, about a place off the axis: a closed wire feels no net force."""
    fine = np.concatenate([wire[:-1] + share * np.diff(wire, axis=0) for share in np.arange(10) / 10], axis=1).reshape(-1, 3)
    fine = np.concatenate([fine, fine[:1]])
    force = current_A * b0_T * np.cross(np.diff(fine, axis=0), [0, 0, 1.0])
    arm = (fine[1:] + fine[:-1]) / 2 - [0.3, -0.2, 0.5]
    assert np.linalg.norm(force.sum(axis=0)) < 1e-9 * np.linalg.norm(force, axis=1).sum()
    return np.linalg.norm(np.cross(arm, force).sum(axis=0))


def dome(radius, length, around, rows):
    """A tube closed by half a ball, as a head's former is, a little wider along y."""
    tube = [(radius, z) for z in np.linspace(-length / 2, length / 2, rows)]
    cap = [(radius * np.cos(t), length / 2 + radius * np.sin(t)) for t in np.linspace(0, np.pi / 2, rows)[1:-1]]
    angles = 2 * np.pi * np.arange(around) / around
    nodes = [(r * np.cos(t), 1.15 * r * np.sin(t), z) for r, z in tube + cap for t in angles]
    nodes.append((0.0, 0.0, length / 2 + radius))
    rings = len(tube + cap)
    triangles = []
    for i in range(rings - 1):
        for j in range(around):
            a, b = i * around + j, i * around + (j + 1) % around
            triangles += [(a, b, b + around), (a, b + around, a + around)]
    last = (rings - 1) * around
    triangles += [(last + j, last + (j + 1) % around, len(nodes) - 1) for j in range(around)]
    return Surface(nodes_m=np.array(nodes), triangles=np.array(triangles))


def test_a_heads_former_with_its_shield():
    brief = parse_surface_brief(
        {
            "axis": "x", "surface": "head", "shield_surface": "shield", "bore_radius": "40 cm", "edge": "12 cm", "modes": 90,
            "volume": {"radius": "9 cm", "half_length": "9 cm"}, "drive": {"amplitude": "30 mT/m", "current": "200 A"},
            "limits": {"linearity": "15 %", "eddy": "2 %", "torque": "2 Nm"},
            "conductor": {"width": "3 mm", "thickness": "4 mm"},
        },
        "head",
    )  # fmt: skip
    coil = design_on_surfaces(brief, dome(0.18, 0.34, 20, 8), dome(0.26, 0.44, 20, 9))
    f = coil.figures
    one_wire(coil.track)
    assert f["linearity_percent"] <= 15 and f["eddy_percent"] <= 2 and f["amplitude_T_per_m"] >= 0.03
    assert (
        f["net_torque_Nm"] == pytest.approx(lorentz_torque_Nm(coil.track.closed_m, 200.0, 3.0), rel=1e-9)
        and f["net_torque_Nm"] <= 2
    )
    assert f["sensitivity_T_per_m_A"] == pytest.approx(f["turns_sensitivity_T_per_m_A"], rel=5e-3)
    assert f["sensitivity_T_per_m_A"] == pytest.approx(f["sheet_sensitivity_T_per_m_A"], rel=0.03)  # whole turns
    assert f["least_distance_m"] >= 3e-3
    centres = np.array([loop.points_m.mean(axis=0) for loop in coil.track.loops])
    reach = np.array([np.linalg.norm(loop.points_m - [0, 0, 0.1], axis=1).max() for loop in coil.track.loops])
    assert len(centres) == f["turns"] and reach.min() < 0.26 < reach.max()  # of both surfaces


def test_refusals():
    mesh = cylinder_surface(0.36, 1.2, 24, 21)
    psi, _ = cylinder_psi(mesh, 6.0)
    plain = np.zeros(len(mesh.triangles))
    with pytest.raises(LimitError, match="no turn"):
        surface_track(mesh, psi / 20, plain, ROOM)
    tight = TrackRoom(space=ROOM.space, volume=BALL, bore_m=0.365)
    with pytest.raises(LimitError, match=r"out of the imaging volume and within the bore|beyond the bore"):
        clearest_track(mesh, psi, plain, tight, CONDUCTOR)
    thick = Conductor(width_m=60e-3, thickness_m=4e-3)
    with pytest.raises(LimitError, match="binding"):
        clearest_track(mesh, psi, plain, TrackRoom(space=lead_space(thick), volume=BALL), thick)
    balls = []
    for side in (-0.3, 0.3):
        ball = trimesh.creation.icosphere(subdivisions=2, radius=0.1)
        balls.append(sound_surface(np.asarray(ball.vertices) + [side, 0, 0], np.asarray(ball.faces), "ball"))
    pair = joined(*balls)
    two = 5.4 * pair.nodes_m[:, 2] / 0.1
    between = TrackRoom(space=ROOM.space, volume=Volume(radius_m=0.18, half_length_m=0.4))
    with pytest.raises(LimitError, match="cannot be joined"):
        clearest_track(pair, two, np.zeros(len(pair.triangles)), between, CONDUCTOR)
