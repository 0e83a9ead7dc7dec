"""Plumbing that knows no MRI: configuration files, fingerprints, time to go."""

from fullbore.machinery.code_key import code_digest
from fullbore.machinery.config import read_toml
from fullbore.machinery.fingerprint import digest, file_digest
from fullbore.machinery.progress import Agenda, Ticker

__all__ = ["Agenda", "Ticker", "code_digest", "digest", "file_digest", "read_toml"]
