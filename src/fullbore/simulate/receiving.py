"""From noiseless samples to raw data as the receivers give them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex64, Float

from fullbore.data import RawData, ScannerSpec, Sequence
from fullbore.errors import ShapeError
from fullbore.simulate.noise import add_noise, mixing_matrix, noise_scan


def receive(
    samples: Complex64[np.ndarray, "row coil sample"],
    sequence: Sequence,
    spec: ScannerSpec,
    trajectory_per_m: Float[np.ndarray, "row sample 3"],
    provenance: dict[str, str],
    seed: int,
) -> RawData:
    """Samples with noise of the array's covariance (added in place), a noise scan beside them, and where they are in k-space.

    Errors: ShapeError when the samples have another number of coils than the array.
    """
    if samples.shape[1] != spec.receive.coils:
        raise ShapeError(f"receive: samples of {samples.shape[1]} coils, wanted {spec.receive.coils} of {spec.receive.name}.")
    dwell = sequence.encoding.dwell_s
    mixing = mixing_matrix(spec.receive.noise_covariance, dwell)
    add_noise(samples, mixing, seed)
    return RawData(
        encoding=sequence.encoding,
        samples=samples,
        b0_T=spec.b0_T,
        noise=noise_scan(mixing, seed),
        noise_dwell_s=dwell,
        trajectory_per_m=trajectory_per_m,
        coil_name=spec.receive.name,
        system=spec.name,
        provenance={**provenance, "seed": str(seed)},
    )
