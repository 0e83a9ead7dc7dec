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
_DIFFUSIVITY_M2_PER_S = 1.4e-7
_HEAT_NODES = 24


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


def thermometry_gel(
    heating_K: float = 20.0,
    focus_m: float = 6e-3,
    ambient_K: float = 293.15,
    time_s: float | None = None,
    heated_s: float = 30.0,
    loss_per_s: float = 0.0,
) -> Body:
    """A cylinder of gel with a hot spot at the isocentre, Gaussian in all directions, standard deviation focus_m when heated.

    time_s: since the heat (heated_s long) was switched on; None: at its end, spread no farther (`gel_rise`). heating_K: the
    hottest rise were nothing lost by spreading.
    Every kelvin is a tissue of its own with its shift of -0.01 ppm and its T1 (1 % per kelvin, not verified); places between
    are mixtures of neighbours, so that mean temperature and shift are exact. Truths: hottest rise, shift, energy's volume.
    """
    _check_heating(heating_K, focus_m, time_s, heated_s, loss_per_s)
    steps = np.linspace(0, heating_K, max(2, int(np.ceil(heating_K)) + 1))
    gels = [_warmed(rise, ambient_K) for rise in steps.tolist()]

    def rise_K(points: np.ndarray) -> np.ndarray:
        if time_s is None:
            return np.asarray(heating_K * np.exp(-0.5 * (points**2).sum(axis=1) / focus_m**2))
        return gel_rise(points, time_s, heating_K, focus_m, heated_s, loss_per_s)

    def position(points: np.ndarray) -> np.ndarray:
        return np.asarray(rise_K(points) / heating_K * (len(gels) - 1))

    hottest = float(rise_K(np.zeros((1, 3)))[0])
    return Body(
        name="thermometry gel",
        layers=(Layer(shape=cylinder((0, 0, -0.06), (0, 0, 0.06), 0.05), fill=stepped(gels, position), organ="gel"),),
        truths={
            "hottest_rise_K": hottest,
            "hottest_shift_ppm": PRF_SHIFT_PPM_PER_K * hottest,
            "heated_K_m3": heating_K * (2 * np.pi) ** 1.5 * focus_m**3 * _heat_left(time_s, heated_s, loss_per_s),
        },
        shim_over=(gels[0].name,),
        source="Ishihara 1995; gel not verified",
    )


def _check_heating(heating_K: float, focus_m: float, time_s: float | None, heated_s: float, loss_per_s: float) -> None:
    if not (0 < heating_K <= 60 and focus_m > 0 and heated_s > 0 and loss_per_s >= 0):
        raise ValueRangeError(
            f"thermometry_gel: {heating_K} K over {focus_m} m in {heated_s} s, loss {loss_per_s} per s; wanted 0 to 60 K, "
            "positive lengths and times, and a loss from 0."
        )
    if time_s is not None and not time_s >= 0:
        raise ValueRangeError(f"thermometry_gel: time_s {time_s}, wanted 0 or more.")


def gel_rise(
    points_m: Float[np.ndarray, "n 3"],
    time_s: float,
    heating_K: float = 20.0,
    focus_m: float = 6e-3,
    heated_s: float = 30.0,
    loss_per_s: float = 0.0,
) -> Float[np.ndarray, " n"]:
    """Rise of temperature (K) in the `thermometry_gel`, time_s after a Gaussian source of heat was switched on for heated_s.

    The solution of Pennes' equation dT/dt = a laplace T - w T + source in an endless gel: a Gaussian that widens as
    s^2 = focus_m^2 + 2 a t and keeps its content but for exp(-w t), summed over the time of heating (Gauss-Legendre).
    a is water's: 1.4e-7 m^2/s (not verified). Source: Pennes 1948, J Appl Physiol 1:93.
    """
    square = (np.asarray(points_m, np.float64) ** 2).sum(axis=1)
    nodes, weights = np.polynomial.legendre.leggauss(_HEAT_NODES)
    on = min(max(time_s, 0.0), heated_s)
    # Ages of the heat put in so far.
    ages = max(time_s, 0.0) - on * (nodes + 1) / 2
    out = np.zeros(len(square))
    for age, weight in zip(ages, weights * on / 2, strict=True):
        wide = focus_m**2 + 2 * _DIFFUSIVITY_M2_PER_S * age
        amount = heating_K / heated_s * (focus_m**2 / wide) ** 1.5 * np.exp(-loss_per_s * age)
        out += weight * amount * np.exp(-0.5 * square / wide)
    return out


def _heat_left(time_s: float | None, heated_s: float, loss_per_s: float) -> float:
    """What is in the gel at a time of all the heat that will be put in."""
    if time_s is None:
        return 1.0
    on = min(time_s, heated_s)
    if loss_per_s == 0:
        return on / heated_s
    return float((np.exp(-loss_per_s * (time_s - on)) - np.exp(-loss_per_s * time_s)) / (loss_per_s * heated_s))


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
