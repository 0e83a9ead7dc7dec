"""What tissues weigh: mass density by name, for specific absorption."""

from __future__ import annotations

WATER_KG_PER_M3 = 1000.0
SOFT_TISSUE_KG_PER_M3 = 1045.0

# kg/m^3, from memory of the usual tables (ICRP 89 and its followers): not verified. The first name that is part of a tissue's
# counts.
MASS_KG_PER_M3: tuple[tuple[str, float], ...] = (
    ("cortical bone", 1908.0),
    ("trabecular bone", 1178.0),
    ("bone", 1908.0),
    ("tooth", 2180.0),
    ("yellow marrow", 980.0),
    ("red marrow", 1029.0),
    ("marrow", 980.0),
    ("fat", 911.0),
    ("lung", 394.0),
    ("csf", 1007.0),
    ("vitreous", 1005.0),
    ("bile", 928.0),
    ("urine", 1024.0),
    ("blood", 1050.0),
    ("muscle", 1090.0),
    ("skin", 1109.0),
    ("cartilage", 1100.0),
    ("liver", 1079.0),
    ("kidney", 1066.0),
    ("spleen", 1089.0),
    ("water", WATER_KG_PER_M3),
)


def mass_density_kg_per_m3(tissue: str) -> float:
    """Mass density of a tissue by its name; soft tissue's where the table has none."""
    return next((density for name, density in MASS_KG_PER_M3 if name in tissue.lower()), SOFT_TISSUE_KG_PER_M3)
