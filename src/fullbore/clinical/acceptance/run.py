"""From the scans of an acceptance test to views and readings: which measurement looks at which image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from fullbore import quant
from fullbore.clinical.acceptance import acr
from fullbore.clinical.acceptance.acr import View
from fullbore.clinical.acceptance.frequency import frequency_change_Hz
from fullbore.clinical.acceptance.geometry import chord_m, length_m
from fullbore.clinical.acceptance.noise import difference_snr, element_snr
from fullbore.clinical.acceptance.plane import Mark, Plane, centre_of, plane_of
from fullbore.clinical.acceptance.reading import CHOICE, MEMORY, SOURCED, Reading
from fullbore.clinical.acceptance.scans import Scan
from fullbore.clinical.acceptance.spheres import (
    MANGANESE_T2_MS,
    NICKEL_T1_MS,
    SPHERE_RADIUS_M,
    sphere_centres_m,
    sphere_medians,
)
from fullbore.clinical.acceptance.uniformity import integral_uniformity
from fullbore.data import Image, RawData, Verdict
from fullbore.errors import DataError

LENGTH_M = 0.148
EXPLAINED = 4.0
"""Per cent of PIU within which the transmit field's own counts as the explanation; a choice."""
T1_RANGE_S, T2_RANGE_S = (0.06, 2.5), (0.018, 0.5)
"""What the spheres' protocol determines: from its shortest times on, up to where its recovery and its train end."""
_FIT_RANGE_S = (0.01, 6.0)
_FIRST, _SECOND = "gradient-echo-first", "gradient-echo-second"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Taken:
    """A scan that was taken. shading, flip_scale: of array and transmit field on the image's grid, (z, y, x), as calibrated when
    the machine was installed. began_s: on the machine's clock.
    """

    scan: Scan
    image: Image
    raw: RawData
    verdict: Verdict
    shading: np.ndarray
    flip_scale: np.ndarray
    began_s: float

    def plane(self, even: bool = True) -> Plane:
        """Its only slice; even: with the array's shading divided out."""
        return plane_of(self.image, shading=self.shading if even else None)


def measure(taken: dict[str, Taken], tests: tuple[str, ...], b0_T: float) -> list[View]:
    """Every measurement of some tests, in the order of the tests. A measurement that is impossible is a reading that fails."""
    found: list[View] = []
    for test in tests:
        for title, work in _MEASUREMENTS[test](taken, b0_T):
            try:
                found += work()
            except DataError as error:
                failed = Reading(test=title, name="could not be measured", value=float("nan"), unit="", low=0.0, note=str(error))
                found.append(View(title=title, plane=None, readings=(failed,)))
    return found


Work = Callable[[], list[View]]
Works = Iterator[tuple[str, Work]]


def _geometry(taken: dict[str, Taken], b0_T: float) -> Works:
    if five := taken.get("slice-5"):
        yield "ACR geometric accuracy", lambda: [acr.geometric_accuracy(five.plane())]
        yield "NEMA MS 2", lambda: [acr.grid_view(five.plane())]
    if sagittal := taken.get("sagittal"):
        yield "ACR geometric accuracy", lambda: [_length(sagittal)]


def _length(taken: Taken) -> View:
    plane, across = taken.plane(), taken.image.grid.affine_m[:3, 0]
    ends = chord_m(plane, centre_of(plane), 0.0 if np.argmax(np.abs(across)) == 2 else np.pi / 2, 0.100)
    error = 1e3 * (length_m(ends) - LENGTH_M)
    reading = Reading(
        test="ACR geometric accuracy", name="length, error", value=error, unit="mm", low=-2.0, high=2.0, note="true 148 mm"
    )
    return View(title="ACR localiser: length", plane=plane, readings=(reading,), marks=(Mark(kind="line", points_m=ends),))


def _slice_one(view: Callable[[Plane], View], test: str) -> Callable[[dict[str, Taken], float], Works]:
    def works(taken: dict[str, Taken], b0_T: float) -> Works:
        if one := taken.get("slice-1"):
            yield test, lambda: [view(one.plane())]

    return works


def _position(taken: dict[str, Taken], b0_T: float) -> Works:
    for number in (1, 11):
        if held := taken.get(f"slice-{number}"):
            yield "ACR slice position", lambda held=held, number=number: [acr.position_view(held.plane(), number)]  # type: ignore[misc]


def _uniformity(taken: dict[str, Taken], b0_T: float) -> Works:
    if seven := taken.get("slice-7"):
        yield "ACR uniformity", lambda: [_spin_echo_uniformity(seven, b0_T)]
    if first := taken.get(_FIRST):
        yield "ACR uniformity", lambda: [acr.uniformity_view(first.plane(), "gradient echo at the Ernst angle", b0_T)]


def _spin_echo_uniformity(taken: Taken, b0_T: float) -> View:
    """The spin echo, with what the transmit field alone does to it: sin(flip) sin^2(refocusing / 2)."""
    plane, encoding = taken.plane(), taken.image.encoding
    scale = taken.flip_scale[0].astype(np.float64)
    signal = np.sin(scale * encoding.flip_rad) * np.sin(scale * encoding.refocusing_flip_rad / 2) ** 2
    alone = integral_uniformity(replace(plane, values=signal), plane.disc(centre_of(plane), 0.080))[0]
    note = f"the transmit field alone leaves {alone:.1f} % to a spin echo"
    view = acr.uniformity_view(plane, "spin echo", b0_T, note=note)
    piu = view.readings[0]
    if piu.passed is False and abs(piu.value - alone) <= EXPLAINED:
        note += ": physics of this field, no fault; a gradient echo at the Ernst angle is the protocol that can pass"
        piu = replace(piu, explained=True, note=note)
    return replace(view, readings=(piu, *view.readings[1:]))


def _ghosting(taken: dict[str, Taken], b0_T: float) -> Works:
    if seven := taken.get("slice-7"):
        yield "ACR ghosting", lambda: [acr.ghosting_view(seven.plane(even=False))]


def _contrast(taken: dict[str, Taken], b0_T: float) -> Works:
    held = {number: taken[f"slice-{number}"] for number in (8, 9, 10, 11) if f"slice-{number}" in taken}

    def work() -> list[View]:
        views, total = [], 0
        for number, one in held.items():
            plane = one.plane()
            inside = plane.disc(centre_of(plane), 0.045)
            noise = float(np.mean(np.asarray(one.image.noise_std)[0][inside] / one.shading[0][inside]))
            view, spokes = acr.contrast_view(plane, number, noise)
            views.append(view)
            total += spokes
        whole = View(title="ACR low contrast", plane=None, readings=(acr.contrast_total(total, len(held)),))
        return [*views, whole]

    if held:
        yield "ACR low contrast", work


def _noise(taken: dict[str, Taken], b0_T: float) -> Works:
    first, second = taken.get(_FIRST), taken.get(_SECOND)
    if first and second:
        yield "NEMA MS 1", lambda: [_pair(first, second)]
    if first:
        yield "array elements", lambda: [_elements(first)]


def _pair(first: Taken, second: Taken) -> View:
    planes = [one.plane(even=False) for one in (first, second)]
    inside = planes[0].disc(centre_of(planes[0]), np.sqrt(0.75) * acr.DIAMETER_M / 2)
    ratio, noise = difference_snr(planes[0].values, planes[1].values, inside)
    expected = float(np.sqrt(np.mean(np.asarray(first.image.noise_std)[0][inside] ** 2)))
    readings = (
        Reading(test="NEMA MS 1", name="signal to noise, two images", value=ratio, unit="", basis=MEMORY,
                note="the standard sets no limit; keep it as the baseline"),
        Reading(test="NEMA MS 1", name="noise over that of the noise scan", value=noise / expected, unit="", low=0.9, high=1.1,
                basis=CHOICE),
    )  # fmt: skip
    centre = centre_of(planes[0])
    marks = (Mark(kind="circle", points_m=(centre, (centre[0] + np.sqrt(0.75) * acr.DIAMETER_M / 2, centre[1]))),)
    return View(title="ACR slice 7: signal to noise", plane=planes[0], readings=readings, marks=marks)


def _elements(taken: Taken) -> View:
    heard = element_snr(taken.raw)
    weakest = int(np.argmin(heard))
    reading = Reading(
        test="array elements", name="weakest element over the median", value=float(heard[weakest] / np.median(heard)), unit="",
        low=0.25, basis=CHOICE, note=f"element {weakest + 1} of {len(heard)}",
    )  # fmt: skip
    return View(title="Array elements", plane=None, readings=(reading,))


def _drift(taken: dict[str, Taken], b0_T: float) -> Works:
    first, second = taken.get(_FIRST), taken.get(_SECOND)
    if first and second:
        yield "centre frequency", lambda: [_frequency(first, second)]


def _frequency(first: Taken, second: Taken) -> View:
    echo_s = float(first.image.encoding.echo_times_s[0])
    change = frequency_change_Hz(first.raw.samples, second.raw.samples, echo_s)
    minutes = (second.began_s - first.began_s) / 60
    reading = Reading(
        test="centre frequency", name="drift", value=change / minutes, unit="Hz/min", low=-5.0, high=5.0, basis=CHOICE,
        note=f"{change:.2f} Hz in {60 * minutes:.0f} s of scanning; up to +-{0.5 / echo_s:.0f} Hz can be told",
    )  # fmt: skip
    return View(title="Centre frequency", plane=None, readings=(reading,))


def _power(taken: dict[str, Taken], b0_T: float) -> Works:
    def work() -> list[View]:
        worst: dict[str, Reading] = {}
        for one in taken.values():
            for item in one.verdict.findings:
                if item.check.startswith("SAR") and (item.check not in worst or item.value > worst[item.check].value):
                    local = "local" in item.check
                    worst[item.check] = Reading(
                        test="NEMA MS 8, MS 10 (estimate)", name=item.check, value=item.value, unit=item.unit,
                        high=item.limit if item.binding else None, basis=MEMORY if local else SOURCED,
                        note=f"{one.scan.name}; from the safety check, nothing is measured",
                    )  # fmt: skip
        return [View(title="Radio-frequency power", plane=None, readings=tuple(worst.values()))]

    if taken:
        yield "NEMA MS 8, MS 10", work


def _spheres(taken: dict[str, Taken], b0_T: float) -> Works:
    for kind, true_ms, allowed in (("T1", NICKEL_T1_MS, T1_RANGE_S), ("T2", MANGANESE_T2_MS, T2_RANGE_S)):
        if held := taken.get(f"spheres-{kind}"):
            work = _plate_work(held, kind, np.array(true_ms, np.float64), allowed)
            yield f"NIST {kind} spheres", work


def _plate_work(taken: Taken, kind: str, true_ms: np.ndarray, allowed_s: tuple[float, float]) -> Work:
    def work() -> list[View]:
        maps = quant.fit(taken.image, quant.T1T2(t1=quant.InversionRecovery(t1_range_s=_FIT_RANGE_S)))
        plane = taken.plane()
        found = 1e3 * sphere_medians(maps[kind].value[0].astype(np.float64), plane)
        readings = tuple(
            _sphere(kind, number, measured, true, allowed_s)
            for number, (measured, true) in enumerate(zip(found, true_ms, strict=True), 1)
        )
        marks = tuple(
            Mark(kind="circle", points_m=((float(x), float(y)), (float(x) + 0.6 * SPHERE_RADIUS_M, float(y))),
                 good=reading.passed is not False)
            for (x, y), reading in zip(sphere_centres_m(), readings, strict=True)
        )  # fmt: skip
        return [View(title=f"NIST {kind} spheres", plane=plane, readings=readings, marks=marks)]

    return work


def _sphere(kind: str, number: int, measured_ms: float, true_ms: float, allowed_s: tuple[float, float]) -> Reading:
    within = allowed_s[0] <= 1e-3 * true_ms <= allowed_s[1]
    return Reading(
        test=f"NIST {kind} spheres", name=f"{kind} of sphere {number}, error", unit="%",
        value=100 * float(measured_ms / true_ms - 1), low=-5.0 if within else None, high=5.0 if within else None, basis=CHOICE,
        note=f"{measured_ms:.4g} ms, true {true_ms:.4g}" + ("" if within else "; beyond what the protocol determines"),
    )  # fmt: skip


_MEASUREMENTS: dict[str, Callable[[dict[str, Taken], float], Works]] = {
    "geometry": _geometry,
    "resolution": _slice_one(acr.resolution_view, "ACR high-contrast resolution"),
    "thickness": _slice_one(acr.thickness_view, "ACR slice thickness, NEMA MS 5"),
    "position": _position,
    "uniformity": _uniformity,
    "ghosting": _ghosting,
    "contrast": _contrast,
    "noise": _noise,
    "drift": _drift,
    "power": _power,
    "spheres": _spheres,
}
"""Test -> what it measures, lazily; the same names as `scans.TESTS`."""
