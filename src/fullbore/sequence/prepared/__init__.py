"""Sequences whose contrast a preparation makes."""

from fullbore.sequence.prepared.arterial_spin_labelling import PcaslEpi2d, pcasl_epi_2d
from fullbore.sequence.prepared.saturation_transfer import SaturationTransferEpi2d, saturation_transfer_epi_2d
from fullbore.sequence.prepared.t1rho import T1Rho3d, t1rho_3d

__all__ = [
    "PcaslEpi2d",
    "SaturationTransferEpi2d",
    "T1Rho3d",
    "pcasl_epi_2d",
    "saturation_transfer_epi_2d",
    "t1rho_3d",
]
