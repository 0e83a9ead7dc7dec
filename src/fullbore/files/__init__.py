"""Bytes to nouns and back: MRD, Pulseq, DICOM, NIfTI with BIDS, Siemens and other raw data. No science."""

from fullbore.files.atomic import atomic_path

__all__ = ["atomic_path"]
