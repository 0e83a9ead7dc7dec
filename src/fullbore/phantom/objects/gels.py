"""Objects of gel and plastic: a pipe for flow, a lattice for geometry, a heated gel, stiff inclusions."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.data import Course, Flow, Tissue
from fullbore.errors import ValueRangeError
from fullbore.phantom.body import Body, Layer
from fullbore.phantom.fill import renamed, stepped, textured
from fullbore.phantom.primitives import ball, box, capsule, cylinder
from fullbore.phantom.shape import Shape

# Shift of water's resonance with temperature. Source: Ishihara 1995, MRM 34:814 (-0.01 ppm per kelvin).
PRF_SHIFT_PPM_PER_K = -0.01


def flow_pipe(radius_m: float = 5e-3, length_m: float = 0.3, peak_velocity_m_per_s: float = 0.5) -> Body:
    """A straight pipe along z through a block of gel, for a laminar flow of the fluid within.

    It flows from foot to head; its velocity anywhere is `pipe_velocity`. Truths: its flux and mean velocity (Poiseuille).
    """
    if not (radius_m > 0 and 0 <= peak_velocity_m_per_s < 10):
        raise ValueRangeError(f"flow_pipe: radius {radius_m} m, velocity {peak_velocity_m_per_s} m/s; wanted > 0, and 0 to 10.")
    half = length_m / 2
    lumen = cylinder((0, 0, -half), (0, 0, half), radius_m)
    return Body(
        name="flow pipe",
        layers=(
            Layer(shape=box((0, 0, 0), (0.12, 0.12, length_m)), fill="agar gel", organ="gel"),
            Layer(shape=cylinder((0, 0, -half), (0, 0, half), radius_m + 1.5e-3), fill="acrylic", organ="pipe wall"),
            Layer(shape=lumen, fill="blood-mimicking fluid", organ="lumen"),
        ),
        truths={
            "radius_m": radius_m,
            "peak_velocity_m_per_s": peak_velocity_m_per_s,
            "mean_velocity_m_per_s": peak_velocity_m_per_s / 2,
            "flux_m3_per_s": np.pi * radius_m**2 * peak_velocity_m_per_s / 2,
        },
        shim_over=("agar gel",),
        flows=(
            Flow(
                path_m=np.array([[0.0, 0.0, -half], [0.0, 0.0, half]]),
                radius_m=radius_m,
                peak_velocity_m_per_s=peak_velocity_m_per_s,
                pace=Course(times_s=np.zeros(1), values=np.ones(1)),
                tissue="blood-mimicking fluid",
            ),
        ),
        source="Poiseuille's law",
    )


def pipe_velocity(body: Body, points_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """Velocity (m/s) in the `flow_pipe`: a paraboloid along z, zero outside of the lumen."""
    radius, peak = body.truths["radius_m"], body.truths["peak_velocity_m_per_s"]
    share = 1 - (points_m[:, 0] ** 2 + points_m[:, 1] ** 2) / radius**2
    return np.asarray(np.clip(share, 0, None)[:, None] * (0.0, 0.0, peak))


def geometric_lattice(pitch_m: float = 0.025, ball_radius_m: float = 5e-3, size_m: float = 0.3) -> Body:
    """Plastic balls on a lattice in a box of doped water, one at the isocentre, for the distortion of a whole field of view."""
    if not 0 < 2 * ball_radius_m < pitch_m < size_m:
        raise ValueRangeError(
            f"geometric_lattice: balls of {ball_radius_m} m every {pitch_m} m in {size_m} m, wanted them apart and inside."
        )
    count = int((size_m / 2 - ball_radius_m) / pitch_m)
    truths = {"pitch_m": pitch_m, "balls": float((2 * count + 1) ** 3), "ball_radius_m": ball_radius_m}
    return Body(
        name="geometric lattice",
        layers=(
            Layer(shape=box((0, 0, 0), (size_m, size_m, size_m)), fill="doped water", organ="filling"),
            Layer(shape=_lattice(pitch_m, ball_radius_m, count), fill="acrylic", organ="balls"),
        ),
        truths=truths,
        shim_over=("doped water",),
        source="a choice",
    )


def _lattice(pitch_m: float, radius_m: float, count: int) -> Shape:
    def distance(points: np.ndarray) -> np.ndarray:
        near = pitch_m * np.clip(np.rint(points / pitch_m), -count, count)
        return np.asarray(np.linalg.norm(points - near, axis=1) - radius_m)

    reach = count * pitch_m + radius_m
    volume = (2 * count + 1) ** 3 * 4 / 3 * np.pi * radius_m**3
    return Shape(distance=distance, low_m=(-reach,) * 3, high_m=(reach,) * 3, volume_m3=volume)


def thermometry_gel(heating_K: float = 20.0, focus_m: float = 6e-3, ambient_K: float = 293.15) -> Body:
    """A cylinder of gel with a hot spot at the isocentre, Gaussian in all directions with standard deviation focus_m.

    Every kelvin is a tissue of its own with its shift of -0.01 ppm and its T1 (1 % per kelvin, not verified); places between
    are mixtures of neighbours, so that mean temperature and shift are exact. Truths: hottest rise, shift, energy's volume.
    """
    if not (0 < heating_K <= 60 and focus_m > 0):
        raise ValueRangeError(f"thermometry_gel: {heating_K} K over {focus_m} m, wanted 0 to 60 K and a positive length.")
    steps = np.linspace(0, heating_K, max(2, int(np.ceil(heating_K)) + 1))
    gels = [_warmed(rise, ambient_K) for rise in steps.tolist()]

    def position(points: np.ndarray) -> np.ndarray:
        return np.asarray(np.exp(-0.5 * (points**2).sum(axis=1) / focus_m**2) * (len(gels) - 1))

    return Body(
        name="thermometry gel",
        layers=(Layer(shape=cylinder((0, 0, -0.06), (0, 0, 0.06), 0.05), fill=stepped(gels, position), organ="gel"),),
        truths={
            "hottest_rise_K": heating_K,
            "hottest_shift_ppm": PRF_SHIFT_PPM_PER_K * heating_K,
            "heated_K_m3": heating_K * (2 * np.pi) ** 1.5 * focus_m**3,
        },
        shim_over=(gels[0].name,),
        source="Ishihara 1995; gel not verified",
    )


def _warmed(rise_K: float, ambient_K: float) -> Tissue:
    return renamed(
        "agar gel",
        f"agar gel, +{rise_K:.2f} K",
        chemical_shift_ppm=PRF_SHIFT_PPM_PER_K * rise_K,
        temperature_K=ambient_K + rise_K,
        t1_s=2.0 * (1 + 0.01 * rise_K),
        diffusivity_m2_per_s=1.9e-9 * (1 + 0.024 * rise_K),
    )


def elastography_inclusions(seed: int = 0) -> Body:
    """A block of gel of 8.3 kPa with four balls and four rods of 2.7, 4.7, 15 and 27 kPa (shear moduli, Young's over three).

    Values are those of a commercial quality phantom (CIRS 049: 8, 14, 45, 80 kPa in 25 kPa; not verified).
    """
    layers = [
        Layer(
            shape=box((0, 0, 0), (0.18, 0.12, 0.12), 0.01),
            fill=textured(renamed("gelatine", "gel, 8.3 kPa", stiffness_Pa=25e3 / 3), 0.02, 4e-3, seed),
            organ="background",
        )
    ]
    truths = {"background_stiffness_Pa": 25e3 / 3}
    for number, young_Pa in enumerate((8e3, 14e3, 45e3, 80e3)):
        x = (number - 1.5) * 0.04
        tissue = renamed("gelatine", f"gel, {young_Pa / 3e3:.1f} kPa", stiffness_Pa=young_Pa / 3)
        layers += [
            Layer(shape=ball((x, -0.025, 0), 0.010), fill=tissue, organ=f"ball {number + 1}"),
            Layer(shape=capsule((x, 0.025, -0.03), (x, 0.025, 0.03), 0.005), fill=tissue, organ=f"rod {number + 1}"),
        ]
        truths[f"inclusion_{number + 1}_stiffness_Pa"] = young_Pa / 3
    return Body(
        name="elastography inclusions",
        layers=tuple(layers),
        truths=truths,
        shim_over=("gel, 8.3 kPa",),
        source="CIRS 049, not verified",
    )


def uniform_sphere(radius_m: float = 0.08) -> Body:
    """A ball of doped water."""
    shape = ball((0, 0, 0), radius_m)
    volume = shape.volume_m3 or 0.0
    return Body(
        name="uniform sphere",
        layers=(Layer(shape=shape, fill="doped water"),),
        truths={"volume_m3": volume},
        shim_over=("doped water",),
    )
