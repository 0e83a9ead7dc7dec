"""A Pulseq file as text: its sections, and their lines as tables of numbers, each complaint with section and line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from fullbore.errors import FormatError
from fullbore.files.pulseq_digits import parsed, words_per_row

LARGEST_ID = 2**31 - 1
_HEADER = re.compile(r"^[ \t]*(?:(\[[^\]\n]*\])|(extension)[ \t]+(\S+)(?:[ \t]+(\S+))?)[ \t]*(?:#[^\n]*)?$", re.MULTILINE)
_COMMENT = re.compile(r"#[^\n]*")
_SHOWN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """who: the file. title: "[RF]" or "extension LABELSET". number: an extension's own id as text. line: of the title.
    begin: its place in the file's text."""

    who: str
    title: str
    number: str
    line: int
    body: str
    begin: int = 0

    def error(self, index: int, got: str, wanted: str, do: str = "Write the file again.") -> FormatError:
        """The complaint about the line `index` of the body (0 is the rest of the title's own line)."""
        return FormatError(f"{self.who}, {self.title}, line {self.line + index}: got {got}, wanted {wanted}. {do}")

    def lines(self) -> Iterator[tuple[int, str]]:
        """(index, text) of each line that says something."""
        for index, line in enumerate(self.body.split("\n")):
            text = line.strip()
            if text and not text.startswith("#"):
                yield index, text


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """Rows of a section. ids: int64 (row,). values: float64 (row, column), all finite. texts: (row,), the last column where
    it is a word. index: line of each row within the section."""

    section: Section
    ids: np.ndarray
    values: np.ndarray
    texts: tuple[str, ...]
    index: np.ndarray

    def error(self, row: int, got: str, wanted: str, do: str = "Write the file again.") -> FormatError:
        """The complaint about one row."""
        return self.section.error(int(self.index[row]), got, wanted, do)

    def whole(self, column: int, name: str, smallest: int = 0) -> np.ndarray:
        """A column of whole numbers from `smallest` to LARGEST_ID, int64 (row,)."""
        found = self.values[:, column]
        bad = np.flatnonzero((found != np.round(found)) | (found < smallest) | (found > LARGEST_ID))
        if len(bad):
            raise self.error(int(bad[0]), f"{name} {found[bad[0]]:g}", f"a whole number from {smallest} to {LARGEST_ID}")
        return found.astype(np.int64)

    def within(self, column: int, name: str, low: float, high: float) -> np.ndarray:
        """A column whose values lie in [low, high], (row,)."""
        found = self.values[:, column]
        bad = np.flatnonzero(~((found >= low) & (found <= high)))
        if len(bad):
            raise self.error(int(bad[0]), f"{name} {found[bad[0]]:g}", f"{low:g} to {high:g}")
        return found


def sections(text: str, who: str) -> list[Section]:
    """The file's sections in order, without what stands before the first.

    Errors: FormatError when a title is not one, or there is none.
    """
    found = list(_titles(text))
    if not found:
        raise FormatError(f"{who}: got no section like [VERSION], wanted a Pulseq text file. Give a .seq file.")
    starts = [match.end() for match in found]
    ends = [match.start() for match in found[1:]] + [len(text)]
    result, line, counted = [], 1, 0
    for match, start, end in zip(found, starts, ends, strict=True):
        line += text.count("\n", counted, start)
        counted = start
        title, body = match[1] or f"extension {match[3]}", text[start:end]
        result.append(Section(who=who, title=title, number=match[4] or "", line=line, body=body, begin=match.start()))
    return result


def _titles(text: str) -> Iterator[re.Match[str]]:
    """Lines that are titles, looked for where their first characters are: most lines are numbers."""
    first = {"[": text.find("["), "extension": text.find("extension")}
    after = 0
    while (at := min((place for place in first.values() if place >= 0), default=-1)) >= 0:
        begin = text.rfind("\n", after, at) + 1 or after
        if match := _HEADER.match(text, begin):
            yield match
        end = text.find("\n", at)
        after = len(text) if end < 0 else end
        first = {mark: text.find(mark, after) if 0 <= place < after else place for mark, place in first.items()}


def numeric_table(section: Section, widths: tuple[int, ...]) -> Table:
    """A section of numbers only, one row a line, the id first; every row has one of `widths` columns, all rows the same.

    Errors: FormatError for another width, a word, NaN or infinity, an id that is not whole and positive or comes twice.
    """
    body = without_comments(section.body)
    index, counts = words_per_row(_bytes(body))
    width = int(counts[0]) if len(index) else widths[0]
    wrong = np.flatnonzero((counts != width) | (width not in widths))
    if len(wrong):
        wanted = " or ".join(map(str, widths if width not in widths else (width,)))
        raise section.error(int(index[wrong[0]]), f"{counts[wrong[0]]} columns", wanted)
    values = numbers(section, body, index).reshape(len(index), width)
    return _checked(section, values, (), index)


def worded_table(section: Section, width: int) -> Table:
    """The same for rows of `width` columns whose last one is a word."""
    rows = [(at, line.split("#", 1)[0].split()) for at, line in section.lines()]
    for at, words in rows:
        if len(words) != width:
            raise section.error(at, f"{len(words)} columns", str(width))
    flat = " ".join(word for _, words in rows for word in words[:-1])
    index = np.array([at for at, _ in rows], dtype=np.int64)
    values = numbers(section, flat, index).reshape(len(rows), width - 1)
    return _checked(section, values, tuple(words[-1] for _, words in rows), index)


def ragged_rows(section: Section) -> Iterator[tuple[int, int, np.ndarray]]:
    """(line index, id, numbers) of rows that differ in length."""
    for index, line in section.lines():
        values = numbers(section, line.split("#", 1)[0], np.array([index]))
        row = _checked(section, values[None, :], (), np.array([index]))
        yield index, int(row.ids[0]), row.values[0]


def without_comments(body: str) -> str:
    """The text, each comment gone up to its line's end."""
    return _COMMENT.sub("", body) if "#" in body else body


def _bytes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-8"), dtype=np.uint8)


def numbers(section: Section, text: str, index: np.ndarray) -> np.ndarray:
    """All numbers of a text, float64, finite; `index` names the lines over which they are spread evenly, for the complaint."""
    raw = _bytes(text)
    values, hard = parsed(raw, int(words_per_row(raw)[1].sum()))
    for word, begin, end in hard.tolist():
        written = raw[begin:end].tobytes().decode("utf-8", "replace")
        if not _is_finite(written):
            at = int(index[word * len(index) // len(values)]) if len(index) else 0
            raise section.error(at, repr(written[:_SHOWN]), "a finite number")
        values[word] = float(written)
    return values


def _is_finite(word: str) -> bool:
    try:
        return word.isascii() and "_" not in word and bool(np.isfinite(float(word)))
    except ValueError:
        return False


def _checked(section: Section, values: np.ndarray, texts: tuple[str, ...], index: np.ndarray) -> Table:
    """The table, its first column taken as ids."""
    whole = Table(section=section, ids=np.zeros(len(values)), values=values, texts=texts, index=index)
    ids = whole.whole(0, "id") if len(values) else np.zeros(0, dtype=np.int64)
    order = np.argsort(ids, kind="stable")
    twice = np.flatnonzero(np.diff(ids[order]) == 0)
    if len(twice):
        row = int(order[twice[0] + 1])
        raise whole.error(row, f"the id {ids[row]} again", "each id once", "Give the row an id of its own.")
    # The table stands for the text from here on.
    return Table(section=replace(section, body=""), ids=ids, values=values[:, 1:], texts=texts, index=index)


def parsed_number(section: Section, index: int, word: str) -> float:
    """One finite number."""
    found = numbers(section, word, np.array([index]))
    if len(found) != 1:
        raise section.error(index, repr(word[:_SHOWN]), "a finite number")
    return float(found[0])
