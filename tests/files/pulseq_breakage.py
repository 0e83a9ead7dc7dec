"""Ways in which a Pulseq file gets broken, each a pure function of its text and a random generator."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

Break = Callable[[str, np.random.Generator], str]
_HUGE = (
    "nan",
    "NaN",
    "inf",
    "-inf",
    "1e308",
    "-1e308",
    "99999999999999999999",
    "-1",
    "0",
    "2147483648",
    "1e-300",
    "0.5",
    "abc",
    "",
)
_ODD = ("\x00", "\x0b", "\u00a0", "\ufffd", "[", "]", "#", "extension", "shape_id", "_", "1-2", "\t")


def truncate(text: str, rng: np.random.Generator) -> str:
    return text[: rng.integers(0, len(text))]


def no_last_line_end(text: str, rng: np.random.Generator) -> str:
    return text.rstrip("\n")


def replace_number(text: str, rng: np.random.Generator) -> str:
    numbers = list(re.finditer(r"(?<=[\s])-?\d[^\s]*", text))
    if not numbers:
        return text
    found = numbers[rng.integers(len(numbers))]
    return text[: found.start()] + str(rng.choice(_HUGE)) + text[found.end() :]


def replace_many(text: str, rng: np.random.Generator) -> str:
    for _ in range(5):
        text = replace_number(text, rng)
    return text


def replace_event_number(text: str, rng: np.random.Generator) -> str:
    """One number outside the blocks and shapes, where most of a file's meaning is."""
    lines = text.split("\n")
    blocks = next((i for i, line in enumerate(lines) if line.startswith("[BLOCKS]")), 0)
    after = next((i for i in range(blocks, len(lines)) if not lines[i].strip()), 0)
    shapes = next((i for i, line in enumerate(lines) if line.startswith("[SHAPES]")), len(lines))
    if shapes - after < 2:
        return replace_number(text, rng)
    at = int(rng.integers(after, shapes))
    words = lines[at].split()
    if words:
        words[rng.integers(len(words))] = str(rng.choice(_HUGE))
    lines[at] = " ".join(words)
    return "\n".join(lines)


def duplicate_line(text: str, rng: np.random.Generator) -> str:
    lines = text.split("\n")
    at = int(rng.integers(len(lines)))
    return "\n".join([*lines[: at + 1], *lines[at:]])


def delete_line(text: str, rng: np.random.Generator) -> str:
    lines = text.split("\n")
    del lines[rng.integers(len(lines))]
    return "\n".join(lines)


def swap_lines(text: str, rng: np.random.Generator) -> str:
    lines = text.split("\n")
    for _ in range(3):
        a, b = rng.integers(0, len(lines), 2)
        lines[a], lines[b] = lines[b], lines[a]
    return "\n".join(lines)


def _sections(text: str) -> list[str]:
    return re.split(r"(?m)^(?=\[|extension )", text)


def delete_section(text: str, rng: np.random.Generator) -> str:
    parts = _sections(text)
    del parts[rng.integers(len(parts))]
    return "".join(parts)


def shuffle_sections(text: str, rng: np.random.Generator) -> str:
    parts = [part if part.endswith("\n") else part + "\n" for part in _sections(text)]
    return "".join(parts[i] for i in rng.permutation(len(parts)))


def duplicate_section(text: str, rng: np.random.Generator) -> str:
    parts = _sections(text)
    at = int(rng.integers(len(parts)))
    return "".join([*parts[: at + 1], *parts[at:]])


def windows_line_ends(text: str, rng: np.random.Generator) -> str:
    return text.replace("\n", "\r\n")


def tabs(text: str, rng: np.random.Generator) -> str:
    return text.replace(" ", "\t")


def comments(text: str, rng: np.random.Generator) -> str:
    lines = text.split("\n")
    for _ in range(5):
        lines.insert(int(rng.integers(len(lines))), "# said in passing")
    return "\n".join(lines)


def odd_character(text: str, rng: np.random.Generator) -> str:
    at = int(rng.integers(len(text)))
    return text[:at] + str(rng.choice(_ODD)) + text[at:]


def drop_bytes(text: str, rng: np.random.Generator) -> str:
    first = int(rng.integers(len(text)))
    return text[:first] + text[first + int(rng.integers(1, 400)) :]


def other_version(text: str, rng: np.random.Generator) -> str:
    return re.sub(r"minor \d", f"minor {rng.integers(0, 8)}", text)


def huge_shape(text: str, rng: np.random.Generator) -> str:
    return re.sub(r"num_samples \d+", f"num_samples {10 ** int(rng.integers(0, 19))}", text, count=int(rng.integers(1, 4)))


def endless_list(text: str, rng: np.random.Generator) -> str:
    return re.sub(r"(?m)^(\d+ \d+ \d+) 0$", r"\1 1", text)


HARMLESS: tuple[Break, ...] = (no_last_line_end, windows_line_ends, tabs, comments)
BREAKS: tuple[Break, ...] = (
    *(truncate, replace_number, replace_many, replace_event_number, duplicate_line, delete_line, swap_lines, delete_section),
    *(shuffle_sections, duplicate_section, odd_character, drop_bytes, other_version, huge_shape, endless_list),
)
