"""Files for a workshop: each read back as soon as it is written, and refused when its field is another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fullbore.cli.terminal import ExamTerminal
from fullbore.clinical.report import MadeFile
from fullbore.errors import FormatError

MOST_ERROR = 1e-3


@dataclass(slots=True, kw_only=True)
class Workshop:
    """A folder that is being filled. expected: how many files there will be."""

    folder: Path
    terminal: ExamTerminal
    expected: int
    made: list[MadeFile] = field(default_factory=list)

    def add(self, name: str, holds: str, write: Callable[[Path], None], error: Callable[[Path], float] | None) -> None:
        """Write one file, and judge what it gives when read back. error: of its field as a share; None if it carries none.

        Errors: FormatError where the field is off by more than 0.1 %; the file is then taken away again.
        """
        path = self.folder / name
        self.terminal.progress("make", "files", len(self.made) / self.expected, name)
        write(path)
        off = None if error is None else error(path)
        if off is not None and not off <= MOST_ERROR:
            path.unlink()
            raise FormatError(
                f"{path}: read back, its field is off by {1e2 * off:.3g} %, limit {1e2 * MOST_ERROR:g} %. "
                "Use finer points or another format; the file was taken away."
            )
        self.made.append(MadeFile(name=name, size_B=path.stat().st_size, holds=holds, error=off))
        told = "carries no current" if off is None else f"field off by {1e2 * off:.2g} %"
        self.terminal.line(f"  {name}: {told}")

    def record(self) -> list[dict[str, object]]:
        """For JSON."""
        return [{"name": own.name, "bytes": own.size_B, "holds": own.holds, "field_error": own.error} for own in self.made]
