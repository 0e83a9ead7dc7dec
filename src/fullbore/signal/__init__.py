"""Spin equations as pure array functions: Bloch isochromats, extended phase graphs, closed forms. Knows no nouns."""

from fullbore.signal.bloch import free_precession, play, rotate

__all__ = ["free_precession", "play", "rotate"]
