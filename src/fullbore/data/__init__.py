"""The nouns that everybody trades: frozen, self-checking, without algorithms and without I/O.

Laws that hold for all of them
- SI units; the unit stands in a name where the number is ambiguous.
- Patient space is LPS metres (x to the left, y to the back, z to the head); the patient lies head first
  supine, so patient axes are the scanner's physical gradient axes.
- Volumes are indexed `(*frame, coil, z, y, x)`; grid affines map the voxel index (x, y, z) to its centre.
- k-space is in cycles per metre, k = gamma/2pi * integral of G dt, and the signal of a spin at r is
  `m(r) exp(-2 pi i (k . r + off_resonance * t))`: an image is the inverse (positive exponent) transform.
"""

from fullbore.data.coil_set import CoilSet
from fullbore.data.encoding import AcquisitionFlag, Encoding, Geometry
from fullbore.data.field_map import FieldMap
from fullbore.data.flaws import EddyMode, Flaws, GradientResponse, Receiver, RfAmplifier
from fullbore.data.gradient_impulse_response import GradientImpulseResponse
from fullbore.data.grid import Grid
from fullbore.data.image import Image
from fullbore.data.magnet import Magnet, Winding
from fullbore.data.motion import Composed, Course, Deformation, Flow, Motion, Piece, RigidMotion, Sliding, VectorField
from fullbore.data.parameter_maps import FitStatus, ParameterMap, ParameterMaps
from fullbore.data.phantom import Phantom
from fullbore.data.raw_data import RawData
from fullbore.data.safety_model import ForbiddenBand, GradientChain, HeatLimit, SafeModel, SoundModel
from fullbore.data.scanner_spec import Limits, PowerModel, ScannerSpec, StimulationModel
from fullbore.data.sequence import Adc, Gradient, RfPulse, Sequence, SoftDelay, Trigger
from fullbore.data.spectrum import Spectrum
from fullbore.data.study import Series, Study, Subject
from fullbore.data.tissue import Compartment, Perfusion, Pool, Species, Tissue
from fullbore.data.tissue_course import TissueCourse
from fullbore.data.verdict import Change, Finding, Verdict

__all__ = [
    "AcquisitionFlag",
    "Adc",
    "Change",
    "CoilSet",
    "Compartment",
    "Composed",
    "Course",
    "Deformation",
    "EddyMode",
    "Encoding",
    "FieldMap",
    "Finding",
    "FitStatus",
    "Flaws",
    "Flow",
    "ForbiddenBand",
    "Geometry",
    "Gradient",
    "GradientChain",
    "GradientImpulseResponse",
    "GradientResponse",
    "Grid",
    "HeatLimit",
    "Image",
    "Limits",
    "Magnet",
    "Motion",
    "ParameterMap",
    "ParameterMaps",
    "Perfusion",
    "Phantom",
    "Piece",
    "Pool",
    "PowerModel",
    "RawData",
    "Receiver",
    "RfAmplifier",
    "RfPulse",
    "RigidMotion",
    "SafeModel",
    "ScannerSpec",
    "Sequence",
    "Series",
    "Sliding",
    "SoftDelay",
    "SoundModel",
    "Species",
    "Spectrum",
    "StimulationModel",
    "Study",
    "Subject",
    "Tissue",
    "TissueCourse",
    "Trigger",
    "VectorField",
    "Verdict",
    "Winding",
]
