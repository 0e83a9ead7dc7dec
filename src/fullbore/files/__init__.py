"""Bytes to nouns and back: MRD, Pulseq, DICOM, NIfTI with BIDS, Siemens and other raw data. No science.

Each door is opened when it is first named: a sequence author needs no DICOM library, whose import takes longer than his scan.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fullbore.files.atomic import atomic_path
    from fullbore.files.dicom import write_dicom
    from fullbore.files.field_nifti import read_field_nifti, write_field_nifti
    from fullbore.files.impulse_response import read_impulse_response, write_impulse_response
    from fullbore.files.machine_folder import machine_digest, read_machine, write_machine
    from fullbore.files.mrd import read_mrd, write_mrd
    from fullbore.files.nifti import write_maps_nifti, write_nifti, write_noise_nifti
    from fullbore.files.nifti_mrs import write_nifti_mrs, write_spectrum_csv
    from fullbore.files.nifti_volumes import read_nifti, write_labels_nifti, write_shares_nifti
    from fullbore.files.pulseq import write_pulseq
    from fullbore.files.pulseq_bridge import from_pypulseq, to_pypulseq
    from fullbore.files.pulseq_read import read_pulseq
    from fullbore.files.raw import read_raw

__all__ = [
    "atomic_path",
    "from_pypulseq",
    "machine_digest",
    "read_field_nifti",
    "read_impulse_response",
    "read_machine",
    "read_mrd",
    "read_nifti",
    "read_pulseq",
    "read_raw",
    "to_pypulseq",
    "write_dicom",
    "write_field_nifti",
    "write_impulse_response",
    "write_labels_nifti",
    "write_machine",
    "write_maps_nifti",
    "write_mrd",
    "write_nifti",
    "write_nifti_mrs",
    "write_noise_nifti",
    "write_pulseq",
    "write_shares_nifti",
    "write_spectrum_csv",
]

_HOMES = {
    "atomic": ("atomic_path",),
    "dicom": ("write_dicom",),
    "field_nifti": ("read_field_nifti", "write_field_nifti"),
    "impulse_response": ("read_impulse_response", "write_impulse_response"),
    "machine_folder": ("machine_digest", "read_machine", "write_machine"),
    "mrd": ("read_mrd", "write_mrd"),
    "nifti": ("write_maps_nifti", "write_nifti", "write_noise_nifti"),
    "nifti_mrs": ("write_nifti_mrs", "write_spectrum_csv"),
    "nifti_volumes": ("read_nifti", "write_labels_nifti", "write_shares_nifti"),
    "pulseq": ("write_pulseq",),
    "pulseq_bridge": ("from_pypulseq", "to_pypulseq"),
    "pulseq_read": ("read_pulseq",),
    "raw": ("read_raw",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """What `from fullbore.files import name` finds. Errors: AttributeError for a name that is not there."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = found
    return found
