"""The scans of an acceptance test: which object, where, with which protocol, and which tests read them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fullbore.sequence import InversionRecoverySpinEcho, Protocol, SpinEchoTrain2d
from fullbore.sequence.gradient_echo import TimeOfFlight2d
from fullbore.sequence.prescription import Orientation

TESTS: dict[str, str] = {
    "geometry": "ACR geometric accuracy, NEMA MS 2",
    "resolution": "ACR high-contrast resolution",
    "thickness": "ACR slice thickness, NEMA MS 5",
    "position": "ACR slice position",
    "uniformity": "ACR uniformity, NEMA MS 3",
    "ghosting": "ACR ghosting",
    "contrast": "ACR low-contrast detectability",
    "noise": "NEMA MS 1, and every element of the array",
    "drift": "centre frequency",
    "power": "SAR as the safety check estimates it (what NEMA MS 8 and 10 measure)",
    "spheres": "T1 and T2 of the ISMRM/NIST system phantom",
}
"""Name of a test -> what it covers."""

QUICK_TESTS = ("geometry", "thickness", "position", "uniformity", "ghosting", "noise", "drift", "power")
"""What makes sense at a small matrix."""

FOV_M, THICKNESS_M = 0.25, 5e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One scan. body: a name of the phantom room. middle_m, half_m: of the part of it that is looked at, (x, y, z).

    spacing_m: (x, y, z) to sample it at, fine enough for its tests. like: what its images are, e.g. "axial spin echo".
    """

    name: str
    body: str
    middle_m: tuple[float, float, float]
    half_m: tuple[float, float, float]
    spacing_m: tuple[float, float, float]
    protocol: Protocol
    tests: tuple[str, ...]
    slice_number: int = 0


def scans(tests: tuple[str, ...], quick: bool) -> list[Scan]:
    """The scans that some tests need, in playing order; a pair of gradient echoes comes first."""
    size = 128 if quick else 256
    wanted = [_slice(number, size, quick, served) for number, served in _SLICES.items()]
    wanted = [*(_gradient_echo(which) for which in ("first", "second")), *wanted, _sagittal(size)]
    wanted += [_plate("T1", -0.020), _plate("T2", 0.020)]
    return [scan for scan in wanted if set(scan.tests) & set(tests)]


_SLICES: dict[int, tuple[str, ...]] = {
    1: ("resolution", "thickness", "position", "power"),
    5: ("geometry",),
    7: ("uniformity", "ghosting"),
    8: ("contrast",),
    9: ("contrast",),
    10: ("contrast",),
    11: ("contrast", "position"),
}


def slice_z_m(number: int) -> float:
    """Where slice 1 to 11 lies."""
    return 0.010 * (number - 6)


def _slice(number: int, size: int, quick: bool, tests: tuple[str, ...]) -> Scan:
    """ACR's T1 series: spin echo, TR 500 ms, TE 20 ms, 5 mm."""
    z, step = slice_z_m(number), 1e-3 if quick else 4e-4
    return Scan(
        name=f"slice-{number}", body="acr-large", middle_m=(0.0, 0.0, z), half_m=(0.106, 0.106, 0.009),
        spacing_m=(step, step, 1e-3), protocol=_spin_echo(f"acr_t1_slice_{number}", "axial", size, (0.0, 0.0, z)), tests=tests,
        slice_number=number,
    )  # fmt: skip


def _sagittal(size: int) -> Scan:
    """ACR's localiser: for the length of the phantom."""
    return Scan(
        name="sagittal", body="acr-large", middle_m=(0.0, 0.0, 0.0), half_m=(0.010, 0.106, 0.086), spacing_m=(1e-3, 1e-3, 1e-3),
        protocol=_spin_echo("acr_localiser", "sagittal", size, (0.0, 0.0, 0.0)), tests=("geometry",),
    )  # fmt: skip


def _spin_echo(name: str, orientation: Orientation, size: int, centre_m: tuple[float, float, float]) -> SpinEchoTrain2d:
    return SpinEchoTrain2d(
        name=name, orientation=orientation, fov=(FOV_M, FOV_M), matrix=(size, size), slices=1, slice_thickness=THICKNESS_M,
        repetition_time=0.5, echo_time=0.02, echo_spacing=0.02, train_length=1, refocusing_flip_angle=math.pi, bandwidth=150.0,
        dummy_shots=1, centre=centre_m, refocusing_slice_factor=2.0,
    )  # fmt: skip


def _gradient_echo(which: str) -> Scan:
    """Spoiled gradient echo at the solution's Ernst angle, where a wrong flip costs least; slice 7 at 2 mm."""
    z, size, step = slice_z_m(7), 128, 1e-3
    protocol = TimeOfFlight2d(
        name=f"gradient_echo_{which}", orientation="axial", fov=(FOV_M, FOV_M), matrix=(size, size), slice_thickness=THICKNESS_M,
        repetition_time=0.1, echo_time=0.012, flip_angle=math.radians(59), bandwidth=100.0, excitation_duration=3.2e-3,
        centre=(0.0, 0.0, z), gradient_mode="whisper",
    )  # fmt: skip
    return Scan(
        name=f"gradient-echo-{which}", body="acr-large", middle_m=(0.0, 0.0, z), half_m=(0.106, 0.106, 0.009),
        spacing_m=(step, step, 1e-3), protocol=protocol, tests=("uniformity", "noise", "drift", "power"), slice_number=7,
    )  # fmt: skip


def _plate(kind: str, z: float) -> Scan:
    """A plate of spheres: inversion recoveries and a long train of echoes, read by the joint fit of T1 and T2."""
    protocol = InversionRecoverySpinEcho(
        name=f"spheres_{kind.lower()}", orientation="axial", fov=(0.224, 0.224), matrix=(112, 112), slice_thickness=6e-3,
        inversion_times=(0.03, 0.1, 0.3, 0.8, 1.8, 3.5, 7.0), recovery_time=10.0, echo_spacing=0.012, train_length=8, echoes=32,
        bandwidth=250.0, centre=(0.0, 0.0, z),
    )  # fmt: skip
    return Scan(
        name=f"spheres-{kind}", body="system-phantom", middle_m=(0.0, 0.0, z), half_m=(0.106, 0.106, 0.009),
        spacing_m=(1e-3, 1e-3, 1.5e-3), protocol=protocol, tests=("spheres",),
    )  # fmt: skip
