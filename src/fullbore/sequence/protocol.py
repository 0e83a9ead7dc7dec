"""Protocols of the brain exam: what a technologist sets, as frozen values in SI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from fullbore.sequence.prescription import (
    Angle,
    Bandwidth,
    Count,
    Factor,
    Gap,
    GradientMode,
    Length,
    Number,
    Orientation,
    Position,
    Size,
    Time,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoiledGre3d:
    """3D gradient echo, RF- and gradient-spoiled, non-selective; fully sampled.

    fov, matrix: (read, phase, partition), m. bandwidth: Hz per pixel. centre: of the slab, LPS m. Times in s, angles in rad.
    """

    name: str
    orientation: Orientation
    fov: tuple[Length, Length, Length]
    matrix: tuple[Size, Size, Size]
    repetition_time: Time
    echo_time: Time
    flip_angle: Angle
    bandwidth: Bandwidth
    excitation_duration: Time = 100e-6
    dummy_views: Count = 150
    readout_oversampling: Number = 2
    centre: tuple[Position, Position, Position] = (0.0, 0.0, 0.0)
    gradient_mode: GradientMode = "normal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mprage:
    """Magnetisation-prepared rapid gradient echo: adiabatic inversion, then a train of spoiled gradient-echo views.

    inversion_time: from the inversion's centre to the excitation of the train's middle view, which measures k_partition = 0.
    echo_spacing: from view to view. acceleration: points of the (phase, partition) plane over points measured.
    calibration: fully sampled centre, (lines, partitions). dummy_trains: played unsampled first, towards the steady state.
    """

    name: str
    orientation: Orientation
    fov: tuple[Length, Length, Length]
    matrix: tuple[Size, Size, Size]
    repetition_time: Time
    inversion_time: Time
    echo_time: Time
    echo_spacing: Time
    flip_angle: Angle
    bandwidth: Bandwidth
    views_per_train: Number
    acceleration: Factor = 1.0
    calibration: tuple[Count, Count] = (24, 24)
    sampling_seed: Count = 1
    dummy_trains: Count = 1
    excitation_duration: Time = 200e-6
    inversion_duration: Time = 10.24e-3
    readout_oversampling: Number = 2
    centre: tuple[Position, Position, Position] = (0.0, 0.0, 0.0)
    gradient_mode: GradientMode = "normal"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpinEchoTrain2d:
    """2D turbo spin echo of an interleaved stack.

    fov, matrix: (read, phase). echo_time: of the echo that measures k = 0, a multiple of echo_spacing. refocusing_flip_angle:
    of every refocusing pulse. refocusing_slice_factor: thickness that the refocusing pulse covers, over slice_thickness.
    acceleration: every n-th line, with calibration_lines all measured around the centre. dummy_shots: repetition times
    played unsampled first.
    """

    name: str
    orientation: Orientation
    fov: tuple[Length, Length]
    matrix: tuple[Size, Size]
    slices: Number
    slice_thickness: Length
    slice_gap: Gap = 0.0
    repetition_time: Time
    echo_time: Time
    echo_spacing: Time
    train_length: Number
    refocusing_flip_angle: Angle
    bandwidth: Bandwidth
    flip_angle: Angle = 1.5707963267948966
    acceleration: Number = 1
    calibration_lines: Count = 24
    dummy_shots: Count = 1
    excitation_duration: Time = 2.56e-3
    refocusing_duration: Time = 2.56e-3
    refocusing_slice_factor: Factor = 1.2
    readout_oversampling: Number = 2
    centre: tuple[Position, Position, Position] = (0.0, 0.0, 0.0)
    gradient_mode: GradientMode = "normal"


@dataclass(frozen=True, slots=True, kw_only=True)
class InversionRecoverySpinEcho:
    """Joint T1 and T2 mapping of one slice: inversion recoveries read by short spin-echo trains, then one long train.

    Sets 0..n-1: adiabatic inversion, one of inversion_times, a train of train_length echoes that fill different lines (centre
    first). Set n: no inversion, a train of `echoes` echoes that all measure one line (contrast 0..echoes-1). Refocusing is
    non-selective, so every spin of the slice has one flip angle. Before each train: saturation, then recovery_time, so that
    all trains start from the same magnetisation and the recovery is exactly a + b exp(-TI/T1).
    """

    name: str
    orientation: Orientation
    fov: tuple[Length, Length]
    matrix: tuple[Size, Size]
    slice_thickness: Length
    inversion_times: Annotated[tuple[Time, ...], Field(min_length=1)]
    recovery_time: Time
    echo_spacing: Time
    train_length: Number
    echoes: Number
    bandwidth: Bandwidth
    flip_angle: Angle = 1.5707963267948966
    refocusing_flip_angle: Angle = 3.141592653589793
    acceleration: Number = 1
    calibration_lines: Count = 24
    excitation_duration: Time = 2.56e-3
    refocusing_duration: Time = 1e-3
    inversion_duration: Time = 10.24e-3
    readout_oversampling: Number = 2
    centre: tuple[Position, Position, Position] = (0.0, 0.0, 0.0)
    gradient_mode: GradientMode = "normal"
