"""From a protocol to an exam, its findings and its report; the machine and the files are handed in."""

from fullbore.clinical.derived import derived
from fullbore.clinical.exam import Doors, Exam, ExamPlan
from fullbore.clinical.library import exam_protocols, regions
from fullbore.clinical.shortest import shortest
from fullbore.clinical.solve import Solution, solve
from fullbore.clinical.truth import Truth

__all__ = [
    "Doors",
    "Exam",
    "ExamPlan",
    "Solution",
    "Truth",
    "derived",
    "exam_protocols",
    "regions",
    "shortest",
    "solve",
]
