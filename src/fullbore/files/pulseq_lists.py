"""What blocks carry beside their events, as Pulseq's extension lists: labels, triggers, soft delays and RF shims."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data import Sequence
from fullbore.files import pulseq_labels

_TRIGGERS, _DELAYS, _RF_SHIMS = 2, 3, 4
_KINDS = {"output": "1", "trigger": "2"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExtensionLists:
    """extension: id of each block's list, (block,), 0 for none. sections: (title, body) of each section that is needed."""

    extension: np.ndarray
    sections: list[tuple[str, str]]


def extension_lists(sequence: Sequence) -> ExtensionLists:
    """The lists of a sequence; equal lists are written once."""
    labels = pulseq_labels.label_tables(sequence.encoding)
    extension = np.zeros(sequence.blocks, dtype=np.int64)
    extension[sequence.adc >= 0] = labels.extension
    lines = list(labels.lists)
    chained: dict[tuple[int, int, int], int] = {}
    bodies: dict[int, dict[str, int]] = {_TRIGGERS: {}, _DELAYS: {}, _RF_SHIMS: {}}
    for block, kind, body in _items(sequence):
        reference = bodies[kind].setdefault(body, len(bodies[kind]) + 1)
        key = (kind, reference, int(extension[block]))
        if key not in chained:
            chained[key] = len(lines) + 1
            lines.append(f"{chained[key]} {kind} {reference} {key[2]}")
        extension[block] = chained[key]
    titles = {
        _TRIGGERS: "# id type channel delay(us) duration(us)\nextension TRIGGERS 2",
        _DELAYS: "# id number offset(us) factor hint\nextension DELAYS 3",
        _RF_SHIMS: "# id channels magnitude phase(rad) ...\nextension RF_SHIMS 4",
    }
    sections = [
        ("# id type ref next_id\n[EXTENSIONS]", "\n".join(lines)),
        ("# id set labelstring\nextension LABELSET 1", labels.sets),
        *((titles[kind], _numbered(rows)) for kind, rows in bodies.items()),
    ]
    return ExtensionLists(extension=extension, sections=sections)


def _items(sequence: Sequence) -> list[tuple[int, int, str]]:
    """(block, type, row without its id) of all that is not a label; what a block carries first comes last, as lists grow."""
    items = [
        (t.block, _TRIGGERS, f"{_KINDS.get(t.kind, t.kind)} {t.channel} {_us(t.delay_s)} {_us(t.duration_s)}")
        for t in reversed(sequence.triggers)
    ]
    items += [(d.block, _DELAYS, f"{d.number} {_us(d.offset_s)} {d.factor:.12g} {d.hint}") for d in sequence.soft_delays]
    for block in np.flatnonzero(sequence.rf_shim >= 0).tolist():
        weights = sequence.rf_shims[sequence.rf_shim[block]]
        pairs = " ".join(f"{abs(weight):.12g} {np.angle(weight):.12g}" for weight in weights)
        items.append((block, _RF_SHIMS, f"{len(weights)} {pairs}"))
    return items


def _numbered(rows: dict[str, int]) -> str:
    return "\n".join(f"{number} {row}" for row, number in rows.items())


def _us(time_s: float) -> str:
    """A time in us without float noise."""
    return f"{round(time_s * 1e6, 6):.12g}"
