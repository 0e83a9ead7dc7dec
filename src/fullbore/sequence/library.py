"""The sequences there are: name in a protocol file -> its protocol and its builder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fullbore.data import Limits, Sequence
from fullbore.sequence import balanced, epi, gradient_echo, non_cartesian, prepared, spectroscopy, spin_echo
from fullbore.sequence.mprage import mprage
from fullbore.sequence.prescription import Protocol
from fullbore.sequence.protocol import InversionRecoverySpinEcho, Mprage, SpinEchoTrain2d, SpoiledGre3d
from fullbore.sequence.spoiled_gre import spoiled_gre_3d
from fullbore.sequence.t1t2_map import t1t2_map
from fullbore.sequence.turbo_spin_echo import turbo_spin_echo


@dataclass(frozen=True, slots=True)
class Kind:
    """A sequence: the type of its protocol, its builder, one line about it, and where it was published."""

    protocol: type[Any]
    build: Callable[[Any, Limits], Sequence]
    about: str
    source: str


SEQUENCES: dict[str, Kind] = {
    "spoiled_gre_3d": Kind(SpoiledGre3d, spoiled_gre_3d, "3D spoiled gradient echo", "Haase et al., J Magn Reson 67:258 (1986)"),
    "mprage": Kind(Mprage, mprage, "T1-weighted 3D, inversion-prepared", "Mugler, Brookeman, Magn Reson Med 15:152 (1990)"),
    "spin_echo_train_2d": Kind(
        SpinEchoTrain2d, turbo_spin_echo, "2D turbo spin echo", "Hennig et al., Magn Reson Med 3:823 (1986)"
    ),
    "inversion_recovery_spin_echo": Kind(
        InversionRecoverySpinEcho,
        t1t2_map,
        "joint T1 and T2 map of one slice",
        "Meiboom, Gill, Rev Sci Instrum 29:688 (1958)",
    ),
    "gradient_echo_epi_2d": Kind(
        epi.GradientEchoEpi2d,
        epi.gradient_echo_epi_2d,
        "gradient-echo EPI with simultaneous slices",
        "Setsompop et al., Magn Reson Med 67:1210 (2012)",
    ),
    "diffusion_epi_2d": Kind(
        epi.DiffusionEpi2d, epi.diffusion_epi_2d, "diffusion by spin-echo EPI", "Stejskal, Tanner, J Chem Phys 42:288 (1965)"
    ),
    "b_tensor_epi_2d": Kind(
        epi.BTensorEpi2d, epi.b_tensor_epi_2d, "diffusion with b-tensors", "Westin et al., NeuroImage 135:345 (2016)"
    ),
    "cardiac_diffusion_epi_2d": Kind(
        epi.CardiacDiffusionEpi2d,
        epi.cardiac_diffusion_epi_2d,
        "diffusion of the beating heart, motion-compensated",
        "Stoeck et al., Magn Reson Med 75:1669 (2016)",
    ),
    "stack_of_stars_3d": Kind(
        non_cartesian.StackOfStars3d,
        non_cartesian.stack_of_stars_3d,
        "3D spoiled gradient echo, golden-angle stack of stars",
        "Winkelmann et al., IEEE Trans Med Imaging 26:68 (2007)",
    ),
    "kooshball_3d": Kind(
        non_cartesian.Kooshball3d,
        non_cartesian.kooshball_3d,
        "3D radial spoiled gradient echo",
        "Piccini et al., Magn Reson Med 66:1049 (2011)",
    ),
    "fingerprinting_2d": Kind(
        non_cartesian.Fingerprinting2d,
        non_cartesian.fingerprinting_2d,
        "MR fingerprinting, unbalanced, spiral",
        "Jiang et al., Magn Reson Med 74:1621 (2015)",
    ),
    "ute_3d": Kind(
        non_cartesian.Ute3d,
        non_cartesian.ute_3d,
        "3D ultrashort echo time",
        "Bergin et al., Radiology 179:777 (1991)",
    ),
    "radial_cine_2d": Kind(
        non_cartesian.RadialCine2d,
        non_cartesian.radial_cine_2d,
        "real-time balanced cine, tiny golden angle",
        "Wundrak et al., IEEE Trans Med Imaging 34:1262 (2015)",
    ),
    "spiral_cine_2d": Kind(
        non_cartesian.SpiralCine2d,
        non_cartesian.spiral_cine_2d,
        "real-time spoiled cine, spirals",
        "Nayak et al., Magn Reson Med 46:430 (2001)",
    ),
    "petra_3d": Kind(
        non_cartesian.Petra3d,
        non_cartesian.petra_3d,
        "zero echo time with single points in the centre",
        "Grodzki et al., Magn Reson Med 67:510 (2012)",
    ),
    "balanced_cine": Kind(
        balanced.BalancedCine, balanced.balanced_cine, "bSSFP cine, segmented", "Carr et al., Radiology 219:828 (2001)"
    ),
    "molli": Kind(
        balanced.Molli, balanced.molli, "T1 map of the heart, MOLLI", "Messroghli et al., Magn Reson Med 52:141 (2004)"
    ),
    "sasha": Kind(balanced.Sasha, balanced.sasha, "T1 map of the heart, SASHA", "Chow et al., Magn Reson Med 71:2082 (2014)"),
    "t2_prepared_balanced": Kind(
        balanced.T2PreparedBalanced,
        balanced.t2_prepared_balanced,
        "T2 map of the heart, T2-prepared bSSFP",
        "Giri et al., J Cardiovasc Magn Reson 11:56 (2009)",
    ),
    "late_enhancement": Kind(
        balanced.LateEnhancement,
        balanced.late_enhancement,
        "late enhancement, phase-sensitive",
        "Kellman et al., Magn Reson Med 47:372 (2002)",
    ),
    "tagged_cine": Kind(
        balanced.TaggedCine,
        balanced.tagged_cine,
        "cine with tags, SPAMM or CSPAMM",
        "Axel, Dougherty, Radiology 171:841 (1989); Fischer et al., Magn Reson Med 30:191 (1993)",
    ),
    "dense_cine_2d": Kind(
        balanced.DenseCine2d,
        balanced.dense_cine_2d,
        "cine of displacement by stimulated echoes (DENSE)",
        "Aletras et al., J Magn Reson 137:247 (1999); Kim et al., Radiology 230:862 (2004)",
    ),
    "multi_echo_gre_3d": Kind(
        gradient_echo.MultiEchoGre3d,
        gradient_echo.multi_echo_gre_3d,
        "3D gradient echo with several echoes (QSM)",
        "Wang, Liu, Magn Reson Med 73:82 (2015)",
    ),
    "dixon_3d": Kind(
        gradient_echo.Dixon3d, gradient_echo.multi_echo_gre_3d, "fat and water, 2 to 6 echoes", "Dixon, Radiology 153:189 (1984)"
    ),
    "t2_star_gre_3d": Kind(
        gradient_echo.T2StarGre3d,
        gradient_echo.multi_echo_gre_3d,
        "T2* and R2* map",
        "Anderson et al., Eur Heart J 22:2171 (2001)",
    ),
    "phase_contrast_2d": Kind(
        gradient_echo.PhaseContrast2d,
        gradient_echo.phase_contrast_2d,
        "cine of velocity in slices",
        "Pelc et al., Magn Reson Q 7:229 (1991)",
    ),
    "flow_4d": Kind(
        gradient_echo.Flow4d,
        gradient_echo.flow_4d,
        "velocity in a slab through the cardiac cycle",
        "Markl et al., J Magn Reson Imaging 17:499 (2003)",
    ),
    "mp2rage": Kind(
        gradient_echo.Mp2rage, gradient_echo.mp2rage, "T1-weighted 3D without bias", "Marques et al., NeuroImage 49:1271 (2010)"
    ),
    "tof_3d": Kind(
        gradient_echo.TimeOfFlight3d,
        gradient_echo.time_of_flight_3d,
        "arteries of a slab by inflow",
        "Masaryk et al., Radiology 171:793 (1989)",
    ),
    "tof_2d": Kind(
        gradient_echo.TimeOfFlight2d,
        gradient_echo.time_of_flight_2d,
        "vessels in slices by inflow",
        "Keller et al., Radiology 173:527 (1989)",
    ),
    "navigated_gre_3d": Kind(
        gradient_echo.NavigatedGre3d,
        gradient_echo.navigated_gre_3d,
        "3D gradient echo with line navigators",
        "Ehman, Felmlee, Radiology 173:255 (1989)",
    ),
    "beam_navigated_gre_3d": Kind(
        gradient_echo.BeamNavigatedGre3d,
        gradient_echo.beam_navigated_gre_3d,
        "3D gradient echo with pencil-beam navigators through the diaphragm",
        "Pauly et al., J Magn Reson 81:43 (1989); Ehman, Felmlee, Radiology 173:255 (1989)",
    ),
    "press_svs": Kind(
        spectroscopy.PressSvs,
        spectroscopy.press_svs,
        "voxel spectrum by PRESS",
        "Bottomley, Ann N Y Acad Sci 508:333 (1987)",
    ),
    "slaser_svs": Kind(
        spectroscopy.SlaserSvs,
        spectroscopy.slaser_svs,
        "voxel spectrum by adiabatic slabs, sLASER",
        "Scheenen et al., Magn Reson Med 59:1 (2008)",
    ),
    "wave_gre_3d": Kind(
        gradient_echo.WaveGre3d,
        gradient_echo.wave_gre_3d,
        "3D gradient echo with wave gradients on a sheared lattice",
        "Bilgic et al., Magn Reson Med 73:2152 (2015)",
    ),
    "t1rho_3d": Kind(
        prepared.T1Rho3d,
        prepared.t1rho_3d,
        "T1rho by spin locks before 3D spoiled views",
        "Li et al., Magn Reson Med 59:298 (2008)",
    ),
    "saturation_transfer_epi_2d": Kind(
        prepared.SaturationTransferEpi2d,
        prepared.saturation_transfer_epi_2d,
        "CEST and APT: Z-spectra by EPI",
        "Zhou et al., Magn Reson Med 50:1120 (2003)",
    ),
    "pcasl_epi_2d": Kind(
        prepared.PcaslEpi2d,
        prepared.pcasl_epi_2d,
        "perfusion by pseudo-continuous labelling with background suppression",
        "Dai et al., Magn Reson Med 60:1488 (2008)",
    ),
    "variable_flip_spin_echo_3d": Kind(
        spin_echo.VariableFlipSpinEcho3d,
        spin_echo.variable_flip_spin_echo_3d,
        "3D turbo spin echo of designed flips (SPACE, CUBE, VISTA)",
        "Busse et al., Magn Reson Med 55:1030 (2006)",
    ),
    "flair_3d": Kind(spin_echo.Flair3d, spin_echo.flair_3d, "3D FLAIR", "Hajnal et al., J Comput Assist Tomogr 16:841 (1992)"),
    "double_inversion_3d": Kind(
        spin_echo.DoubleInversion3d,
        spin_echo.double_inversion_3d,
        "3D double inversion recovery",
        "Redpath, Smith, Br J Radiol 67:1258 (1994)",
    ),
    "vessel_wall_3d": Kind(
        spin_echo.VesselWall3d,
        spin_echo.vessel_wall_3d,
        "black-blood vessel wall, 3D turbo spin echo with flip-down",
        "Fan et al., Magn Reson Med 77:1142 (2017)",
    ),
    "flair_2d": Kind(spin_echo.Flair2d, spin_echo.flair_2d, "2D FLAIR", "Hajnal et al., J Comput Assist Tomogr 16:841 (1992)"),
    "haste_2d": Kind(
        spin_echo.Haste2d,
        spin_echo.haste_2d,
        "half-Fourier single-shot turbo spin echo",
        "Kiefer et al., J Magn Reson Imaging 4(P):86 (1994)",
    ),
}
"""Name of a sequence in a protocol file -> what it is."""

_BY_PROTOCOL = {kind.protocol: kind for kind in SEQUENCES.values()}


def kind_of(protocol: Protocol) -> Kind:
    """What builds a protocol."""
    return _BY_PROTOCOL[type(protocol)]
