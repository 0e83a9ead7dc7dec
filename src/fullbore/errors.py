"""Every error that Fullbore raises on purpose. A leaf: anyone may import it, it imports nothing.

FullboreError
|-- UsageError            the request itself is wrong: an unknown key, unit, option or series    exit 2
|-- LimitError            the machine or the body refuses: slew, amplitude, timing, SAR, nerves  exit 3
|-- DataError             bytes or arrays that cannot be used                                    exit 4
|   |-- FormatError       a file that is missing, truncated, foreign or inconsistent
|   `-- ValueRangeError   NaN, a negative T1, a singular covariance
|-- ShapeError            an array of the wrong rank or size (a caller's bug)                    exit 5
`-- OutputError           the output folder exists, is read-only, or the disk is full            exit 2
AcquisitionInterrupted     Ctrl-C during a scan, with what was acquired by then                   exit 130

A message is one sentence that says who, got, wanted, do:
"slew, axis x, block 41 (t = 12.34 ms): 212 T/m/s, limit 200. Lengthen the ramp by 20 us."
"""

from __future__ import annotations


class FullboreError(Exception):
    """Any error that Fullbore raises on purpose; `exit_code` is what the command line returns."""

    exit_code = 5


class UsageError(FullboreError):
    """The request is wrong: an unknown key, unit, option, protocol or series."""

    exit_code = 2


class LimitError(FullboreError):
    """The machine or the body refuses what was asked; the message names the limit and the nearest legal value."""

    exit_code = 3


class DataError(FullboreError):
    """Bytes or arrays that cannot be used."""

    exit_code = 4


class FormatError(DataError):
    """A file that is missing, truncated, foreign or inconsistent with itself."""


class ValueRangeError(DataError):
    """A value that physics does not allow: NaN, a negative T1, a singular covariance."""


class ShapeError(FullboreError, ValueError):
    """An array of the wrong rank or size."""


class OutputError(UsageError):
    """The output folder exists, cannot be written, or the disk is full."""


class AcquisitionInterrupted(KeyboardInterrupt):
    """Ctrl-C during a scan; `acquired` is a RawData of the readouts that were complete."""

    def __init__(self, message: str, acquired: object) -> None:
        super().__init__(message)
        self.acquired = acquired
