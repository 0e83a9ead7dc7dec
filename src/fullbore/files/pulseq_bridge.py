"""To and from PyPulseq's own sequence objects, for those who have scripts: through Pulseq text of full precision.

PyPulseq is needed by nothing else, so it is looked for only when a sequence is to become its object.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fullbore.data import Limits, Sequence
from fullbore.errors import FormatError, UsageError
from fullbore.files.pulseq import rasters_s, write_pulseq
from fullbore.files.pulseq_read import DEFAULT_B0_T, sequence_from_text
from fullbore.files.pulseq_sections import number_in
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.physics.units import gradient_to_Hz_per_m

_RASTER_FIELDS = {
    "AdcRasterTime": "adc_raster_time",
    "BlockDurationRaster": "block_duration_raster",
    "GradientRasterTime": "grad_raster_time",
    "RadiofrequencyRasterTime": "rf_raster_time",
}
_LIBRARIES = (
    *("rf_library", "grad_library", "adc_library", "shape_library", "extensions_library", "trigger_library"),
    *("label_set_library", "label_inc_library", "soft_delay_library"),
)
_US = 1e6


def from_pypulseq(theirs: Any, *, b0_T: float | None = None) -> Sequence:
    """The Sequence that a `pypulseq.Sequence` (1.5) plays, read from its libraries with all digits; it is not changed.

    b0_T: field for offsets in ppm; by default the object's own `system.B0`.
    Errors: UsageError for another object; FormatError as `read_pulseq` for one that is not whole.
    """
    missing = [name for name in ("block_events", "block_durations", "system", *_LIBRARIES) if not hasattr(theirs, name)]
    if missing:
        raise UsageError(
            f"from_pypulseq: got a {type(theirs).__name__} without {missing[0]}, wanted a pypulseq.Sequence of version 1.5. "
            "Write it to a file and read that."
        )
    field_T = float(theirs.system.B0) if b0_T is None else b0_T
    name = str(theirs.definitions.get("Name", "")) or "pypulseq"
    return sequence_from_text("\n".join(_lines(theirs)) + "\n", name, b0_T=field_T)


def to_pypulseq(sequence: Sequence, limits: Limits | None = None) -> Any:
    """A `pypulseq.Sequence` (1.5) that plays the same; its `system` has the sequence's rasters and, where given, the limits.

    Errors: UsageError where PyPulseq is not installed; FormatError for RF shims and labels that it does not know, and as
    `write_pulseq`.
    """
    try:
        import pypulseq
    except ImportError as error:
        raise UsageError("to_pypulseq: PyPulseq is not installed. Install it: pip install pypulseq==1.5.0.post1") from error
    if (sequence.rf_shim >= 0).any():
        raise FormatError(f"to_pypulseq: {sequence.name} has RF shims, which PyPulseq does not know. Play it without them.")
    known = pypulseq.supported_labels_rf_use.get_supported_labels()
    foreign = [label for label in sequence.encoding.labels if label not in known]
    if foreign:
        raise FormatError(f"to_pypulseq: got the label {foreign[0]}, wanted one of {', '.join(known)}. Leave it out.")
    theirs = pypulseq.Sequence(pypulseq.Opts(**_options(sequence, limits)))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write_pulseq(sequence, Path(folder) / "a.seq")
        theirs.read(str(Path(folder) / "a.seq"), remove_duplicates=False)
    return theirs


def _options(sequence: Sequence, limits: Limits | None) -> dict[str, float]:
    """What PyPulseq's Opts wants, in its units."""
    stated = number_in(sequence.definitions.get("B0", ""))
    rasters = {_RASTER_FIELDS[name]: value for name, value in rasters_s(sequence).items()}
    plain = {**rasters, "gamma": GYROMAGNETIC_RATIO_HZ_PER_T, "B0": stated if stated > 0 else DEFAULT_B0_T}
    if limits is None:
        return plain
    return {
        **plain,
        "B0": stated if stated > 0 else limits.b0_T,
        "max_grad": gradient_to_Hz_per_m(limits.gradient_T_per_m),
        "max_slew": gradient_to_Hz_per_m(limits.slew_T_per_m_s),
        "rf_dead_time": limits.rf_dead_time_s,
        "rf_ringdown_time": limits.rf_ringdown_time_s,
        "adc_dead_time": limits.adc_dead_time_s,
    }


def _lines(theirs: Any) -> Iterator[str]:
    """Its libraries as lines of a Pulseq file, version 1.5.0. Source: the format's specification; PyPulseq's writer."""
    yield from ("[VERSION]", "major 1", "minor 5", "revision 0", "[DEFINITIONS]")
    yield from _definitions(theirs)
    yield "[BLOCKS]"
    yield from _blocks(theirs)
    yield "[RF]"
    for number, data in theirs.rf_library.data.items():
        yield f"{number} {_row(data[:4])} {_row(_us(data[4:6]))} {_row(data[6:10])} {theirs.rf_library.type.get(number) or 'u'}"
    yield "[GRADIENTS]"
    yield from (f"{n} {_row(data[:5])} {_row(_us(data[5:6]))}" for n, data in _of_type(theirs.grad_library, "g"))
    yield "[TRAP]"
    yield from (f"{n} {_row(data[:1])} {_row(_us(data[1:5]))}" for n, data in _of_type(theirs.grad_library, "t"))
    yield "[ADC]"
    for number, data in theirs.adc_library.data.items():
        yield f"{number} {_row([data[0], round(float(data[1]) * 1e9, 6), *_us(data[2:3]), *data[3:8]])}"
    yield "[SHAPES]"
    for number, data in theirs.shape_library.data.items():
        yield from (f"shape_id {number}", f"num_samples {int(data[0])}", *(repr(float(value)) for value in data[1:]))
    yield from _extensions(theirs)


def _definitions(theirs: Any) -> Iterator[str]:
    """Definitions; rasters are what the object itself counts with."""
    for name, value in theirs.definitions.items():
        words = value if isinstance(value, (list, tuple, np.ndarray)) else [value]
        text = " ".join(word if isinstance(word, str) else f"{word:.12g}" for word in words)
        if name not in _RASTER_FIELDS:
            yield f"{name} {' '.join(text.split())}"
    for name, field in _RASTER_FIELDS.items():
        yield f"{name} {float(getattr(theirs, field))!r}"


def _blocks(theirs: Any) -> Iterator[str]:
    """One line per block, in the order in which they play."""
    raster = float(theirs.block_duration_raster)
    for number, events in theirs.block_events.items():
        steps = float(theirs.block_durations[number]) / raster
        if not abs(steps - round(steps)) < 1e-3:
            raise FormatError(
                f"from_pypulseq: block {number} lasts {steps * raster:.9g} s, not a multiple of {raster:g} s. "
                "Put its duration on the raster."
            )
        yield f"{number} {round(steps)} {' '.join(str(int(event)) for event in events[1:7])}"


def _extensions(theirs: Any) -> Iterator[str]:
    """Extension lists and what they refer to."""
    if not theirs.extensions_library.data:
        return
    yield "[EXTENSIONS]"
    yield from (f"{n} {_row(round(float(value)) for value in data)}" for n, data in theirs.extensions_library.data.items())
    names = ("TRIGGERS", "LABELSET", "LABELINC", "DELAYS")
    libraries = (theirs.trigger_library, theirs.label_set_library, theirs.label_inc_library, theirs.soft_delay_library)
    for name, library in zip(names, libraries, strict=True):
        if library.data:
            yield f"extension {name} {theirs.get_extension_type_ID(name)}"
            yield from (f"{number} {_extension(name, data)}" for number, data in library.data.items())


def _extension(name: str, data: Any) -> str:
    """One row of an extension's own table."""
    if name == "TRIGGERS":
        return _row([*data[:2], *_us(data[2:4])])
    if name == "DELAYS":
        return f"{int(data[0])} {_row(_us(data[1:2]))} {_row(data[2:3])} {data[3]}"
    from pypulseq.supported_labels_rf_use import get_supported_labels

    return f"{int(data[0])} {get_supported_labels()[int(data[1]) - 1]}"


def _of_type(library: Any, kind: str) -> Iterator[tuple[int, Any]]:
    """Events of one kind of gradient."""
    return ((number, data) for number, data in library.data.items() if library.type[number] == kind)


def _us(times_s: Iterable[float]) -> list[float]:
    """Times in us without float noise."""
    return [round(float(time) * _US, 6) for time in times_s]


def _row(values: Iterable[Any]) -> str:
    """Numbers with all their digits."""
    return " ".join(repr(float(value)) for value in values)
