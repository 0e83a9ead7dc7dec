"""From a protocol to an exam, its findings and its report; the machine and the files are handed in.

The exam's own door is opened when it is first named: a list of sequences needs no tensor library, whose import takes longer.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fullbore.clinical.derived import derived
from fullbore.clinical.library import exam_protocols, regions
from fullbore.clinical.shortest import shortest
from fullbore.clinical.solve import Solution, solve
from fullbore.clinical.truth import Truth

if TYPE_CHECKING:
    from fullbore.clinical.exam import Doors, Exam, ExamPlan, SeriesResult

__all__ = [
    "Doors",
    "Exam",
    "ExamPlan",
    "SeriesResult",
    "Solution",
    "Truth",
    "derived",
    "exam_protocols",
    "regions",
    "shortest",
    "solve",
]


def __getattr__(name: str) -> Any:
    """What `from fullbore.clinical import name` finds. Errors: AttributeError for a name that is not there."""
    if name not in ("Doors", "Exam", "ExamPlan", "SeriesResult"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.exam"), name)
    globals()[name] = found
    return found
