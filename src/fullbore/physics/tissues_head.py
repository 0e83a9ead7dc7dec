"""Tissues of the head and of its diseases. What is not said to come from a source was not verified."""

from __future__ import annotations

from fullbore.physics.tissue_record import ELECTRIC, FAT_LINES, NOT_VERIFIED, Blood, TissueRecord

_WANSAPURA = "T1, T2 Wansapura 1999 at 3 T"
_CHI = "susceptibility Marques 2021 (QSM challenge 2.0)"
_ADC = "diffusivity AJNR 2002"
_STANISZ = "bound pool Stanisz 2005: not verified"
_REST = f"T2*, density, perfusion, stiffness {NOT_VERIFIED}; {ELECTRIC}"
_DEEP = f"T1, T2, T2* {NOT_VERIFIED}; {_CHI}; {_ADC}; {_REST}"
_ALL = f"all values {NOT_VERIFIED}; {ELECTRIC}"
_GREY_BLOOD = Blood(60, 1.2, 0.04)
_GREY = (0.587, 73.5)
_WHITE = (0.342, 52.5)

BRAIN: dict[str, TissueRecord] = {
    "white matter": TissueRecord(
        0.832,
        0.0796,
        0.048,
        0.70,
        f"{_WANSAPURA}; {_CHI}; {_ADC}; {_STANISZ}; {_REST}",
        -0.030,
        0.70e-9,
        t1rho_s=0.075,
        blood=Blood(22, 1.6, 0.025),
        macromolecules=(0.139, 23.0, 10e-6),
        stiffness_Pa=2.6e3,
        electric=_WHITE,
    ),
    "grey matter": TissueRecord(
        1.331,
        0.110,
        0.055,
        0.83,
        f"{_WANSAPURA}; {_CHI}; {_ADC}; {_STANISZ}; {_REST}",
        0.020,
        0.89e-9,
        t1rho_s=0.1,
        blood=_GREY_BLOOD,
        macromolecules=(0.05, 40.0, 9.1e-6),
        stiffness_Pa=2.2e3,
        electric=_GREY,
    ),
    "csf": TissueRecord(
        4.3, 2.0, 0.5, 1.0, f"T1, T2 upper end of published 3 T values; {_CHI}; {_REST}", 0.019, 3.0e-9, electric=(2.14, 84.0)
    ),
    "caudate": TissueRecord(
        1.25, 0.075, 0.042, 0.82, _DEEP, 0.044, 0.75e-9, blood=_GREY_BLOOD, stiffness_Pa=2.2e3, electric=_GREY
    ),
    "putamen": TissueRecord(
        1.18, 0.07, 0.038, 0.82, _DEEP, 0.038, 0.75e-9, blood=_GREY_BLOOD, stiffness_Pa=2.2e3, electric=_GREY
    ),
    "globus pallidus": TissueRecord(
        1.0, 0.055, 0.028, 0.78, _DEEP, 0.1305, 0.75e-9, blood=_GREY_BLOOD, stiffness_Pa=2.4e3, electric=_GREY
    ),
    "thalamus": TissueRecord(
        1.1, 0.074, 0.044, 0.8, _DEEP, 0.020, 0.75e-9, blood=_GREY_BLOOD, stiffness_Pa=2.4e3, electric=_GREY
    ),
    "red nucleus": TissueRecord(
        1.0, 0.055, 0.03, 0.78, _DEEP, 0.100, 0.75e-9, blood=_GREY_BLOOD, stiffness_Pa=2.4e3, electric=_GREY
    ),
    "substantia nigra": TissueRecord(
        1.0, 0.053, 0.028, 0.78, _DEEP, 0.111, 0.75e-9, blood=_GREY_BLOOD, stiffness_Pa=2.4e3, electric=_GREY
    ),
    "subthalamic nucleus": TissueRecord(
        1.02, 0.056, 0.03, 0.78, _DEEP, 0.111, 0.75e-9, blood=_GREY_BLOOD, stiffness_Pa=2.4e3, electric=_GREY
    ),
    "dentate nucleus": TissueRecord(
        1.1, 0.06, 0.03, 0.8, _DEEP, 0.152, 0.75e-9, blood=_GREY_BLOOD, stiffness_Pa=2.2e3, electric=_GREY
    ),
    "hippocampus": TissueRecord(
        1.4, 0.105, 0.055, 0.84, _ALL, 0.02, 0.9e-9, blood=_GREY_BLOOD, stiffness_Pa=2.2e3, electric=_GREY
    ),
    "nerve": TissueRecord(1.08, 0.078, 0.04, 0.75, _ALL, -0.02, 1.1e-9, electric=(0.354, 44.1)),
    "spinal cord": TissueRecord(
        0.95,
        0.075,
        0.042,
        0.73,
        f"{_STANISZ}; rest {NOT_VERIFIED}",
        -0.02,
        0.9e-9,
        macromolecules=(0.11, 30.0, 9e-6),
        electric=(0.354, 44.1),
    ),
    "pituitary": TissueRecord(1.2, 0.08, 0.04, 0.83, _ALL, 0.0, 1.1e-9, electric=(0.804, 66.8)),
}

DISEASE: dict[str, TissueRecord] = {
    "stroke core": TissueRecord(
        1.35, 0.105, 0.055, 0.82, _ALL, 0.0, 0.45e-9, blood=Blood(5, 6.0, 0.01), stiffness_Pa=2.0e3, electric=(0.6, 70.0)
    ),
    "stroke penumbra": TissueRecord(
        1.25,
        0.098,
        0.052,
        0.81,
        _ALL,
        0.0,
        0.78e-9,
        blood=Blood(16, 5.0, 0.045),
        oxygenation=0.45,
        stiffness_Pa=2.2e3,
        electric=_GREY,
    ),
    "tumour rim": TissueRecord(
        1.6,
        0.13,
        0.06,
        0.88,
        _ALL,
        0.05,
        1.15e-9,
        blood=Blood(90, 1.2, 0.09, 0.18, 0.3, 0.06),
        stiffness_Pa=3.0e3,
        electric=(0.9, 78.0),
    ),
    "tumour necrosis": TissueRecord(2.6, 0.35, 0.12, 0.96, _ALL, 0.0, 2.2e-9, stiffness_Pa=500.0, electric=(1.6, 82.0)),
    "tumour oedema": TissueRecord(
        1.45, 0.16, 0.08, 0.86, _ALL, -0.01, 1.4e-9, blood=Blood(15, 1.8, 0.018), stiffness_Pa=1.8e3, electric=(0.7, 75.0)
    ),
    "ms lesion": TissueRecord(
        1.25,
        0.14,
        0.07,
        0.82,
        _ALL,
        0.01,
        1.05e-9,
        blood=Blood(15, 1.8, 0.02),
        macromolecules=(0.06, 23.0, 10e-6),
        stiffness_Pa=2.0e3,
        electric=(0.5, 65.0),
    ),
    "ms lesion, enhancing": TissueRecord(
        1.3,
        0.15,
        0.07,
        0.84,
        _ALL,
        0.0,
        1.1e-9,
        blood=Blood(35, 1.4, 0.04, 0.02, 0.2, 0.03),
        stiffness_Pa=2.0e3,
        electric=(0.55, 66.0),
    ),
    "haemorrhage, acute": TissueRecord(1.2, 0.035, 0.01, 0.85, _ALL, 0.9, 0.7e-9, oxygenation=0.1, electric=(1.0, 73.0)),
    "haemorrhage, subacute": TissueRecord(0.5, 0.1, 0.03, 0.88, _ALL, 0.6, 0.9e-9, electric=(1.0, 73.0)),
    "haemosiderin": TissueRecord(0.9, 0.03, 0.006, 0.7, _ALL, 1.5, 0.7e-9, electric=(0.6, 70.0)),
    "microbleed": TissueRecord(0.9, 0.03, 0.006, 0.7, _ALL, 1.5, 0.7e-9, electric=(0.6, 70.0)),
    "calcification": TissueRecord(0.6, 0.02, 0.01, 0.4, _ALL, -1.0, 0.3e-9, electric=(0.1, 20.0)),
}

FACE: dict[str, TissueRecord] = {
    "skin": TissueRecord(0.9, 0.03, 0.015, 0.75, _ALL, 0.0, 1.0e-9, stiffness_Pa=2e4, electric=(0.523, 65.4)),
    "dura": TissueRecord(0.9, 0.03, 0.015, 0.7, _ALL, 0.0, 0.9e-9, electric=(0.746, 73.0)),
    "vitreous": TissueRecord(4.0, 1.4, 0.4, 1.0, _ALL, 0.0, 2.6e-9, electric=(1.505, 69.1)),
    "lens": TissueRecord(1.0, 0.03, 0.02, 0.7, _ALL, 0.0, 0.9e-9, electric=(0.31, 43.0)),
    "sclera": TissueRecord(0.9, 0.03, 0.015, 0.7, _ALL, 0.0, 0.9e-9, electric=(0.92, 75.0)),
    "orbital fat": TissueRecord(
        0.38, 0.068, 0.035, 0.9, f"as fat; {_ALL}", 0.019, 0.1e-9, lines=FAT_LINES, electric=(0.0684, 12.4)
    ),
    "mucosa": TissueRecord(1.5, 0.08, 0.03, 0.88, _ALL, 0.0, 1.6e-9, blood=Blood(40, 1.0, 0.05), electric=(0.8, 70.0)),
    "gland": TissueRecord(1.2, 0.07, 0.035, 0.84, _ALL, 0.0, 1.2e-9, blood=Blood(60, 1.0, 0.06), electric=(0.804, 66.8)),
    "tooth": TissueRecord(0.3, 0.0003, 0.00028, 0.15, _ALL, -2.1, 0.0, electric=(0.067, 14.7)),
}
