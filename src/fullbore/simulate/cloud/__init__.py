"""Freely placed spins, each with its own Bloch equation: any sequence, any trajectory, no classes and no lattice."""

from fullbore.simulate.cloud.play import acquire_cloud, play_cloud
from fullbore.simulate.cloud.pools import PoolSystem, Semisolid, balanced
from fullbore.simulate.cloud.reference import reference
from fullbore.simulate.cloud.scatter import scatter
from fullbore.simulate.cloud.spins import SpinCloud

__all__ = ["PoolSystem", "Semisolid", "SpinCloud", "acquire_cloud", "balanced", "play_cloud", "reference", "scatter"]
