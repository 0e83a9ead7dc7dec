"""The array as every scan feels it: sensitivities on a grid and the noise of its channels."""

from __future__ import annotations

import numpy as np

from fullbore.data import CoilSet, FieldMap, Grid
from fullbore.hardware.array.design import ReceiveArray, field_sensitivity
from fullbore.hardware.array.ultimate import magnetisation_A_per_m

# White matter at the isocentre in the reference scan of `array_coils`.
REFERENCE_SNR = 14.0
REFERENCE_MAGNETISATION = 0.0471
REFERENCE_DENSITY = 0.70
REFERENCE_VOXEL_M3 = 1e-9
REFERENCE_SAMPLING_S = 256 * 176 / 200.0
REFERENCE_B0_T = 3.0
# s^H R^-1 s at the isocentre of the head array of 12 loops at 3 T, T^2/(A^2 ohm): `isocentre_power`, as the test makes it again.
# By `ArrayBrief.medium`: an array is held against the reference in its own, so that the reference scan has one SNR in either.
REFERENCE_POWER = {"body": 4.1778e-12, "uniform": 3.3957e-12}


def array_coils(made: ReceiveArray, grid: Grid) -> CoilSet:
    """The channels at the preamplifiers' outputs, on any grid.

    Sensitivity: of each loop's field, with what the body adds to it, the circularly polarised component (Bx - i By)*
    (reciprocity), mixed by what coupling the preamplifiers leave, scaled so that the root sum of squares is 1 at the isocentre.
    Noise: covariance of sample, coil and preamplifiers, mixed alike.

    Noise level, so that the head array of 12 loops at 3 T gives white matter at the isocentre an SNR of 14 in a fully sampled
    MPRAGE of 1 mm, 256 x 256 x 176, 200 Hz per pixel, TR 2.3 s, TI 0.9 s, flip 9 degrees, 7 ms between views; every other
    array, body and field has its own by physics, as s^H R^-1 s and (omega M0)^2 stand to those of that one:
    an image is 1/N times the inverse transform of its N samples, each sum(density * volume * sensitivity * magnetisation), so
    a voxel of volume V reads S = density * V * m with the channels combined to unit sensitivity. A sample of dwell time dt
    has complex noise of variance C / dt; the mean of N has C / (N dt) = C / T, T the total sampling time, of which the real
    part holds half. Hence SNR = S / sqrt(C / 2T) and C = 2 T (S / SNR)^2 for the optimal combination, 1 / (s* Psi^-1 s), at
    the isocentre. Here m = 0.0471 (recursion of the inversion train, white matter, central view), T = 256 * 176 / 200 s.
    """
    points = np.concatenate([grid.points_m().reshape(-1, 3), np.zeros((1, 3))])
    alone = field_sensitivity(made, points)
    mixed = made.transfer @ alone
    scale = 1 / np.linalg.norm(made.transfer @ alone[:, -1:])
    noise = made.transfer @ made.noise_ohm @ made.transfer.conj().T
    reference = REFERENCE_POWER["uniform" if made.loading is None else "body"]
    covariance = scale**2 * reference_variance() * reference * _signal_ratio(made.b0_T) ** 2 * noise
    return CoilSet(
        name=made.name,
        sensitivity=FieldMap(
            values=(scale * mixed[:, :-1]).reshape(len(made.loops), *grid.shape).astype(np.complex64), grid=grid, unit="1"
        ),
        noise_covariance=(covariance + covariance.conj().T) / 2,
    )


def reference_variance() -> float:
    """Variance per hertz of the reference array's optimally combined channel; see `array_coils`."""
    signal = REFERENCE_DENSITY * REFERENCE_VOXEL_M3 * REFERENCE_MAGNETISATION
    return 2 * REFERENCE_SAMPLING_S * (signal / REFERENCE_SNR) ** 2


def isocentre_power(made: ReceiveArray) -> float:
    """s^H R^-1 s of the combined loops at the isocentre, T^2/(A^2 ohm)."""
    there = field_sensitivity(made, np.zeros((1, 3)))[:, 0]
    return float((there.conj() @ np.linalg.solve(made.noise_ohm, there)).real)


def _signal_ratio(b0_T: float) -> float:
    """omega M0 of the reference field over that of another: magnetisations of simulated spins are shares of M0."""
    return REFERENCE_B0_T * magnetisation_A_per_m(REFERENCE_B0_T) / (b0_T * magnetisation_A_per_m(b0_T))
