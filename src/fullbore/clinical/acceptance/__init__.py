"""Acceptance of a machine: what NEMA's, ACR's and NIST's tests read from images. Blind to the machine and the phantom."""

from fullbore.clinical.acceptance.acr import View
from fullbore.clinical.acceptance.plane import Mark, Plane, plane_of
from fullbore.clinical.acceptance.reading import CHOICE, MEMORY, SOURCED, Reading
from fullbore.clinical.acceptance.run import Taken, measure
from fullbore.clinical.acceptance.scans import QUICK_TESTS, TESTS, Scan, scans

__all__ = [
    "CHOICE",
    "MEMORY",
    "QUICK_TESTS",
    "SOURCED",
    "TESTS",
    "Mark",
    "Plane",
    "Reading",
    "Scan",
    "Taken",
    "View",
    "measure",
    "plane_of",
    "scans",
]
