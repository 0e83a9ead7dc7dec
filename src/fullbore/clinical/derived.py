"""What follows from a protocol and is shown beside it: times, resolution, rhythm, heat and nerves of the built sequence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fullbore.data import AcquisitionFlag, Encoding, Sequence, Verdict

_ROWS_AT_ONCE = 1024
_MOST_LISTED = 8
_LONG_S = 10.0
_NOT_IMAGED = int(AcquisitionFlag.NOISE | AcquisitionFlag.NAVIGATION | AcquisitionFlag.PHASE_CORRECTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """One figure: values in SI (or of the unit given), more than one where it differs, e.g. an echo time per echo."""

    name: str
    values: tuple[float, ...]
    unit: str

    def __str__(self) -> str:
        long = self.unit == "s" and max(self.values) >= _LONG_S
        factor, unit = (1.0, self.unit) if long else _SHOWN.get(self.unit, (1.0, self.unit))
        shown = [f"{value * factor:.5g}" for value in self.values[:_MOST_LISTED]]
        more = [f"... ({len(self.values)})"] if len(self.values) > _MOST_LISTED else []
        return f"{(' x ' if self.name in _SIZES else ', ').join(shown + more)} {unit}".rstrip()


_SHOWN = {"s": (1e3, "ms"), "m": (1e3, "mm"), "rad": (180 / np.pi, "deg"), "s/m2": (1e-6, "s/mm2")}
_SIZES = ("voxel", "resolution")
_SCAN_TIME = "scan time"


def derived(sequence: Sequence, verdict: Verdict | None = None) -> tuple[Derived, ...]:
    """Times, bandwidth, voxel, resolution, flip, b and scan time of a sequence; with a verdict, SAR and PNS.

    bandwidth: of one pixel, the inverse of the readout's length, at the longest readout. voxel: field of view over matrix, along
    (read, phase, slice). resolution: 1 / (2 max|k|) of what is measured along the encoded axes. effective echo spacing: echo
    spacing over shots and acceleration, which is what distorts. SAR and PNS: value over limit in %, the worst of each kind.
    """
    encoding = sequence.encoding
    found = [
        *_times(encoding),
        Derived(name="bandwidth", values=_bandwidth(encoding), unit="Hz/px"),
        Derived(name="voxel", values=_voxel(encoding), unit="m"),
        Derived(name="resolution", values=_resolution(encoding), unit="m"),
        Derived(name="flip angle", values=_known(encoding.flip_rad), unit="rad"),
        Derived(name="b value", values=_distinct(encoding.measures.get("b_value_s_per_m2", np.zeros(0))), unit="s/m2"),
        Derived(name=_SCAN_TIME, values=(sequence.total_duration_s,), unit="s"),
        *(_load(verdict) if verdict is not None else ()),
    ]
    return tuple(item for item in found if item.values)


def _times(encoding: Encoding) -> tuple[Derived, ...]:
    """TE, TR, TI, echo spacings and train length, as far as there are any."""
    echoes = encoding.echo_times_s or _distinct(encoding.echo_time_s)
    inversions = [time for time in encoding.inversion_times_s if np.isfinite(time)] or _distinct(encoding.inversion_time_s)
    effective = encoding.parameters.get("effective_echo_spacing_s", 0.0)
    return (
        Derived(name="echo time", values=tuple(echoes), unit="s"),
        Derived(name="repetition time", values=_known(encoding.repetition_time_s), unit="s"),
        Derived(name="inversion time", values=tuple(inversions), unit="s"),
        Derived(name="echo spacing", values=_known(encoding.echo_spacing_s), unit="s"),
        Derived(name="effective echo spacing", values=_known(effective), unit="s"),
        Derived(name="echo train length", values=_known(encoding.echo_train_length if encoding.echo_spacing_s else 0), unit=""),
    )


def _known(value: float | int) -> tuple[float, ...]:
    return (float(value),) if value > 0 else ()


def _distinct(values: Float[np.ndarray, " row"]) -> tuple[float, ...]:
    """Distinct finite values, to 1e-9 of the largest, rising."""
    finite = values[np.isfinite(values)]
    step = 1e-9 * max(float(np.abs(finite).max(initial=0.0)), 1e-30)
    return tuple(float(value) for value in np.unique(np.round(finite / step)) * step)


def _bandwidth(encoding: Encoding) -> tuple[float, ...]:
    """Hz per pixel of the longest readout."""
    if encoding.rows == 0:
        return ()
    longest = float((encoding.samples_per_row() * encoding.dwell_per_row_s()).max())
    return _known(1 / longest) if longest > 0 else ()


def _voxel(encoding: Encoding) -> tuple[float, ...]:
    return tuple(fov / count for fov, count in zip(encoding.geometry.fov_m, encoding.geometry.matrix, strict=True))


def _resolution(encoding: Encoding) -> tuple[float, ...]:
    """1 / (2 max|k|) along read, phase and (of a slab) slice; () where an axis is not encoded at all."""
    image = encoding.take(np.flatnonzero((encoding.flags & _NOT_IMAGED) == 0))
    geometry = encoding.geometry
    frame = np.stack([geometry.read, geometry.phase, geometry.slice])[: 3 if geometry.is_3d else 2]
    furthest = np.zeros(len(frame))
    for start in range(0, image.rows, _ROWS_AT_ONCE if image.curve is not None else image.rows or 1):
        part = image if image.curve is None else image.take(np.arange(start, min(start + _ROWS_AT_ONCE, image.rows)))
        furthest = np.maximum(furthest, _furthest(part, frame))
    return tuple(float(value) for value in 0.5 / furthest) if np.all(furthest > 0) else ()


def _furthest(encoding: Encoding, frame: Float[np.ndarray, "axis 3"]) -> Float[np.ndarray, " axis"]:
    """Largest |k| along each axis, cycles/m; straight readouts by their ends."""
    if encoding.curve is None:
        last = encoding.k_first_per_m + (encoding.samples_per_row() - 1)[:, None] * encoding.k_step_per_m
        return np.asarray(np.abs(np.stack([encoding.k_first_per_m, last]) @ frame.T).max(axis=(0, 1)))
    return np.asarray(np.abs(encoding.trajectory_per_m() @ frame.T).max(axis=(0, 1)))


def _load(verdict: Verdict) -> tuple[Derived, ...]:
    """The worst SAR of each part and the worst stimulation, W/kg and % of their limits."""
    heat = [item for item in verdict.findings if item.check.startswith("SAR") and item.limit > 0]
    nerves = [100 * item.value / item.limit for item in verdict.findings if item.check.startswith("nerve") and item.limit > 0]
    found = []
    for part in ("whole body", "head"):
        values = [item.value for item in heat if item.check.startswith(f"SAR {part}, 6 min")]
        found.append(Derived(name=f"SAR {part}", values=tuple(values), unit="W/kg"))
    shares = [100 * item.value / item.limit for item in heat if item.binding]
    found.append(Derived(name="SAR of its limit", values=(max(shares),) if shares else (), unit="%"))
    found.append(Derived(name="PNS of its limit", values=(max(nerves),) if nerves else (), unit="%"))
    return tuple(found)
