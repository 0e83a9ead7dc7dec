"""Arrays and linear algebra that know no MRI: operators, transforms, solvers, interpolation.

Modules that need torch import it themselves; this front door does not, so `import fullbore.numerics` stays light.
"""

from fullbore.numerics.interpolation import interpolate_separable

__all__ = ["interpolate_separable"]
