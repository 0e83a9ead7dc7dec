"""The machine as one: it judges a sequence, refuses what is unsafe, and acquires."""

from fullbore.scanner.virtual import VirtualScanner

__all__ = ["VirtualScanner"]
