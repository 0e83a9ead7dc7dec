"""Spectra of one voxel: PRESS and sLASER. Scalar coupling is in the pulses' timing alone; no engine simulates it."""

from fullbore.sequence.spectroscopy.press import PressSvs, press_svs
from fullbore.sequence.spectroscopy.semi_laser import SlaserSvs, slaser_svs

__all__ = ["PressSvs", "SlaserSvs", "press_svs", "slaser_svs"]
