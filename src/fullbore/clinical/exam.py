"""The exam: protocol -> sequence -> verdict -> raw data -> image -> maps -> delivery, series by series.

Every stage's product is on disk before the next one starts, and `exam.json` is rewritten after each, so that whatever
happens later, nothing acquired is lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from fullbore import __version__
from fullbore.clinical.findings import RegionFigure, image_figures, map_figures
from fullbore.clinical.truth import Truth
from fullbore.data import Grid, Image, Limits, ParameterMaps, RawData, Sequence, Study, Subject, Verdict
from fullbore.errors import AcquisitionInterrupted, FullboreError
from fullbore.machinery import digest, file_digest
from fullbore.quant import default_model, fit
from fullbore.recon import default_recipe, reconstruct
from fullbore.sequence import build, parse_protocol

Progress = Callable[[str, str, float, str], None]
"""(series, stage, fraction 0..1, what is happening)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What the exam is handed: the machine and the files. `truth` may be absent (a real scanner)."""

    judge: Callable[[Sequence], Verdict]
    acquire: Callable[..., RawData]
    write_sequence: Callable[[Sequence, Path], None]
    write_raw: Callable[[RawData, Path], None]
    read_raw: Callable[[Path], RawData]
    write_image: Callable[[Image, Path, dict[str, str]], list[Path]]
    write_maps: Callable[[ParameterMaps, Path, str, dict[str, str]], list[Path]]
    write_dicom: Callable[[Study, Path], list[Path]]
    write_text: Callable[[str, Path], None]
    to_json: Callable[[Any], str]
    truth: Callable[[Grid], Truth] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamPlan:
    """All that decides an exam's outcome; the same plan gives the same bytes.

    protocols: protocol tables by series name. machine: name and fingerprint of what scans. inputs: fingerprints of other inputs.
    """

    region: str
    protocols: dict[str, dict[str, Any]]
    quick: bool
    seed: int
    subject: Subject
    started: datetime
    limits: Limits
    b0_T: float
    system: str
    machine: dict[str, Any]
    inputs: dict[str, str]

    @property
    def study_uid(self) -> str:
        """DICOM UID of the study, from the plan itself (UUID-derived, PS3.5 annex B.2)."""
        number = int(digest([self.region, self.protocols, self.quick, self.seed, self.started, self.inputs])[:32], 16)
        return f"2.25.{number}"


@dataclass(slots=True, kw_only=True, eq=False)
class SeriesResult:
    """What one series gave, as far as it came."""

    name: str
    sequence: Sequence | None = None
    verdict: Verdict | None = None
    image: Image | None = None
    maps: ParameterMaps | None = None
    truth: Truth | None = None
    regions: tuple[RegionFigure, ...] = ()
    figures: dict[str, float] | None = None


class Exam:
    """One exam in one folder. `run` may be interrupted anywhere; `record` is what exam.json holds."""

    def __init__(
        self, plan: ExamPlan, doors: Doors, folder: Path, announce: Callable[[Verdict], None] = lambda verdict: None
    ) -> None:
        """announce: called with each verdict before it gates the scan."""
        self.plan = plan
        self.doors = doors
        self.folder = folder
        self.announce = announce
        self.results: list[SeriesResult] = []
        self.study = Study(
            uid=plan.study_uid,
            subject=plan.subject,
            description=f"Fullbore {plan.region}",
            started=plan.started,
            b0_T=plan.b0_T,
            system=plan.system,
        )
        self.record: dict[str, Any] = {
            "fullbore": __version__,
            "region": plan.region,
            "quick": plan.quick,
            "seed": plan.seed,
            "started": plan.started.isoformat(),
            "subject": asdict(plan.subject),
            "system": plan.system,
            "machine": plan.machine,
            "inputs": plan.inputs,
            "study_uid": plan.study_uid,
            "status": "running",
            "series": [],
        }

    def run(self, progress: Progress) -> None:
        """Run all series; on an error or an interruption the record says where, and the exception goes on."""
        self._save()
        try:
            for name, table in self.plan.protocols.items():
                self._run_series(name, table, progress)
        except (Exception, KeyboardInterrupt) as error:
            self.record["status"] = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            self.record["error"] = str(error) if isinstance(error, (FullboreError, AcquisitionInterrupted)) else repr(error)
            self._save()
            raise
        self.record["status"] = "complete"
        self._save()

    def _run_series(self, name: str, table: dict[str, Any], progress: Progress) -> None:
        entry: dict[str, Any] = {"name": name, "status": "running", "protocol": table, "protocol_sha256": digest(table)}
        entry |= {"timings_s": {}, "files": {}}
        self.record["series"].append(entry)
        result = SeriesResult(name=name)
        self.results.append(result)
        with self._stage(entry, "plan", progress):
            result.sequence = replace(build(parse_protocol(table, quick=self.plan.quick), self.plan.limits), name=name)
            self._file(entry, "sequence", self.folder / "sequences" / f"{name}.seq", self.doors.write_sequence, result.sequence)
            entry["sequence"] = {"blocks": result.sequence.blocks, "duration_s": round(result.sequence.total_duration_s, 6)}
        with self._stage(entry, "check", progress):
            result.verdict = self.doors.judge(result.sequence)
            entry["verdict"] = {"allowed": result.verdict.allowed, **asdict(result.verdict)}
            self.announce(result.verdict)
        raw_file = self.folder / "raw" / f"{name}.h5"
        with self._stage(entry, "scan", progress) as tick:
            raw = self._acquire(entry, result, tick)
            self._file(entry, "raw", raw_file, self.doors.write_raw, self._signed(raw, entry))
            del raw
        with self._stage(entry, "reconstruct", progress) as tick:
            raw = self.doors.read_raw(raw_file)  # only what the file carries
            recipe = default_recipe(raw)
            result.image = replace(reconstruct(raw, recipe, progress=tick), name=name)
            entry["recipe"] = {"sha256": recipe.digest(), **recipe.to_dict()}
            entry["reconstruction"] = _plain(result.image.report)
            del raw
        with self._stage(entry, "quantify", progress) as tick:
            model = default_model(result.image)
            result.maps = fit(result.image, model, progress=tick) if model else None
            self._score(entry, result)
        with self._stage(entry, "deliver", progress):
            self._deliver(entry, result)
        entry["status"] = "complete"
        self._save()

    def _acquire(self, entry: dict[str, Any], result: SeriesResult, tick: Callable[[float, str], None]) -> RawData:
        """The series' raw data; what an interruption left of it goes to a file of its own."""
        try:
            return self.doors.acquire(result.sequence, result.verdict, seed=self.plan.seed, progress=tick)
        except AcquisitionInterrupted as stopped:
            part_file = self.folder / "raw" / f"{result.name}-part.h5"
            assert isinstance(stopped.acquired, RawData)
            self._file(entry, "raw_part", part_file, self.doors.write_raw, self._signed(stopped.acquired, entry))
            raise AcquisitionInterrupted(f"{stopped} They are kept in {part_file}.", stopped.acquired) from None

    def _signed(self, raw: RawData, entry: dict[str, Any]) -> RawData:
        provenance = {"exam": self.plan.study_uid, "started": self.plan.started.isoformat(), "series": entry["name"]}
        provenance |= {"protocol_sha256": entry["protocol_sha256"], "sequence_sha256": entry["files"]["sequence"]["sha256"]}
        return replace(raw, provenance={**raw.provenance, **provenance})

    def _score(self, entry: dict[str, Any], result: SeriesResult) -> None:
        if self.doors.truth is None or result.image is None:
            return
        result.truth = self.doors.truth(result.image.grid)
        result.figures = image_figures(result.image, result.truth)
        entry["figures"] = _plain(result.figures)
        if result.maps is not None:
            result.regions = tuple(map_figures(result.maps, result.truth))
            entry["regions"] = [_plain(region.as_dict()) for region in result.regions]

    def _deliver(self, entry: dict[str, Any], result: SeriesResult) -> None:
        assert result.image is not None
        report = {key: value for key, value in _plain(result.image.report).items() if key != "seconds"}  # the same every time
        image = replace(result.image, report=report)
        hashes = {"ProtocolSHA256": entry["protocol_sha256"], "RawDataSHA256": entry["files"]["raw"]["sha256"]}
        for name in ("images", "maps", "dicom"):
            (self.folder / name).mkdir(exist_ok=True)
        written = self.doors.write_image(image, self.folder / "images" / result.name, hashes)
        if result.maps is not None:
            written += self.doors.write_maps(result.maps, self.folder / "maps", result.name, hashes)
        self.study = self.study.with_series(image, result.maps, result.verdict)
        written += self.doors.write_dicom(replace(self.study, series=self.study.series[-1:]), self.folder / "dicom")
        for path in written:
            entry["files"][path.relative_to(self.folder).as_posix()] = {"sha256": file_digest(path)}

    def _file(self, entry: dict[str, Any], kind: str, path: Path, write: Callable[..., None], noun: object) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(noun, path)
        entry["files"][kind] = {"path": path.relative_to(self.folder).as_posix(), "sha256": file_digest(path)}

    @contextmanager
    def _stage(self, entry: dict[str, Any], stage: str, progress: Progress) -> Iterator[Callable[[float, str], None]]:
        began = time.perf_counter()
        entry["stage"] = stage
        progress(entry["name"], stage, 0.0, "")
        try:
            yield lambda fraction, text: progress(entry["name"], stage, fraction, text)
        finally:
            entry["timings_s"][stage] = round(time.perf_counter() - began, 3)
            self._save()
        progress(entry["name"], stage, 1.0, "")

    def _save(self) -> None:
        self.doors.write_text(self.doors.to_json(self.record), self.folder / "exam.json")


def _plain(tree: Any) -> Any:
    """NumPy scalars and arrays as JSON's own types."""
    if isinstance(tree, dict):
        return {str(key): _plain(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_plain(value) for value in tree]
    if isinstance(tree, np.ndarray):
        return _plain(tree.tolist())
    if isinstance(tree, np.generic):
        return tree.item()
    return tree
