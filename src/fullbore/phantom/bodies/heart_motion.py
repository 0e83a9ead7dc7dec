"""How a ventricle contracts: an incompressible map in closed form, both ways, from which every volume and strain follows.

In the ventricle's own cylinder (r, angle, z), z = 0 at the tip of the left ventricle and rising to the valves,

    z' = l z        r'^2 = (r^2 - g(z, angle)) / l        angle' = angle + twist(z)

with l = 1 + longitudinal strain. Its Jacobian is l * (1 / l) = 1 whatever g is: wall keeps its volume, thickens and turns, and
the stroke volume is the integral of g / 2 over angle and height. Deep in the blood, where r^2 < g / squeezed, this would open the
axis to a ring of radius sqrt(g); there r' = r sqrt((1 - squeezed) / l) instead: blood thins out evenly, and the inverse lengthens
no distance without bound. All of it is scaled by one activity in time, 0 at the end of diastole and 1 at the end of systole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.special import betainc

from fullbore.errors import ValueRangeError
from fullbore.phantom.movement import Movement

# Near the tip the squeeze falls off over this part of the cavity's half length, or the wall there would shear without end.
_TIP = 0.15
_LEAST_LEFT = 0.05
# Before it ejects: share of systole. Then the rate goes with u^(a - 1) (1 - u)^(b - 1): fastest at 37 % of the time. Choices.
_ISOVOLUMIC, _EJECTION = 0.12, (2.0, 2.7)
# Places at which slopes are looked at, up to half widths from the axis; how much steeper it may be between.
_LEVELS, _RINGS, _ANGLES, _FARTHEST, _MARGIN = 41, 17, 32, 4.5, 1.05
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """A place and axes: local = (points - origin) @ axes, the columns of axes being the local x, y, z."""

    origin_m: np.ndarray
    axes: np.ndarray

    def local(self, points_m: np.ndarray) -> np.ndarray:
        """Points in the frame's own coordinates."""
        return np.asarray((points_m - self.origin_m) @ self.axes)

    def body(self, points_m: np.ndarray) -> np.ndarray:
        """The way back."""
        return np.asarray(points_m @ self.axes.T + self.origin_m)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Squeeze:
    """The contraction of one ventricle, on local points; activity 0..1 scales it.

    centre_m: x and y of its axis. middle_m, half_m, width_m: height of the cavity's widest place, half length, least half
    width. base_m: height of the valves. squeezed: share of the section there that leaves. lazy: (angle, half width) of a
    sector that moves less by the share `lazy_share`. twist_rad: how
    far the tip turns against the base, seen from the tip counterclockwise.
    """

    centre_m: tuple[float, float]
    middle_m: float
    half_m: float
    width_m: float
    base_m: float
    squeezed: float
    strain: float
    twist_rad: float = 0.0
    lazy: tuple[float, float] = (0.0, 1.0)
    lazy_share: float = 0.0

    def section(self, z: np.ndarray) -> np.ndarray:
        """g / squeezed where nothing is lazy, m^2: the cavity's own radius squared, but falling faster to the tip."""
        part = np.clip((z - self.middle_m) / self.half_m, -1, (self.base_m - self.middle_m) / self.half_m)
        return np.asarray(self.width_m**2 * (1 - part**2) * (1 + part) / (1 + part + _TIP))

    def vigour(self, angle: np.ndarray) -> np.ndarray:
        """1, but less in the lazy sector, with a smooth border that reaches as far again beside it."""
        if self.lazy_share == 0:
            return np.ones_like(angle)
        off = np.abs(np.angle(np.exp(1j * (angle - self.lazy[0])))) / self.lazy[1]
        edge = np.clip((2.2 - off) / 1.4, 0, 1)
        return np.asarray(1 - self.lazy_share * edge**2 * (3 - 2 * edge))

    def outward(self, local: np.ndarray, activity: float) -> np.ndarray:
        """Places at rest to places at an activity."""
        stretch = 1 + self.strain * activity
        x, y, z = local[:, 0] - self.centre_m[0], local[:, 1] - self.centre_m[1], local[:, 2]
        angle = np.arctan2(y, x)
        squeezed, core, square = activity * self.squeezed * self.vigour(angle), self.section(z), x * x + y * y
        radius = np.sqrt(np.where(square < core, square * (1 - squeezed), square - squeezed * core) / stretch)
        return self._from_cylinder(radius, angle + self._turn(z, activity), stretch * z)

    def inward(self, local: np.ndarray, activity: float) -> np.ndarray:
        """Places at an activity to places at rest."""
        stretch = 1 + self.strain * activity
        x, y, z = local[:, 0] - self.centre_m[0], local[:, 1] - self.centre_m[1], local[:, 2] / stretch
        angle = np.arctan2(y, x) - self._turn(z, activity)
        squeezed, core, square = activity * self.squeezed * self.vigour(angle), self.section(z), stretch * (x * x + y * y)
        inner = square < core * (1 - squeezed)
        return self._from_cylinder(np.sqrt(np.where(inner, square / (1 - squeezed), square + squeezed * core)), angle, z)

    def steepest(self) -> float:
        """The largest factor by which `inward` lengthens a distance, in and around the ventricle, by differences."""
        step, ways = 1e-6, np.eye(3)
        z = np.linspace(self.middle_m - 1.3 * self.half_m, self.base_m + 0.5 * self.half_m, _LEVELS)
        radius = self.width_m * np.concatenate([np.linspace(0.02, 1.2, _RINGS), [1.5, 2.0, 3.0, _FARTHEST]])
        angle = np.linspace(-np.pi, np.pi, 1 if self.lazy_share == 0 else _ANGLES, endpoint=False)
        a, r, h = (each.ravel() for each in np.meshgrid(angle, radius, z))
        places, found = self._from_cylinder(r, a, h), 1.0
        for activity in (0.25, 0.5, 0.75, 1.0):
            slope = np.stack(
                [self.inward(places + step * way, activity) - self.inward(places - step * way, activity) for way in ways], axis=-1
            )
            found = max(found, float(np.linalg.norm(slope, ord=2, axis=(1, 2)).max()) / (2 * step))
        return found

    def stroke_m3(self) -> float:
        """What leaves the cavity at full activity."""
        low = self.middle_m - self.half_m
        z = low + (self.base_m - low) * (_NODES + 1) / 2
        angle = np.linspace(-np.pi, np.pi, 3600, endpoint=False)
        mean = float(self.vigour(angle).mean())
        return self.squeezed * mean * np.pi * float(_WEIGHTS @ self.section(z)) * (self.base_m - low) / 2

    def circumferential_strain(self, radius_m: float, z_m: float, activity: float = 1.0) -> float:
        """Change in length of a circle in the wall, where nothing is lazy."""
        squeezed = activity * self.squeezed * float(self.section(np.array(z_m)))
        return float(np.sqrt((1 - squeezed / radius_m**2) / (1 + self.strain * activity)) - 1)

    def _turn(self, z: np.ndarray, activity: float) -> np.ndarray:
        # Seen from the tip, from where +z looks away: clockwise at the base by a third of it, counterclockwise at the tip by two.
        return np.asarray(activity * self.twist_rad * (np.clip(z / self.base_m, 0, 1.5) - 2 / 3))

    def _from_cylinder(self, radius: np.ndarray, angle: np.ndarray, z: np.ndarray) -> np.ndarray:
        x, y = radius * np.cos(angle) + self.centre_m[0], radius * np.sin(angle) + self.centre_m[1]
        return np.stack([x, y, z], axis=1)


def squeeze_for(stroke_m3: float, shape: Squeeze, who: str) -> Squeeze:
    """The contraction with the share `squeezed` that ejects a volume. Errors: ValueRangeError where walls would meet."""
    share = shape.squeezed * stroke_m3 / shape.stroke_m3()
    if not 0 < share <= 1 - _LEAST_LEFT:
        raise ValueRangeError(
            f"{who}: to eject {1e6 * stroke_m3:.0f} ml its walls would meet (a section shrinks by {100 * share:.0f} %, wanted "
            f"below {100 * (1 - _LEAST_LEFT):.0f} %). Lower the ejection fraction, or the infarct."
        )
    return replace(shape, squeezed=share)


def beating(squeeze: Squeeze, frame: Frame, activity: Callable[[float], float], period_s: float) -> Movement:
    """The contraction as a movement of a layer."""
    # Between the places looked at it is a little steeper.
    return Movement(
        forward=lambda points, t: frame.body(squeeze.outward(frame.local(points), activity(t))),
        backward=lambda points, t: frame.body(squeeze.inward(frame.local(points), activity(t))),
        stretch=_MARGIN * squeeze.steepest(),
        incompressible=True,
        period_s=period_s,
    )


def carried(
    squeeze: Squeeze, frame: Frame, at_m: np.ndarray, wall_m: float, activity: Callable[[float], float], period_s: float
) -> Movement:
    """A muscle in the cavity along the axis, at local at_m (x, y, z): it rides on the wall at radius wall_m, shortens, widens."""
    start = at_m[:2] - np.array(squeeze.centre_m)

    def placed_at(level: float) -> tuple[np.ndarray, float]:
        stretch = 1 + squeeze.strain * level
        here = squeeze.outward(
            np.array([[*(start / np.hypot(*start) * wall_m), at_m[2]]]) + np.array([*squeeze.centre_m, 0]), level
        )
        spot = here[0, :2] - np.array(squeeze.centre_m)
        radius = float(np.hypot(*spot))
        return spot / radius * (radius - (wall_m - np.hypot(*start))) + np.array(squeeze.centre_m), stretch

    def forward(points: np.ndarray, t: float) -> np.ndarray:
        spot, stretch = placed_at(activity(t))
        local = frame.local(points)
        across = (local[:, :2] - at_m[:2]) / np.sqrt(stretch) + spot
        return frame.body(np.column_stack([across, local[:, 2] * stretch]))

    def backward(points: np.ndarray, t: float) -> np.ndarray:
        spot, stretch = placed_at(activity(t))
        local = frame.local(points)
        across = (local[:, :2] - spot) * np.sqrt(stretch) + at_m[:2]
        return frame.body(np.column_stack([across, local[:, 2] / stretch]))

    return Movement(forward=forward, backward=backward, stretch=1.4, incompressible=True, period_s=period_s)


def tethered(
    origin_m: np.ndarray,
    along: np.ndarray,
    length_m: float,
    shift: Callable[[float], np.ndarray],
    largest_m: float,
    period_s: float,
) -> Movement:
    """Pulled by shift(t) at the origin and below it, held at length_m along a direction and beyond, evenly between.

    largest_m: the longest shift. Its inverse is a formula, since the shift is the same all over a plane across `along`.
    """
    way = along / np.linalg.norm(along)
    if not 0 <= largest_m < 0.8 * length_m:
        raise ValueRangeError(f"tethered: shift {largest_m} m over {length_m} m, wanted less than 0.8 of it.")

    def forward(points: np.ndarray, t: float) -> np.ndarray:
        part = np.clip((points - origin_m) @ way / length_m, 0, 1)
        return np.asarray(points + (1 - part)[:, None] * shift(t))

    def backward(points: np.ndarray, t: float) -> np.ndarray:
        moved = shift(t)
        ahead = float(moved @ way) / length_m
        part = np.clip(((points - origin_m) @ way / length_m - ahead) / (1 - ahead), 0, 1)
        return np.asarray(points - (1 - part)[:, None] * moved)

    stretch = (1 + largest_m / length_m) / (1 - largest_m / length_m)
    return Movement(forward=forward, backward=backward, stretch=stretch, period_s=period_s)


def swelling(frame: Frame, centre_m: np.ndarray, share: float, activity: Callable[[float], float], period_s: float) -> Movement:
    """An atrium that fills: its sections across the frame's z axis grow by `share` at full activity, about local centre_m."""

    def scaled(points: np.ndarray, factor: float) -> np.ndarray:
        local = frame.local(points)
        local[:, :2] = (local[:, :2] - centre_m[:2]) * factor + centre_m[:2]
        return frame.body(local)

    return Movement(
        forward=lambda points, t: scaled(points, np.sqrt(1 + share * activity(t))),
        backward=lambda points, t: scaled(points, 1 / np.sqrt(1 + share * activity(t))),
        stretch=1.0,
        period_s=period_s,
    )


def heart_cycle(rate_per_min: float) -> tuple[Callable[[float], float], float, float]:
    """Activity of the ventricles over time (from the R wave), its period and the end of systole, seconds.

    1 - activity * ejection fraction is the volume over that at the end of diastole. Systole takes 0.35 s * sqrt(period in s), as
    in Weissler 1968 (roughly; not verified); then isovolumic relaxation, rapid filling, diastasis and the atria's kick.
    """
    if not 30 <= rate_per_min <= 180:
        raise ValueRangeError(f"heart_rate_per_min {rate_per_min}, wanted 30 to 180.")
    period = 60 / rate_per_min
    end = 0.35 * np.sqrt(period)
    rest = period - end
    share = np.linspace(0, 1, 21)
    begin = _ISOVOLUMIC * end
    times = [0, *(begin + (end - begin) * share), *(end + rest * np.array([0.1, 0.25, 0.45, 0.72, 0.86, 1.0]))]
    curve = PchipInterpolator(times, [0, *betainc(*_EJECTION, share), 1, 0.55, 0.24, 0.2, 0.1, 0])
    return lambda time_s: float(curve(time_s % period)), period, float(end)
