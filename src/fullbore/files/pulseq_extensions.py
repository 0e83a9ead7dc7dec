"""Pulseq's extension lists: which labels, triggers, shims, rotations and soft delays each block carries.

Source: Pulseq file specification 1.5.1, section on extensions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data import SoftDelay, Trigger
from fullbore.errors import FormatError
from fullbore.files.pulseq_sections import KNOWN_EXTENSIONS, PulseqFile
from fullbore.files.pulseq_text import Table

LONGEST_LIST = 256
_LARGEST_TOTAL = 2_000_000
_LARGEST_WALK = 1_000_000
_NOUNS = ("TRIGGERS", "DELAYS")
_MOST_NOUNS = 300_000
"""Entries of those extensions whose every entry becomes an object."""
_MOST_LABELS = 1000
"""Different names of labels in a file."""
_LARGEST_LABEL = 2.0**31 - 1
_KINDS = {1: "output", 2: "trigger"}
_US = 1e6  # dividing by it gives the float nearest to the time in s


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Items:
    """What the lists hold, by rising block and in the order of each list. block, row, place in its list: (item,)."""

    block: np.ndarray
    row: np.ndarray
    place: np.ndarray


def extension_items(file: PulseqFile, blocks: Table) -> dict[str, Items]:
    """Items by the name of their extension.

    Errors: FormatError for a list that is missing, endless or too long, or an item that refers to nothing.
    """
    if blocks.values.shape[1] < 7:
        return {}
    heads = blocks.whole(6, "extension list")
    at = np.flatnonzero(heads)
    unique, which = np.unique(heads[at], return_inverse=True)
    table = file.tables.get("EXTENSIONS")
    if len(unique) and table is None:
        raise blocks.error(int(at[0]), f"the extension list {heads[at[0]]}", "an [EXTENSIONS] section", "Add the section.")
    if table is None:
        return {}
    entries = _entries(table)
    chains: list[list[tuple[int, int]]] = []
    walked = 0
    for number, head in enumerate(unique.tolist()):
        block_row = int(at[np.argmax(which == number)]) if head not in entries else 0
        if head not in entries:
            raise blocks.error(block_row, f"the extension list {head}", "a list of [EXTENSIONS]", "Add the list.")
        chains.append(_chain(table, entries, head))
        walked += len(chains[-1])
        if walked > _LARGEST_WALK:
            raise blocks.error(int(at[0]), f"extension lists of {walked} entries in all", f"at most {_LARGEST_WALK}", "Split it.")
    result = {}
    for type_number, name in file.extensions.items():
        own = [[(place, ref) for place, (kind, ref) in enumerate(chain) if kind == type_number] for chain in chains]
        result[name] = _of_type(file, table, name, own, which, at)
    for chain in chains:
        for kind, _ in chain:
            if kind not in file.extensions:
                raise table.section.error(0, f"an entry of type {kind}", "a type that an 'extension' section names")
    return result


def _entries(table: Table) -> dict[int, tuple[int, int, int, int]]:
    """id -> (type, reference, next id, row)."""
    kinds, refs, following = (table.whole(column, name).tolist() for column, name in enumerate(("type", "reference", "next id")))
    rows = range(len(kinds))
    return {n: entry for n, entry in zip(table.ids.tolist(), zip(kinds, refs, following, rows, strict=True), strict=True)}


def _chain(table: Table, entries: dict[int, tuple[int, int, int, int]], head: int) -> list[tuple[int, int]]:
    """(type, reference) of a list from its head on."""
    found: list[tuple[int, int]] = []
    row = entries[head][3]
    while head:
        if head not in entries:
            raise table.error(row, f"next id {head}", "an id of [EXTENSIONS] or 0")
        kind, ref, head, row = entries[head]
        found.append((kind, ref))
        if len(found) > LONGEST_LIST:
            raise table.error(row, f"a list that goes on after {LONGEST_LIST} entries", "an end, next id 0", "Break the circle.")
    return found


def _of_type(
    file: PulseqFile, table: Table, name: str, chains: list[list[tuple[int, int]]], which: np.ndarray, at: np.ndarray
) -> Items:
    """Blocks and rows of one extension."""
    counts = np.array([len(chain) for chain in chains], dtype=np.int64)
    repeats = counts[which]
    total = int(repeats.sum())
    most = _MOST_NOUNS if name in _NOUNS else _LARGEST_TOTAL
    if total > most:
        raise FormatError(f"{file.who}, [EXTENSIONS]: got {total} entries of {name} in all, wanted at most {most}. Split it.")
    flat = np.array([item for chain in chains for item in chain], dtype=np.int64).reshape(-1, 2)
    begin = np.concatenate([[0], np.cumsum(counts)])[:-1][which]
    within = np.arange(total) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    place, refs = flat[np.repeat(begin, repeats) + within].T
    return Items(block=np.repeat(at, repeats), row=_rows(file, table, name, refs), place=place)


def _rows(file: PulseqFile, table: Table, name: str, refs: np.ndarray) -> np.ndarray:
    """Row of the extension's own table for each reference; for RF_SHIMS the id itself."""
    if name not in KNOWN_EXTENSIONS:
        return refs
    own = file.extension_tables.get(name)
    ids = np.array(sorted(file.shims), dtype=np.int64) if name == "RF_SHIMS" else own.ids if own is not None else refs[:0]
    missing = np.setdiff1d(refs, ids)
    if len(missing):
        raise table.section.error(0, f"a reference to {name} {missing[0]}", "one that the extension's section has", "Add it.")
    if name == "RF_SHIMS":
        return refs
    order = np.argsort(ids)
    return np.asarray(order[np.searchsorted(ids[order], refs)])


def labels_at(file: PulseqFile, items: dict[str, Items], blocks: np.ndarray) -> dict[str, np.ndarray]:
    """Value of every label that the file uses, at these rising blocks, int32 (len(blocks),) each.

    Within a block a list is played from its end to its head, as its writers chain it.
    Errors: FormatError for a value beyond 32 bits.
    """
    parts = []
    for operation, name in enumerate(("LABELSET", "LABELINC")):
        if name in items and len(items[name].block):
            own = file.extension_tables[name]
            words, code = np.unique(np.array(own.texts), return_inverse=True)
            if len(words) > _MOST_LABELS:
                raise own.section.error(0, f"{len(words)} different labels", f"at most {_MOST_LABELS}")
            values = _label_values(own)
            parts.append((operation, items[name], values[items[name].row], words[code.reshape(-1)[items[name].row]]))
    if not parts:
        return {}
    return _evaluate(file, parts, blocks)


def _label_values(table: Table) -> np.ndarray:
    """Values of LABELSET or LABELINC, whole numbers of 32 bits, (row,)."""
    values = table.within(0, "value", -_LARGEST_LABEL, _LARGEST_LABEL)
    broken = np.flatnonzero(values != np.round(values))
    if len(broken):
        raise table.error(int(broken[0]), f"value {values[broken[0]]:g}", "a whole number")
    return values


def _evaluate(
    file: PulseqFile, parts: list[tuple[int, Items, np.ndarray, np.ndarray]], blocks: np.ndarray
) -> dict[str, np.ndarray]:
    block = np.concatenate([items.block for _, items, _, _ in parts])
    place = np.concatenate([items.place for _, items, _, _ in parts])
    increment = np.concatenate([np.full(len(items.block), bool(operation)) for operation, items, _, _ in parts])
    value = np.concatenate([values for _, _, values, _ in parts])
    word = np.concatenate([words for _, _, _, words in parts])
    result = {}
    for name in np.unique(word).tolist():
        of = word == name
        last, running = _course_of_label(block[of], place[of], increment[of], value[of])
        if np.abs(running).max(initial=0) > _LARGEST_LABEL:
            raise FormatError(f"{file.who}, label {name}: got {np.abs(running).max():g}, wanted 32 bits. Reset the label.")
        at = np.searchsorted(last, blocks, side="right") - 1
        result[name] = np.where(at >= 0, running[np.maximum(at, 0)], 0).astype(np.int32)
    return result


def _course_of_label(
    block: np.ndarray, place: np.ndarray, increment: np.ndarray, value: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Blocks of a label's operations in playing order, and its value after each."""
    order = np.lexsort((-place, block))
    block, increment, value = block[order], increment[order], value[order]
    total = np.cumsum(np.where(increment, value, 0.0))
    number = np.where(increment, -1, np.arange(len(block)))
    latest = np.maximum.accumulate(number)
    base = np.where(latest >= 0, value[latest] - total[latest], 0.0)
    return block, base + total


def triggers(file: PulseqFile, items: dict[str, Items]) -> tuple[Trigger, ...]:
    """By rising block."""
    found = items.get("TRIGGERS")
    if found is None or not len(found.block):
        return ()
    table = file.extension_tables["TRIGGERS"]
    kind, channel = table.whole(0, "kind").tolist(), table.whole(1, "channel").tolist()
    delay, duration = (table.within(column, name, 0.0, 1e12).tolist() for column, name in ((2, "delay"), (3, "duration")))
    return tuple(
        Trigger(
            block=block,
            kind=_KINDS.get(kind[row], str(kind[row])),
            channel=channel[row],
            delay_s=delay[row] / _US,
            duration_s=duration[row] / _US,
        )
        for block, row in zip(found.block.tolist(), found.row.tolist(), strict=True)
    )


def soft_delays(file: PulseqFile, items: dict[str, Items]) -> tuple[SoftDelay, ...]:
    """By rising block."""
    found = items.get("DELAYS")
    if found is None or not len(found.block):
        return ()
    table = file.extension_tables["DELAYS"]
    number = table.whole(0, "number").tolist()
    offset = table.within(1, "offset", -1e12, 1e12).tolist()
    factor = table.values[:, 2].tolist()
    zero = np.flatnonzero(table.values[:, 2] == 0)
    if len(zero):
        raise table.error(int(zero[0]), "the factor 0", "any other")
    return tuple(
        SoftDelay(block=block, number=number[row], hint=table.texts[row], offset_s=offset[row] / _US, factor=factor[row])
        for block, row in zip(found.block.tolist(), found.row.tolist(), strict=True)
    )


def one_per_block(items: dict[str, Items], name: str, blocks: int) -> np.ndarray:
    """The row (or shim id) of each block's first item of an extension that a block carries once, (block,), -1 for none."""
    result = np.full(blocks, -1, dtype=np.int64)
    found = items.get(name)
    if found is not None:
        result[found.block[::-1]] = found.row[::-1]
    return result
