"""The 3D spoiled gradient echo that sequence libraries are timed on: n x n encodings, four blocks a repetition.

The design is the peers' (peers/gre_pypulseq.py): sinc of 1 ms over the slab, 256 samples in 2.56 ms, lobes and spoiler of 1 ms.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from fullbore.data import Adc, CoilSet, Encoding, FieldMap, Geometry, Grid, Limits, ScannerSpec, Sequence, Subject
from fullbore.hardware.presets import load_preset
from fullbore.sequence.block_table import Block, BlockTable, definitions
from fullbore.sequence.gradients import area_of, gentle_lobe, ramp_s, trapezoid
from fullbore.sequence.placement import slab
from fullbore.sequence.pulses import selective, sinc_pulse
from fullbore.sequence.readout_rows import ReadoutRows
from fullbore.sequence.spoiled_view import spoil_phase_rad

FOV_M, SAMPLES, WINDOW_S, LOBE_S = (0.256, 0.192, 0.192), 256, 2.56e-3, 1e-3
FLIP_RAD, PULSE_S, TIME_BANDWIDTH = math.radians(12), 1e-3, 4.0
SUBJECT = Subject(identifier="job", name="job", mass_kg=75.0, height_m=1.75)


def machine() -> ScannerSpec:
    """The shipped 60 cm machine, all of whose limits are checked; a sequence does not look at its coils."""
    preset = load_preset("fullbore-60cm")
    grid = Grid(shape=(1, 1, 1), affine_m=np.eye(4))
    even = FieldMap(values=np.ones((1, 1, 1, 1), dtype=np.complex64), grid=grid, unit="1")
    return ScannerSpec(
        name=preset.name,
        b0_T=preset.b0_T,
        bore_diameter_m=preset.bore_diameter_m,
        limits=preset.limits,
        stimulation=preset.stimulation,
        power=preset.power,
        receive=CoilSet(name="one", sensitivity=even, noise_covariance=np.eye(1, dtype=np.complex128)),
        transmit=even,
        source=preset.source,
        chain=preset.chain,
        sound=preset.sound,
    )


def design(n: int, limits: Limits) -> Sequence:
    """The sequence with n lines and n partitions."""
    partition, line = (index.ravel() for index in np.indices((n, n)))
    excitation = selective(sinc_pulse(FLIP_RAD, PULSE_S, TIME_BANDWIDTH, limits), TIME_BANDWIDTH / PULSE_S, FOV_M[2], limits)
    amplitude = area_of(SAMPLES / FOV_M[0]) / WINDOW_S
    rise = ramp_s(amplitude, limits)
    read = trapezoid(amplitude, rise, WINDOW_S, rise)
    adc = Adc(samples=SAMPLES, dwell_s=WINDOW_S / SAMPLES, delay_s=rise)
    # The sample SAMPLES // 2 lies at k = 0; it is taken half a dwell time after its interval's start.
    to_centre = amplitude * (rise / 2 + (SAMPLES // 2 + 0.5) * adc.dwell_s)
    edge = (n // 2) / FOV_M[1]
    encode = gentle_lobe(area_of(edge), LOBE_S, limits)
    scales = [(index - n // 2) / (n // 2) for index in (line, partition)]
    wind = replace(encode, values_T_per_m=encode.values_T_per_m / encode.area_T_s_per_m)
    k = [area_of(edge) * scale for scale in scales]
    phase = spoil_phase_rad(0, n * n)
    blocks = (
        Block(duration_s=excitation.block_s, rf=excitation.pulse, rf_phase_rad=phase, slice=excitation.slice),
        Block(
            duration_s=LOBE_S, read=wind, phase=wind, slice=wind, read_scale=-to_centre, phase_scale=k[0],
            slice_scale=k[1] - excitation.rephasing_area_T_s_per_m,
        ),
        Block(duration_s=WINDOW_S + 2 * rise, read=read, adc=adc, adc_phase_rad=phase),
        Block(
            duration_s=LOBE_S, read=wind, phase=wind, slice=wind, read_scale=read.area_T_s_per_m, phase_scale=-k[0],
            slice_scale=-k[1],
        ),
    )  # fmt: skip
    geometry = slab("axial", (0.0, 0.0, 0.0), FOV_M, (SAMPLES, n, n), 1)
    table = BlockTable(geometry, limits.block_raster_s)
    repetition = table.play(*blocks, times=n * n) / (n * n)
    echo = excitation.block_s - excitation.centre_s + LOBE_S + rise + (SAMPLES // 2 + 0.5) * adc.dwell_s
    encoding = _encoding(geometry, line, partition, adc, echo, repetition)
    return table.finish("gre", encoding, definitions("gre", geometry, limits))


def _encoding(
    geometry: Geometry, line: np.ndarray, partition: np.ndarray, adc: Adc, echo: float, repetition_s: float
) -> Encoding:
    """The table of readouts with its header; echo: after the excitation, s."""
    rows = ReadoutRows(geometry)
    rows.add(len(line), line=line, partition=partition, echo_time_s=echo)
    return Encoding(
        geometry=geometry,
        samples=SAMPLES,
        dwell_s=adc.dwell_s,
        centre_sample=SAMPLES // 2,
        **rows.arrays(),
        repetition_time_s=repetition_s,
        flip_rad=FLIP_RAD,
        echo_times_s=(echo,),
        protocol="gre",
    )
