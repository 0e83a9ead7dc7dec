"""Muscle, fat, bone and joints. What is not said to come from a source was not verified."""

from __future__ import annotations

from fullbore.physics.tissue_record import ELECTRIC, FAT_LINES, NOT_VERIFIED, Blood, TissueRecord

_BAZELAIRE = "T1, T2 de Bazelaire 2004 at 3 T"
_CHI = "susceptibility Marques 2021 (QSM challenge 2.0)"
_REST = f"T2*, density, perfusion, stiffness {NOT_VERIFIED}; {ELECTRIC}"
_STANISZ = "bound pool Stanisz 2005: not verified"
_ALL = f"all values {NOT_VERIFIED}; {ELECTRIC}"
_PEAKS = "six peaks of the ISMRM fat-water challenge"
_CARTILAGE = (
    f"T2 36.4 ms on average PMC2849643, rising to the surface; T1, T1rho and the gradient {NOT_VERIFIED}; {_STANISZ}; {_REST}"
)
_BOUND = (0.171, 57.0, 8.3e-6)
_JOINT = (0.488, 52.9)


def _marrow_lines(fat: float) -> tuple[tuple[float, float], ...]:
    """Spectrum of a marrow by its fat fraction."""
    return ((0.0, 1 - fat), *((shift, fat * share) for shift, share in FAT_LINES))


LIMB: dict[str, TissueRecord] = {
    "muscle": TissueRecord(
        0.898,
        0.029,
        0.028,
        0.85,
        f"{_BAZELAIRE} (paravertebral); {_CHI}; {_STANISZ}; {_REST}",
        0.0,
        1.5e-9,
        t1rho_s=0.04,
        blood=Blood(4, 2.0, 0.02),
        macromolecules=(0.074, 66.0, 8.7e-6),
        stiffness_Pa=3e3,
        electric=(0.719, 63.5),
    ),
    "fat": TissueRecord(
        0.382,
        0.068,
        0.035,
        0.9,
        f"{_BAZELAIRE} (subcutaneous); {_PEAKS}; {_CHI}; {_REST}",
        0.019,
        0.1e-9,
        lines=FAT_LINES,
        blood=Blood(3, 2.0, 0.01),
        stiffness_Pa=800.0,
        electric=(0.0684, 12.4),
    ),
    "cortical bone": TissueRecord(
        0.2,
        0.0004,
        0.00039,
        0.2,
        f"T1, T2 {NOT_VERIFIED}; {_CHI}; {ELECTRIC}",
        -2.1,
        0.0,
        stiffness_Pa=5e9,
        electric=(0.0674, 14.7),
    ),
    "red marrow": TissueRecord(
        0.586,
        0.049,
        0.015,
        0.8,
        f"{_BAZELAIRE} (L4); fat fraction 0.4 and {_PEAKS}; {_REST}",
        0.019,
        0.4e-9,
        lines=_marrow_lines(0.4),
        blood=Blood(15, 2.0, 0.04),
        electric=(0.18, 26.3),
    ),
    "yellow marrow": TissueRecord(
        0.365,
        0.065,
        0.015,
        0.9,
        f"fat fraction 0.85 and {_PEAKS}; rest {NOT_VERIFIED}; {ELECTRIC}",
        0.019,
        0.2e-9,
        lines=_marrow_lines(0.85),
        electric=(0.0244, 6.23),
    ),
    "marrow oedema": TissueRecord(1.1, 0.09, 0.025, 0.88, _ALL, 0.0, 1.1e-9, lines=_marrow_lines(0.3), electric=(0.4, 45.0)),
    "periosteum": TissueRecord(0.8, 0.012, 0.006, 0.6, _ALL, 0.0, 0.6e-9, electric=_JOINT),
}

JOINT: dict[str, TissueRecord] = {
    "cartilage, superficial": TissueRecord(
        1.3, 0.048, 0.03, 0.82, _CARTILAGE, 0.0, 1.5e-9, t1rho_s=0.055, macromolecules=_BOUND, stiffness_Pa=2e5, electric=_JOINT
    ),
    "cartilage, middle": TissueRecord(
        1.2, 0.037, 0.023, 0.76, _CARTILAGE, 0.0, 1.3e-9, t1rho_s=0.044, macromolecules=_BOUND, stiffness_Pa=4e5, electric=_JOINT
    ),
    "cartilage, deep": TissueRecord(
        1.0, 0.024, 0.014, 0.68, _CARTILAGE, 0.0, 1.0e-9, t1rho_s=0.034, macromolecules=_BOUND, stiffness_Pa=6e5, electric=_JOINT
    ),
    "cartilage, calcified": TissueRecord(0.4, 0.0015, 0.001, 0.4, _ALL, -0.5, 0.2e-9, stiffness_Pa=1e7, electric=(0.2, 25.0)),
    "cartilage, degenerate": TissueRecord(
        1.45, 0.065, 0.035, 0.86, _ALL, 0.0, 1.7e-9, t1rho_s=0.075, stiffness_Pa=1e5, electric=_JOINT
    ),
    "meniscus": TissueRecord(0.96, 0.011, 0.007, 0.65, _ALL, 0.0, 0.9e-9, t1rho_s=0.018, stiffness_Pa=1e5, electric=_JOINT),
    "meniscus, torn": TissueRecord(1.4, 0.05, 0.02, 0.8, _ALL, 0.0, 1.4e-9, t1rho_s=0.06, stiffness_Pa=5e4, electric=_JOINT),
    "ligament": TissueRecord(0.8, 0.008, 0.004, 0.6, _ALL, 0.0, 0.8e-9, stiffness_Pa=5e7, electric=(0.499, 51.9)),
    "tendon": TissueRecord(0.7, 0.003, 0.0016, 0.55, _ALL, 0.0, 0.6e-9, stiffness_Pa=1e8, electric=(0.499, 51.9)),
    "labrum": TissueRecord(0.9, 0.012, 0.007, 0.65, _ALL, 0.0, 0.9e-9, electric=_JOINT),
    "synovial fluid": TissueRecord(
        3.62, 0.767, 0.3, 1.0, f"T1, T2 Gold 2004: not verified; rest {NOT_VERIFIED}", 0.0, 2.5e-9, electric=(2.0, 80.0)
    ),
    "synovium": TissueRecord(
        1.3, 0.06, 0.03, 0.85, _ALL, 0.0, 1.5e-9, blood=Blood(20, 1.5, 0.04, 0.1, 0.2, 0.02), electric=(0.8, 70.0)
    ),
    "disc nucleus": TissueRecord(
        1.25, 0.12, 0.06, 0.92, _ALL, 0.0, 1.8e-9, t1rho_s=0.12, stiffness_Pa=1e4, electric=(0.83, 70.0)
    ),
    "disc annulus": TissueRecord(
        0.95, 0.05, 0.025, 0.75, _ALL, 0.0, 1.2e-9, t1rho_s=0.06, stiffness_Pa=8e4, electric=(0.6, 58.0)
    ),
    "disc nucleus, degenerate": TissueRecord(
        0.95, 0.058, 0.03, 0.78, _ALL, 0.0, 1.2e-9, t1rho_s=0.065, stiffness_Pa=3e4, electric=(0.6, 60.0)
    ),
    "endplate": TissueRecord(0.45, 0.003, 0.0015, 0.4, _ALL, -0.8, 0.3e-9, electric=(0.2, 25.0)),
}
