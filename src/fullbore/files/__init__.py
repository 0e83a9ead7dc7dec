"""Bytes to nouns and back: MRD, Pulseq, DICOM, NIfTI with BIDS, Siemens and other raw data. No science."""

from fullbore.files.atomic import atomic_path
from fullbore.files.dicom import write_dicom
from fullbore.files.mrd import read_mrd, write_mrd
from fullbore.files.nifti import write_maps_nifti, write_nifti, write_noise_nifti
from fullbore.files.nifti_volumes import read_nifti, write_labels_nifti, write_shares_nifti
from fullbore.files.pulseq import write_pulseq
from fullbore.files.pulseq_read import read_pulseq
from fullbore.files.raw import read_raw

__all__ = [
    "atomic_path",
    "read_mrd",
    "read_nifti",
    "read_pulseq",
    "read_raw",
    "write_dicom",
    "write_labels_nifti",
    "write_maps_nifti",
    "write_mrd",
    "write_nifti",
    "write_noise_nifti",
    "write_pulseq",
    "write_shares_nifti",
]
