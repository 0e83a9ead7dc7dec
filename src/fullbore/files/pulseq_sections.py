"""Pulseq text, versions 1.2 to 1.5, to tables: what each section says, checked for itself but not yet put together.

Source: Pulseq file specification 1.2 to 1.5.1 (pulseq.github.io).
"""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass, field

import numpy as np

from fullbore.errors import FormatError
from fullbore.files.pulseq_digits import words_per_row
from fullbore.files.pulseq_shapes import decompressed
from fullbore.files.pulseq_text import (
    LARGEST_ID,
    Section,
    Table,
    numbers,
    numeric_table,
    parsed_number,
    ragged_rows,
    sections,
    without_comments,
    worded_table,
)

Version = tuple[int, int, int]

RASTER_DEFAULTS_S = {
    "AdcRasterTime": 1e-7,
    "BlockDurationRaster": 1e-5,
    "GradientRasterTime": 1e-5,
    "RadiofrequencyRasterTime": 1e-6,
}
LARGEST_SHAPE = 2**22
KNOWN_EXTENSIONS = ("LABELSET", "LABELINC", "TRIGGERS", "ROTATIONS", "RF_SHIMS", "DELAYS")
_EXTENSION_WIDTHS = {"LABELSET": 3, "LABELINC": 3, "DELAYS": 5, "TRIGGERS": 5, "ROTATIONS": 5}
_WORDED = ("LABELSET", "LABELINC", "DELAYS")
_SECTIONS = ("VERSION", "DEFINITIONS", "BLOCKS", "RF", "GRADIENTS", "TRAP", "ADC", "DELAYS", "EXTENSIONS", "SHAPES", "SIGNATURE")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PulseqFile:
    """A file as it stands.

    tables: [BLOCKS], [RF] and the others by name without brackets; an absent section is not there.
    shapes: id -> (declared samples, stored numbers, section, line index). extensions: type number -> name.
    extension_tables: name -> rows. shims: id -> complex weights (channel,). notes: what was passed over.
    """

    who: str
    version: Version
    definitions: dict[str, str]
    tables: dict[str, Table]
    shapes: dict[int, tuple[int, np.ndarray, Section, int]]
    extensions: dict[int, str]
    extension_tables: dict[str, Table]
    shims: dict[int, np.ndarray]
    notes: tuple[str, ...]
    _unpacked: dict[int, np.ndarray] = field(default_factory=dict)

    def raster_s(self, name: str) -> float:
        """One of the rasters, from the definitions or by default."""
        text = self.definitions.get(name)
        if text is None:
            return RASTER_DEFAULTS_S[name]
        value = number_in(text)
        if not 1e-10 <= value <= 1.0:
            raise FormatError(f"{self.who}, [DEFINITIONS]: got {name} {text!r}, wanted a time from 1e-10 to 1 s. Correct it.")
        return value

    def shape(self, shape_id: int, table: Table, row: int) -> np.ndarray:
        """The samples of a shape that a row refers to, (sample,)."""
        if shape_id in self._unpacked:
            return self._unpacked[shape_id]
        if shape_id not in self.shapes:
            raise table.error(row, f"shape {shape_id}", "a shape of [SHAPES]", "Add the shape.")
        count, stored, section, index = self.shapes[shape_id]
        samples = decompressed(stored, count, allow_plain=self.version >= (1, 4, 0))
        if samples is None:
            raise section.error(index, f"{len(stored)} numbers that do not unpack", f"{count} samples")
        self._unpacked[shape_id] = samples
        return samples


def number_in(text: str) -> float:
    """The number that a definition holds, NaN when it holds none or several."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def parse_pulseq(text: str, who: str) -> PulseqFile:
    """The tables of a file.

    Errors: FormatError, with section and line, for anything that is not Pulseq 1.2 to 1.5.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    found = _by_title(sections(text, who), who)
    version = _version(found, who)
    definitions = _definitions(found)
    tables: dict[str, Table] = {}
    for name in ("BLOCKS", "RF", "GRADIENTS", "TRAP", "ADC", "DELAYS", "EXTENSIONS"):
        if name in found:
            tables[name] = _event_table(found[name], name, version)
    if "BLOCKS" not in tables or not len(tables["BLOCKS"].ids):
        raise FormatError(f"{who}: got no blocks, wanted a [BLOCKS] section with at least one. Is the file whole?")
    extensions, notes = _extension_types(found, definitions, who)
    return PulseqFile(
        who=who,
        version=version,
        definitions=definitions,
        tables=tables,
        shapes=_shapes(found["SHAPES"]) if "SHAPES" in found else {},
        extensions=extensions,
        extension_tables=_extension_tables(found),
        shims=_shims(found["extension RF_SHIMS"]) if "extension RF_SHIMS" in found else {},
        notes=(*notes, *_signature_notes(text, found)),
    )


def _by_title(found: list[Section], who: str) -> dict[str, Section]:
    """Sections by title without brackets; each may come once."""
    result: dict[str, Section] = {}
    for section in found:
        name = section.title.strip("[] \t").upper() if section.title.startswith("[") else section.title
        if section.title.startswith("[") and name not in _SECTIONS:
            raise section.error(0, section.title[:40], "one of " + ", ".join(_SECTIONS), "Remove the section.")
        if name in result:
            raise section.error(0, "the section again", "each section once", "Join the two.")
        result[name] = section
    return result


def _version(found: dict[str, Section], who: str) -> Version:
    """(major, minor, revision); a revision like 1post2 counts as 1."""
    if "VERSION" not in found:
        raise FormatError(f"{who}: got no [VERSION] section, wanted one before the others. Give a whole Pulseq file.")
    parts: dict[str, int] = {}
    for index, line in found["VERSION"].lines():
        match = re.fullmatch(r"(major|minor|revision)\s+(\d{1,6})(?!\d)\S*", line)
        if match is None:
            raise found["VERSION"].error(index, repr(line[:40]), "major, minor or revision and a number")
        parts[match[1]] = int(match[2])
    for name in ("major", "minor"):
        if name not in parts:
            raise found["VERSION"].error(0, f"no {name} version", "major, minor and revision", "Give a whole Pulseq file.")
    version = (parts["major"], parts["minor"], parts.get("revision", 0))
    if version[0] != 1 or not 2 <= version[1] <= 5:
        got = ".".join(map(str, version))
        raise found["VERSION"].error(0, f"version {got}", "1.2.0 to 1.5.x", "Write the file in one of these versions.")
    return version


def _definitions(found: dict[str, Section]) -> dict[str, str]:
    """Key to text; of a key that comes twice the last one counts."""
    if "DEFINITIONS" not in found:
        return {}
    pairs = (line.split(None, 1) for _, line in found["DEFINITIONS"].lines())
    return {pair[0]: pair[1].strip() if len(pair) > 1 else "" for pair in pairs}


def _event_table(section: Section, name: str, version: Version) -> Table:
    """The rows of one of the fixed sections."""
    late = version >= (1, 5, 0)
    if name == "RF" and late:
        return worded_table(section, 12)
    if name == "DELAYS" and version >= (1, 4, 0):
        raise section.error(0, "a [DELAYS] section", "durations in [BLOCKS], as since version 1.4", "Remove the section.")
    widths = {
        "BLOCKS": (8,) if version >= (1, 4, 0) else (7, 8),
        "RF": (8,) if version >= (1, 4, 0) else (7,),
        "GRADIENTS": (7,) if late else (5,) if version >= (1, 4, 0) else (4,),
        "TRAP": (6,),
        "ADC": (9,) if late else (6,),
        "DELAYS": (2,),
        "EXTENSIONS": (4,),
    }
    return numeric_table(section, widths[name])


def _extension_types(found: dict[str, Section], definitions: dict[str, str], who: str) -> tuple[dict[int, str], list[str]]:
    """Type number to extension name, and a note on those that are not known.

    Errors: FormatError when the file requires an unknown one, or two extensions have one number.
    """
    types: dict[int, str] = {}
    for section in found.values():
        if section.title.startswith("extension "):
            number = parsed_number(section, 0, section.number) if section.number else -1.0
            if number != round(number) or not 0 <= number <= LARGEST_ID or int(number) in types:
                raise section.error(0, f"the type number {section.number!r}", "a whole number of its own")
            types[int(number)] = section.title.split()[1]
    unknown = sorted(set(types.values()) - set(KNOWN_EXTENSIONS))
    required = set(definitions.get("RequiredExtensions", "").split())
    missing = sorted(required - set(KNOWN_EXTENSIONS))
    if missing:
        known = ", ".join(KNOWN_EXTENSIONS)
        raise FormatError(
            f"{who}, [DEFINITIONS]: got the required extension {', '.join(missing)[:80]}, wanted some of {known}. "
            "Write the sequence without it."
        )
    return types, [f"extension {name} passed over" for name in unknown]


def _extension_tables(found: dict[str, Section]) -> dict[str, Table]:
    """Rows of the extensions of fixed width."""
    tables = {}
    for name, width in _EXTENSION_WIDTHS.items():
        section = found.get(f"extension {name}")
        if section is not None:
            tables[name] = worded_table(section, width) if name in _WORDED else numeric_table(section, (width,))
    return tables


def _shims(section: Section) -> dict[int, np.ndarray]:
    """Complex weights by id: channels, then magnitude and phase (rad) of each."""
    shims: dict[int, np.ndarray] = {}
    for index, number, values in ragged_rows(section):
        if number in shims:
            raise section.error(index, f"the id {number} again", "each id once")
        if not len(values) or len(values) < 3 or values[0] * 2 + 1 != len(values):
            raise section.error(index, f"{len(values)} numbers", "the number of channels, then two for each")
        shims[number] = values[1::2] * np.exp(1j * values[2::2])
    return shims


_SHAPE_LINE = re.compile(r"^[ \t]*shape_id[ \t]+(\S+)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_COUNT_LINE = re.compile(r"\s*(?:#[^\n]*\n\s*)*(?:num_samples|num_uncompressed)[ \t]+(\S+)[ \t]*(?:\n|$)", re.IGNORECASE)


def _shapes(section: Section) -> dict[int, tuple[int, np.ndarray, Section, int]]:
    """Declared samples and stored numbers of each shape."""
    marks = list(_SHAPE_LINE.finditer(section.body))
    head = section.body[: marks[0].start()] if marks else section.body
    stray = next((item for item in enumerate(head.split("\n")) if item[1].strip() and not item[1].strip().startswith("#")), None)
    if stray is not None:
        raise section.error(stray[0], repr(stray[1].strip()[:40]), "shape_id and a number")
    result: dict[int, tuple[int, np.ndarray, Section, int]] = {}
    line, counted = 0, 0
    for mark, end in zip(marks, [*(mark.start() for mark in marks[1:]), len(section.body)], strict=False):
        line += section.body.count("\n", counted, mark.start())
        counted = mark.start()
        shape_id = parsed_number(section, line, mark[1])
        if shape_id != round(shape_id) or not 0 < shape_id <= LARGEST_ID or int(shape_id) in result:
            raise section.error(line, f"shape_id {mark[1][:20]}", "a whole number of its own, at least 1")
        result[int(shape_id)] = _shape(section, section.body[mark.end() : end], line)
    return result


def _shape(section: Section, body: str, line: int) -> tuple[int, np.ndarray, Section, int]:
    """One shape: the number of its samples and what is stored of them."""
    count_line = _COUNT_LINE.match(body)
    if count_line is None:
        raise section.error(line + 1, "no num_samples", "num_samples and a number after shape_id")
    count = parsed_number(section, line + 1, count_line[1])
    if count != round(count) or not 1 <= count <= LARGEST_SHAPE:
        raise section.error(line + 1, f"num_samples {count_line[1][:20]}", f"a whole number from 1 to {LARGEST_SHAPE}")
    first = line + body.count("\n", 0, count_line.end())
    rest = Section(who=section.who, title=section.title, number="", line=section.line + first, body=body[count_line.end() :])
    return int(count), _column(rest), section, line


def _column(section: Section) -> np.ndarray:
    """Numbers, one a line, (n,)."""
    body = without_comments(section.body)
    lines, counts = words_per_row(np.frombuffer(body.encode("utf-8"), dtype=np.uint8))
    return numbers(section, body, np.repeat(lines, counts))


def _signature_notes(text: str, found: dict[str, Section]) -> list[str]:
    """A note when the md5 does not fit; files are edited by hand, so it is no error."""
    if "SIGNATURE" not in found:
        return []
    words = dict(line.split(None, 1) for _, line in found["SIGNATURE"].lines() if len(line.split(None, 1)) == 2)
    if words.get("Type", "").strip().lower() != "md5":
        return []
    # The line end before the title belongs to the signature; writers differ in whether they keep it.
    before = text[: found["SIGNATURE"].begin]
    kept = before.rstrip("\n")
    short = kept + "\n" * max(len(before) - len(kept) - 2, 0)
    digest = hashlib.md5(short.encode(), usedforsecurity=False)
    digests = {digest.hexdigest()}
    for _ in range(len(before) - len(short)):
        digest.update(b"\n")
        digests.add(digest.hexdigest())
    return [] if words.get("Hash", "").strip().lower() in digests else ["the md5 signature does not fit the text"]
