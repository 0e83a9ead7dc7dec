"""Balanced steady-state views and what is made of them: cine, maps of T1 and T2, late enhancement, tags, displacement."""

from fullbore.sequence.balanced.cine import BalancedCine, balanced_cine
from fullbore.sequence.balanced.displacement import DenseCine2d, dense_cine_2d
from fullbore.sequence.balanced.late_enhancement import LateEnhancement, late_enhancement
from fullbore.sequence.balanced.mapping import Molli, Sasha, T2PreparedBalanced, molli, sasha, t2_prepared_balanced
from fullbore.sequence.balanced.tagging import TaggedCine, tagged_cine

__all__ = [
    "BalancedCine",
    "DenseCine2d",
    "LateEnhancement",
    "Molli",
    "Sasha",
    "T2PreparedBalanced",
    "TaggedCine",
    "balanced_cine",
    "dense_cine_2d",
    "late_enhancement",
    "molli",
    "sasha",
    "t2_prepared_balanced",
    "tagged_cine",
]
