"""The page of a sequence: a diagram to zoom into, its protocol, its limits."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable
from html import escape
from importlib import resources
from typing import Any

import numpy as np

from fullbore.clinical.derived import derived
from fullbore.clinical.report.html import figure, page, table, verdict_word
from fullbore.clinical.report.sequence_figures import sampling
from fullbore.data import Sequence, Verdict
from fullbore.data.encoding import COUNTERS

_DIGITS = 9
MOST_POINTS = 400
"""Points of an RF shape that the diagram draws."""


def sequence_page(
    sequence: Sequence, title: str, facts: Iterable[tuple[str, str]], verdict: Verdict | None = None, about: str = ""
) -> str:
    """A sequence as HTML text, self-contained. facts: (what, value) rows; verdict: of the safety check."""
    body = f'<h1>{escape(title)}</h1><p class="lead">{escape(about)}</p>' + _viewer(sequence)
    body += table(("what", "value"), [*facts, *_own_facts(sequence, verdict)])
    if verdict is not None:
        body += f"<h2>Limits of {escape(verdict.scanner)}, {escape(verdict.mode.replace('_', ' '))} mode</h2>"
        body += verdict_table(verdict)
    if sequence.encoding.rows:
        body += figure(sampling(sequence.encoding), "What is measured, and in which order.")
    return page(title, body)


def verdict_table(verdict: Verdict) -> str:
    """Every finding of a verdict."""
    rows = [
        (item.check, item.value, item.limit, item.unit, verdict_word(item.allowed), item.where, item.advice)
        for item in verdict.findings
    ]
    return table(("check", "value", "limit", "unit", "", "where", "what to do"), rows)


def _own_facts(sequence: Sequence, verdict: Verdict | None) -> list[tuple[str, str]]:
    """What follows from the built sequence, and its size."""
    encoding = sequence.encoding
    return [
        *((item.name, str(item)) for item in derived(sequence, verdict)),
        ("blocks, readouts", f"{sequence.blocks}, {encoding.rows}"),
        ("samples, dwell", f"{encoding.samples}, {encoding.dwell_s * 1e6:.4g} us"),
        ("unique pulses, gradients, windows", f"{len(sequence.rf_pulses)}, {len(sequence.gradients)}, {len(sequence.adcs)}"),
    ]


def _viewer(sequence: Sequence) -> str:
    """The diagram: a canvas, its controls, its data and its script."""
    script = (resources.files("fullbore.clinical.report") / "sequence_viewer.js").read_text(encoding="utf-8")
    meta = json.dumps(_meta(sequence), separators=(",", ":")).replace("<", "\\u003c")
    controls = (
        '<p class="controls">Scroll to zoom, drag to move, double-click for all. '
        f'Block <input id="sequence-block" type="number" min="1" max="{sequence.blocks}" aria-label="block"> '
        f'readout <input id="sequence-readout" type="number" min="1" max="{sequence.encoding.rows}" aria-label="readout"> '
        '<button id="sequence-all">all</button></p>'
    )
    canvas = '<canvas id="sequence-canvas" tabindex="0" style="width:100%;height:420px" aria-label="sequence diagram"></canvas>'
    return (
        f'{controls}{canvas}<p id="sequence-tip" class="small">&nbsp;</p>'
        f'<script type="application/json" id="sequence-meta">{meta}</script>'
        f'<script type="text/plain" id="sequence-data">{_data(sequence)}</script><script>{script}</script>'
    )


def _meta(sequence: Sequence) -> dict[str, Any]:
    """Shapes (times in s, |B1| in uT, gradients in mT/m) and what to show first: the repetition of the first readout."""
    starts, readouts = sequence.block_starts_s(), np.flatnonzero(sequence.adc >= 0)
    period = sequence.encoding.repetition_time_s or sequence.total_duration_s
    begin = float(starts[readouts[0]] // period * period) if len(readouts) else 0.0
    pulses = []
    for pulse in sequence.rf_pulses:
        size = np.abs(pulse.b1_T) * 1e6
        skip = -(-len(size) // MOST_POINTS)
        middle = pulse.delay_s + (np.arange(0, len(size), skip) + 0.5) * pulse.raster_s
        ends = [pulse.delay_s, pulse.delay_s + pulse.duration_s]
        pulses.append([_numbers([ends[0], *middle, ends[1]]), _numbers([0.0, *size[::skip], 0.0])])
    return {
        "blocks": sequence.blocks,
        "rows": sequence.encoding.rows,
        "counters": COUNTERS,
        "view": [begin, min(begin + period, sequence.total_duration_s)],
        "rf": pulses,
        "gradients": [[_numbers(g.times_s), _numbers(g.values_T_per_m * 1e3)] for g in sequence.gradients],
        "adcs": [[a.delay_s, a.delay_s + a.samples * a.dwell_s] for a in sequence.adcs],
    }


def _numbers(values: Iterable[float]) -> list[float]:
    return [round(float(value), _DIGITS) for value in values]


def _data(sequence: Sequence) -> str:
    """The columns that the script reads, in its order, compressed."""
    columns = (
        sequence.duration_s.astype("<f8"),
        sequence.gradient_scale.astype("<f4"),
        sequence.rf_phase_rad.astype("<f4"),
        sequence.gradient.astype("<i4"),
        sequence.rf.astype("<i4"),
        sequence.adc.astype("<i4"),
        sequence.encoding.counters.T.astype("<i4"),
    )
    return base64.b64encode(zlib.compress(b"".join(column.tobytes() for column in columns), 6)).decode()
