"""Cost of a body: its construction, its phantom over a whole torso, spins; beside points painted one by one, in the same run.

Rich bodies are beside the plain painter, which looks at every point for every layer, at 20 000 places of the same grid. Their
times are processor time, of all threads, so that other work on the machine weighs little, and wall time, of the first pass in the
process too; memory is the most in the run so far.

Run: python benchmarks/bench_phantom.py
"""

from __future__ import annotations

import resource
import time
from statistics import median

import numpy as np

from fullbore.data import Grid
from fullbore.phantom import Body, Layer, body_grid, make_body, mixture, spins
from fullbore.phantom.fill import onion, textured
from fullbore.phantom.plain_painting import painted_plainly
from fullbore.phantom.primitives import ball, ellipsoid, lofted, smooth_path, tube
from fullbore.phantom.sampling import shares
from fullbore.phantom.shape import blend, grown

RICH = {"whole-head": 2e-3, "torso": 2e-3, "knee": 1e-3, "heart": 2e-3, "leg": 2e-3, "pelvis": 2e-3, "whole-body": 4e-3}
"""Bodies of the registry and the spacing (m) that they are sampled with."""


def stand_in_torso(organs: int = 40) -> Body:
    """As large as a torso (400 by 300 by 400 mm) and as busy: skin, fat, muscle, forty blended or bent organs in them."""
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    ring = np.stack([np.cos(angle), 0.7 * np.sin(angle)], axis=1)
    levels = np.linspace(-0.2, 0.2, 9)
    skin = lofted(levels, np.stack([(0.2 - 0.6 * z * z) * ring for z in levels]))
    random = np.random.default_rng(0)
    layers = [
        Layer(shape=skin, fill=onion((0.002, 0.02), ("skin", "fat", "visceral fat")), organ="wall"),
        Layer(shape=grown(skin, -0.02) - grown(skin, -0.05), fill=textured("muscle"), organ="muscle"),
    ]
    for number in range(organs):
        x, y, z = (random.uniform(-1, 1, 3) * (0.11, 0.07, 0.16)).tolist()
        if number % 2:
            path = np.array([[x, y, z], [x + 0.03, y, z + 0.04], [x, y + 0.02, z + 0.08]])
            layers.append(Layer(shape=tube(smooth_path(path), 0.008), fill="arterial blood", organ=f"vessel {number}"))
        else:
            shape = blend(0.01, ellipsoid((x, y, z), (0.03, 0.02, 0.03)), ball((x + 0.03, y, z), 0.015))
            layers.append(Layer(shape=shape, fill=textured("liver", seed=1), organ=f"organ {number}"))
    return Body(name="stand-in torso", layers=tuple(layers))


def timed(function, times: int = 3) -> float:  # type: ignore[no-untyped-def]
    """Median of a few runs, seconds, after one to warm up."""
    function()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        function()
        taken.append(time.perf_counter() - began)
    return median(taken)


def rich(name: str, spacing_m: float) -> str:
    """One line of figures of a body of the registry, sampled over its own box."""
    began = time.process_time()
    body = make_body(name)
    built = time.process_time() - began
    grid = body_grid(body, spacing_m)
    taken = []
    for _ in range(3):  # the first one loads the kernels
        began, wall, count, size = time.process_time(), time.perf_counter(), 0, 0
        for block in spins(body, grid):
            count += len(block.amount)
            size += sum(column.nbytes for column in block)
        taken.append((time.process_time() - began, time.perf_counter() - wall))
    seconds, walls = min(taken[1:])[0], [1e6 / count * wall for _, wall in taken]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    places = np.random.default_rng(0).uniform(-0.5, np.array(grid.shape[::-1]) - 0.5, (20_000, 3))
    points = places @ grid.affine_m[:3, :3].T + grid.affine_m[:3, 3]
    painted_plainly(body, points[:10], spacing_m)
    began = time.process_time()
    plain = painted_plainly(body, points, spacing_m)
    slow = (time.process_time() - began) / len(points) * np.prod(grid.shape)
    error = float(np.abs(plain - mixture(body, points, spacing_m)).max())
    return (
        f"{name:10s} {1e3 * spacing_m:.0f} mm: built in {built:.2f} s; {count / 1e6:.2f} million spins in {seconds:.2f} s, "
        f"{count / seconds / 1e6:.2f} million per second (the first pass {taken[0][0]:.2f} s); wall {walls[0]:.2f} s per million "
        f"first, then {min(walls[1:]):.2f}; {slow / seconds:.0f} times the plain painter (to {error:.0e}), "
        f"{size / count:.0f} bytes a spin, {memory:.2f} GB"
    )


def main() -> None:
    """Print the figures."""
    for name, spacing_m in RICH.items():
        print(rich(name, spacing_m), flush=True)
    body = stand_in_torso()
    print(f"construction: {timed(stand_in_torso):.3f} s, {len(body.layers)} layers, {len(body.tissues)} tissues")
    grid = body_grid(body, 2e-3)
    whole = timed(lambda: shares(body, grid), 2)
    print(f"phantom at 2 mm, {grid.shape}: {whole:.2f} s, {np.prod(grid.shape) / whole / 1e6:.2f} million points per second")
    small = Grid.centred((40, 40, 40), (2e-3,) * 3)
    points = small.points_m().reshape(-1, 3)
    blocks, singly = timed(lambda: shares(body, small)), timed(lambda: mixture(body, points, 2e-3))
    same = np.array_equal(mixture(body, points, 2e-3).T.reshape(-1, *small.shape), shares(body, small))
    print(f"in blocks {singly / blocks:.1f} times as fast as point by point; the same to the bit: {same}")
    part = Grid.centred((110, 110, 110), (2e-3,) * 3)
    count = sum(len(block.amount) for block in spins(body, part))
    seconds = timed(lambda: [None for _ in spins(body, part)])
    print(f"spins: {count} in {seconds:.2f} s, {count / seconds / 1e6:.2f} million per second")
    print(f"largest memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
