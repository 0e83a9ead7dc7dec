"""The report of an exam: everything a physicist would ask for, series by series, in one file."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from fullbore import clinical
from fullbore.clinical.report import sequence_figures
from fullbore.clinical.report.anatomy import rows_of_cuts
from fullbore.clinical.report.coil_figure import coil_images
from fullbore.clinical.report.html import Markup, figure, page, table, verdict_word
from fullbore.clinical.truth import expected_image, principal_frame
from fullbore.data import FitStatus, Image, ParameterMaps

MAP_SCALES = {"T1": (0.0, 4.5, "viridis"), "T2": (0.0, 0.3, "viridis"), "B1": (0.6, 1.2, "RdBu_r")}


def exam_page(exam: clinical.Exam) -> str:
    """The whole report as HTML text."""
    record = exam.record
    links = "".join(f'<a href="#{escape(r.name)}">{escape(r.name)}</a>' for r in exam.results)
    body = [
        f"<h1>{escape(record['region'].capitalize())} exam{' (quick)' if record['quick'] else ''}</h1>",
        f'<p class="lead">{escape(_lead(exam))}</p><nav>{links}</nav>',
        _summary(exam),
    ]
    for result, entry in zip(exam.results, record["series"], strict=True):
        body.append(_series(result, entry, record["quick"]))
    body.append(_inputs(record))
    return page(f"Fullbore {record['region']} exam", "".join(body))


def _lead(exam: clinical.Exam) -> str:
    record = exam.record
    words = (record["subject"]["name"], record["system"], f"{exam.plan.b0_T:g} T", f"seed {record['seed']}", record["started"])
    return " · ".join((*words, f"Fullbore {record['fullbore']}"))


def _summary(exam: clinical.Exam) -> str:
    rows = []
    for entry in exam.record["series"]:
        spent = entry["timings_s"]
        figures = entry.get("figures", {})
        rows.append(
            [
                Markup(f'<a href="#{escape(entry["name"])}">{escape(entry["name"])}</a>'),
                entry.get("sequence", {}).get("duration_s", float("nan")),
                verdict_word(entry.get("verdict", {}).get("allowed", False)),
                *(
                    float(spent.get(stage, float("nan")))
                    for stage in ("plan", "check", "scan", "reconstruct", "quantify", "deliver")
                ),
                float(sum(spent.values())),
                float(figures.get("error_in_brain", float("nan"))),
            ]
        )
    head = (
        "series",
        "scan time (s)",
        "limits",
        "plan (s)",
        "check (s)",
        "scan (s)",
        "reconstruct (s)",
        "quantify (s)",
        "deliver (s)",
        "all (s)",
    )
    return "<h2>At a glance</h2>" + table((*head, "image error in the brain"), rows) + _regions(exam)


def _regions(exam: clinical.Exam) -> str:
    rows = []
    for result in exam.results:
        for r in result.regions:
            scale, unit = (1e3, "ms") if r.unit == "s" else (1.0, r.unit)
            values = (r.median * scale, r.spread * scale, r.stated_std * scale, r.truth * scale)
            rows.append([r.quantity, r.tissue, r.voxels, *values, unit, r.error_percent])
    if not rows:
        return ""
    head = ("quantity", "tissue", "voxels", "median", "spread", "stated std", "truth", "unit", "error (%)")
    return "<h3>Quantitative results against the truth</h3>" + table(head, rows)


def _series(result: clinical.SeriesResult, entry: dict[str, Any], quick: bool) -> str:
    parts = [f'<h2 id="{escape(result.name)}">{escape(result.name)}</h2>']
    if entry["status"] != "complete":
        parts.append(f'<p class="bad">Not complete: stopped at “{escape(entry.get("stage", ""))}”.</p>')
    parts.append(_protocol(entry, quick))
    if result.sequence is not None:
        parts.append(
            figure(sequence_figures.diagram(result.sequence), "Sequence diagram, drawn from the waveforms that are played.")
        )
        parts.append(
            figure(sequence_figures.sampling(result.sequence.encoding), "Sampling of k-space and the order of the readouts.")
        )
    if result.verdict is not None:
        rows = [(f.check, f.value, f.limit, f.unit, verdict_word(f.allowed), f.where, f.advice) for f in result.verdict.findings]
        parts.append(f"<h3>Safety verdict ({escape(result.verdict.mode)} mode)</h3>")
        parts.append(table(("check", "value", "limit", "unit", "", "where", "advice"), rows))
    if result.image is not None:
        parts.append(_pictures(result))
    if result.maps is not None:
        parts.append(_maps(result.maps, result))
    parts.append(_details(entry))
    return "".join(parts)


def _protocol(entry: dict[str, Any], quick: bool) -> str:
    played = {**entry["protocol"].get("protocol", {}), **(entry["protocol"].get("quick", {}) if quick else {})}
    rows = [(k.replace("_", " "), ", ".join(map(str, v)) if isinstance(v, list) else v) for k, v in played.items()]
    length = f"{entry['sequence']['duration_s']:.1f} s, {entry['sequence']['blocks']} blocks" if "sequence" in entry else ""
    return f"<details open><summary>protocol · {length}</summary>{table(('parameter', 'value'), rows)}</details>"


def _pictures(result: clinical.SeriesResult) -> str:
    assert result.image is not None
    image = result.image
    magnitude = principal_frame(image)
    top = float(np.percentile(magnitude, 97.0)) * 1.15  # scalp fat may saturate
    rows = [("reconstructed", magnitude, 0.0, top, "gray")]
    caption = "Reconstructed image."
    if result.truth is not None:
        expected = expected_image(result.truth, image.encoding)
        inside = expected > 0.05 * expected.max()
        expected = expected * float(np.median(magnitude[inside] / expected[inside]))
        rows += [("truth", expected, 0.0, top, "gray"), ("difference × 4", (magnitude - expected) * 4, -top, top, "RdBu_r")]
        caption = (
            "Reconstruction beside the truth: the signal equation on the true tissues with the array's shading, on the same grid "
            "and at a common scale. The difference holds noise, transmit shading and what the equation leaves out."
        )
    pictures = figure(rows_of_cuts(rows, image.grid), caption)
    if image.axes:
        pictures += figure(rows_of_cuts(_frames(image), image.grid), "Some of the frames.")
    if image.sensitivities is not None:
        pictures += figure(
            coil_images(image), "Estimated coil sensitivities (magnitude above, phase below), whitened virtual coils."
        )
    numbers = [(name.replace("_", " "), value) for name, value in (result.figures or {}).items()]
    return "<h3>Images</h3>" + pictures + (table(("figure", "value"), numbers) if numbers else "")


def _frames(image: Image) -> list[tuple[str, np.ndarray, float, float, str]]:
    chosen = np.unique(np.linspace(0, image.values.shape[0] - 1, 6).round().astype(int))
    top = float(np.percentile(np.abs(image.values), 99.5))
    rows = []
    for index in chosen:
        echo = image.echo_time_s[index] * 1e3 if image.echo_time_s is not None else float("nan")
        inversion = image.inversion_time_s[index] * 1e3 if image.inversion_time_s is not None else float("nan")
        label = f"TE {echo:.0f} ms" + (f", TI {inversion:.0f} ms" if np.isfinite(inversion) else "")
        rows.append((label, np.abs(image.values[index]), 0.0, top, "gray"))
    return rows


def _maps(maps: ParameterMaps, result: clinical.SeriesResult) -> str:
    parts = [f"<h3>Maps: {escape(maps.model)}</h3>"]
    for item in maps.maps:
        if item.name not in MAP_SCALES:
            continue
        low, high, cmap = MAP_SCALES[item.name]
        rows = [(item.name, np.nan_to_num(item.value), low, high, cmap)]
        rows.append((f"{item.name} standard deviation", np.nan_to_num(item.std), 0.0, 0.1 * high, "magma"))
        known = result.truth is not None and item.name in [m.name for m in result.truth.maps.maps]
        if known:
            true = result.truth.maps[item.name].value  # type: ignore[union-attr]
            pure = result.truth.maps.status == FitStatus.OK  # type: ignore[union-attr]
            error = np.where(pure, 100 * (item.value / true - 1), 0.0)
            rows.insert(1, (f"{item.name} truth (largest tissue)", np.nan_to_num(true), low, high, cmap))
            rows.append((f"{item.name} error (pure voxels)", np.nan_to_num(error), -10.0, 10.0, "RdBu_r"))
        parts.append(
            figure(
                rows_of_cuts(rows, maps.grid, unit=item.unit),
                f"{item.name} in {item.unit}" + (" beside the truth." if known else "."),
            )
        )
    return "".join(parts)


def _details(entry: dict[str, Any]) -> str:
    files = [(name, Markup(f"<code>{escape(item.get('sha256', ''))}</code>")) for name, item in entry["files"].items()]
    numbers = [(stage, float(seconds)) for stage, seconds in entry["timings_s"].items()]
    made = [(key, str(value)) for key, value in entry.get("reconstruction", {}).items()]
    inner = table(("stage", "seconds"), numbers) + table(("reconstruction", ""), made) + table(("file", "SHA-256"), files)
    return f"<details><summary>timings, reconstruction and fingerprints</summary>{inner}</details>"


def _inputs(record: dict[str, Any]) -> str:
    rows = [(name, Markup(f"<code>{escape(str(value))}</code>")) for name, value in record["inputs"].items()]
    rows += [(f"protocol {e['name']}", Markup(f"<code>{e['protocol_sha256']}</code>")) for e in record["series"]]
    return "<h2>Inputs</h2>" + table(("input", "SHA-256"), rows)
