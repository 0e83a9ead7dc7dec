"""The machine as one: it judges a sequence, refuses what is unsafe, and acquires; with planted faults where asked."""

from fullbore.scanner.faults import FAULTS, Fault, FaultyScanner, faults_of
from fullbore.scanner.virtual import VirtualScanner

__all__ = ["FAULTS", "Fault", "FaultyScanner", "VirtualScanner", "faults_of"]
