"""From a run of either engine to raw data as the receivers give them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Complex64, Int

from fullbore.data import RawData, ScannerSpec, Sequence
from fullbore.errors import AcquisitionInterrupted, ShapeError
from fullbore.simulate.digitising import continued, digitise, digitised_sequence
from fullbore.simulate.noise import add_noise, mixing_matrix, noise_scan
from fullbore.simulate.trajectory import trajectory

Progress = Callable[[float, str], None]
SATURATED = "saturated samples"
"""Of the provenance of raw data from a machine with a receiver."""


class Run(ABC):
    """An engine with a sequence on it. samples: without noise, zeros where nothing has been played yet; how: provenance."""

    samples: Complex64[np.ndarray, "row coil sample"]
    how: dict[str, str]

    @abstractmethod
    def pieces(self, progress: Progress) -> Iterator[slice | Int[np.ndarray, " row"]]:
        """Play on; yields the readouts of `samples` that have become complete."""


def played_sequence(sequence: Sequence, spec: ScannerSpec) -> Sequence:
    """The sequence as the receiver of `spec` samples it; errors: those of `digitised_sequence`."""
    receiver = spec.flaws.receiver
    return sequence if receiver is None else digitised_sequence(sequence, receiver)


def record(run: Run, sequence: Sequence, spec: ScannerSpec, seed: int, progress: Progress) -> RawData:
    """Raw data of a run that plays `played_sequence(sequence, spec)`.

    Errors: ShapeError when the samples have another number of coils than the array; AcquisitionInterrupted for Ctrl-C, with the
    readouts that are complete.
    """
    complete = np.zeros(len(run.samples), bool)
    try:
        for rows in run.pieces(lambda fraction, what: progress(0.97 * fraction, what)):
            complete[rows] = True
    except KeyboardInterrupt:
        if not complete.any():
            raise
    if complete.all():
        progress(0.97, "noise")
    raw = receive(run.samples, sequence, spec, run.how, seed)
    saturated = raw.provenance.get(SATURATED, "0")
    if not saturated.startswith("0"):
        progress(0.99, f"WARNING: the receiver saturated: {saturated}. Lower its gain.")
    if not complete.all():
        text = f"Interrupted after {complete.sum()} of {len(complete)} readouts of {sequence.name}."
        raise AcquisitionInterrupted(text, raw.take(complete))
    progress(1.0, "done")
    return raw


def receive(
    samples: Complex64[np.ndarray, "row coil sample"],
    sequence: Sequence,
    spec: ScannerSpec,
    provenance: dict[str, str],
    seed: int,
) -> RawData:
    """Samples with noise of the array's covariance (added in place), digitised; a noise scan, and where they are in k-space.

    A filter sees the noise of the fast samples; without one the receiver's noise is that of the sequence's own dwell.
    Errors: ShapeError when the samples have another number of coils than the array.
    """
    if samples.shape[1] != spec.receive.coils:
        raise ShapeError(f"receive: samples of {samples.shape[1]} coils, wanted {spec.receive.coils} of {spec.receive.name}.")
    dwell, receiver, gain = sequence.encoding.dwell_s, spec.flaws.receiver, 1.0
    fast_dwell = dwell / receiver.oversampling if receiver is not None else dwell
    filtered = receiver is not None and receiver.filter is not None
    covariance = spec.receive.noise_covariance * (1.0 if receiver is None else receiver.noise_factor)
    mixing = mixing_matrix(covariance, fast_dwell if filtered else dwell)
    samples = samples if receiver is None else continued(samples, receiver)
    add_noise(samples, mixing, seed)
    if receiver is not None:
        converted = samples.size
        samples, clipped = digitise(samples, receiver, fast_dwell, seed)
        provenance = provenance | {SATURATED: f"{clipped} of {converted} at the converter"}
        gain = 1.0 if receiver.filter is None else float(np.linalg.norm(receiver.filter))
    return RawData(
        encoding=sequence.encoding,
        samples=samples,
        b0_T=spec.b0_T,
        noise=noise_scan(mixing * gain, seed),
        noise_dwell_s=dwell,
        trajectory_per_m=trajectory(sequence),
        coil_name=spec.receive.name,
        system=spec.name,
        provenance={**provenance, "seed": str(seed)},
    )
