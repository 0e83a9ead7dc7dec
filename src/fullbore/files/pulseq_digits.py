"""Pulseq's tables of numbers between bytes and arrays, at the speed of a machine's memory."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float, Int, UInt8

_SPACE, _NEWLINE, _ZERO, _POINT, _MINUS, _PLUS = 32, 10, 48, 46, 45, 43
_LONGEST = 20
# A mantissa below 2^53 and a power of ten up to 10^22 are floats themselves, so one product or quotient rounds correctly.
_POWERS = 10.0 ** np.arange(23)


def lines_of(table: Int[np.ndarray, "row column"]) -> bytes:
    """Whole numbers >= 0 as text: a line a row, a space between columns, a line end after each row."""
    table = np.ascontiguousarray(table, dtype=np.int64)
    digits = [len(str(int(column.max(initial=0)))) for column in table.T]
    room = np.empty(len(table) * (sum(digits) + len(digits)), dtype=np.uint8)
    return room[: _written(table, room)].tobytes()


@numba.njit(cache=True, nogil=True)
@no_type_check
def _written(table, out):
    """Write all rows to `out`; returns the number of bytes."""
    at = 0
    digits = np.empty(_LONGEST, dtype=np.uint8)
    for row in range(table.shape[0]):
        for column in range(table.shape[1]):
            rest, count = table[row, column], 0
            while count == 0 or rest > 0:
                digits[count] = _ZERO + rest % 10
                rest //= 10
                count += 1
            for place in range(count - 1, -1, -1):
                out[at] = digits[place]
                at += 1
            out[at] = _SPACE
            at += 1
        out[at - 1] = _NEWLINE
    return at


def words_per_row(raw: UInt8[np.ndarray, " byte"]) -> tuple[Int[np.ndarray, " row"], Int[np.ndarray, " row"]]:
    """(line number, number of words) of each line that has words; a word is what stands between bytes of at most 32."""
    rows = _counted(raw, np.empty((0, 2), dtype=np.int64))
    table = np.empty((rows, 2), dtype=np.int64)
    _counted(raw, table)
    return table[:, 0], table[:, 1]


@numba.njit(cache=True, nogil=True)
@no_type_check
def _counted(raw, table):
    """Number of lines with words; their numbers and words go to `table` when it has room."""
    rows, line, words, inside = 0, 0, 0, False
    for i in range(len(raw) + 1):
        byte = _NEWLINE if i == len(raw) else raw[i]
        if byte > _SPACE:
            words += not inside
            inside = True
            continue
        inside = False
        if byte == _NEWLINE:
            if words > 0:
                if len(table) > 0:
                    table[rows, 0], table[rows, 1] = line, words
                rows += 1
            line += 1
            words = 0
    return rows


def parsed(raw: UInt8[np.ndarray, " byte"], count: int) -> tuple[Float[np.ndarray, " {count}"], Int[np.ndarray, "hard 3"]]:
    """The numbers of a text of `count` words, correctly rounded, and the words that it left to others: (word, begin, end).

    Left are words of too many digits, NaN, infinity and what is no number; their values are NaN.
    """
    values = np.empty(count)
    hard = np.empty((16, 3), dtype=np.int64)
    left = _parsed(raw, values, hard)
    if left > len(hard):
        hard = np.empty((left, 3), dtype=np.int64)
        _parsed(raw, values, hard)
    return values, hard[:left]


@numba.njit(cache=True, nogil=True)
@no_type_check
def _parsed(raw, values, hard):
    """Parse all words; returns the number of those left, of which as many as fit go to `hard`."""
    word, left, i, size = 0, 0, 0, len(raw)
    while i < size:
        if raw[i] <= _SPACE:
            i += 1
            continue
        begin = i
        value, i = _number(raw, i)
        values[word] = value
        if np.isnan(value):
            while i < size and raw[i] > _SPACE:
                i += 1
            if left < len(hard):
                hard[left, 0], hard[left, 1], hard[left, 2] = word, begin, i
            left += 1
        word += 1
    return left


@numba.njit(cache=True, nogil=True)
@no_type_check
def _number(raw, i):
    """The word at i as a number and where it ends; NaN when it is not plain."""
    size, negative = len(raw), False
    if raw[i] == _MINUS or raw[i] == _PLUS:
        negative = raw[i] == _MINUS
        i += 1
    mantissa, digits, seen, shift, point = np.uint64(0), 0, 0, 0, False
    while i < size:
        digit = raw[i] - _ZERO
        if 0 <= digit <= 9:
            mantissa = mantissa * np.uint64(10) + np.uint64(digit)
            digits += mantissa > 0
            seen += 1
            shift -= point
        elif raw[i] == _POINT and not point:
            point = True
        else:
            break
        i += 1
    if seen == 0 or digits > 18 or mantissa > np.uint64(9007199254740992):
        return np.nan, i
    if i < size and (raw[i] == 101 or raw[i] == 69):
        power, i = _exponent(raw, i + 1)
        shift += power
    if (i < size and raw[i] > _SPACE) or abs(shift) > 22:
        return np.nan, i
    value = float(mantissa)
    value = value / _POWERS[-shift] if shift < 0 else value * _POWERS[shift]
    return (-value if negative else value), i


@numba.njit(cache=True, nogil=True)
@no_type_check
def _exponent(raw, i):
    """The whole number at i, capped at 1000, and where it ends; 1000 when there is none."""
    size, negative, power, digits = len(raw), False, 0, 0
    if i < size and (raw[i] == _MINUS or raw[i] == _PLUS):
        negative = raw[i] == _MINUS
        i += 1
    while i < size and 0 <= raw[i] - _ZERO <= 9:
        power = min(power * 10 + raw[i] - _ZERO, 1000)
        digits += 1
        i += 1
    if digits == 0:
        return 1000, i
    return (-power if negative else power), i
