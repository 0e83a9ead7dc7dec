"""Fullbore: an open 3 T MRI system in software, from magnet to diagnosis."""

__version__ = "0.1.0"
