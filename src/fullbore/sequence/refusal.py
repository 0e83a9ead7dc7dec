"""How a builder says no: which protocol field, which limit, by how much, and the value that would do."""

from __future__ import annotations

from fullbore.errors import LimitError
from fullbore.sequence.gradients import raster_up

Value = float | int | tuple[float | int, ...]
"""A protocol value in SI; counts and matrices are whole."""

# field of a protocol -> (factor from SI, unit): how its value is written for people
_DISPLAY = {
    "flip_angle": (57.29577951308232, "deg"),
    "refocusing_flip_angle": (57.29577951308232, "deg"),
    "bandwidth": (1.0, "Hz/px"),
    "acceleration": (1.0, ""),
    "phases": (1.0, ""),
    "slices": (1.0, ""),
    "shots": (1.0, ""),
    "tag_flip_angle": (57.29577951308232, "deg"),
    "reference_flip_angle": (57.29577951308232, "deg"),
    "views_per_segment": (1.0, ""),
    "slice_thickness": (1e3, "mm"),
    "slab_thickness": (1e3, "mm"),
    "signal_level": (1.0, ""),
    "train_length": (1.0, ""),
    "concatenations": (1.0, ""),
    "slice_spacing": (1e3, "mm"),
    "time_bandwidth": (1.0, ""),
    "fov": (1e3, "mm"),
    "matrix": (1.0, ""),
    "cardiac_phases": (1.0, ""),
    "slab_share": (1.0, ""),
    "wave_amplitude": (1e3, "mT/m"),
    "voxel": (1e3, "mm"),
    "excitation_time_bandwidth": (1.0, ""),
    "refocusing_time_bandwidth": (1.0, ""),
    "refocusing_bandwidth": (1.0, "Hz"),
    "wave_cycles": (1.0, ""),
    "caipi_shift": (1.0, ""),
    "saturation_b1": (1e6, "uT"),
    "spin_lock_b1": (1e6, "uT"),
}


def display(field: str, value: Value) -> str:
    """A protocol value as people write it: times in ms, angles in deg, whole numbers as they are."""
    if isinstance(value, tuple):
        return "[" + ", ".join(display(field, item) for item in value) + "]"
    if isinstance(value, int):
        return str(value)
    factor, unit = _DISPLAY.get(field, (1e3, "ms"))
    return f"{value * factor:.6g} {unit}".strip()


class Refusal(LimitError):
    """A protocol field that a limit forbids, with the nearest value that the builder believes legal.

    field: name in the protocol. legal: SI value to try in its place. reason: the limit and by how much it is missed.
    bound: "shortest", "longest", "highest", "lowest", "largest" or "nearest". fact: all of it but the advice.
    """

    def __init__(self, *, field: str, asked: Value, legal: Value, bound: str, reason: str) -> None:
        self.field, self.asked, self.legal, self.bound, self.reason = field, asked, legal, bound, reason
        self.fact = f"{field}: got {display(field, asked)}, {bound} is {display(field, legal)} ({reason})."
        super().__init__(f"{self.fact} Set {field} to that.")


def refuse_spacing(field: str, asked_s: float, shortest_s: float, reason: str, raster_s: float) -> None:
    """Raise Refusal when a time is too short or off the block raster."""
    if asked_s < shortest_s - 1e-9:
        legal = raster_up(shortest_s, raster_s)
        reason = f"{reason} take {(shortest_s - asked_s) * 1e3:.3f} ms more"
        raise Refusal(field=field, asked=asked_s, legal=legal, bound="shortest", reason=reason)
    nearest = max(round(asked_s / raster_s) * raster_s, raster_up(shortest_s, raster_s))
    if abs(nearest - asked_s) > 1e-9:
        reason = f"times lie on a raster of {raster_s * 1e6:g} us"
        raise Refusal(field=field, asked=asked_s, legal=nearest, bound="nearest", reason=reason)
