"""Small sequences and a plain machine, built by hand from the nouns."""

from __future__ import annotations

import numpy as np

from fullbore.data import (
    Adc,
    CoilSet,
    Encoding,
    FieldMap,
    Geometry,
    Gradient,
    Grid,
    Limits,
    PowerModel,
    RfPulse,
    ScannerSpec,
    Sequence,
    StimulationModel,
    Subject,
)

SUBJECT = Subject(identifier="S1", name="Volunteer", mass_kg=75.0, height_m=1.75)


def spec(length_m=(0.33, 0.33, 0.33), **limits):
    values = dict(gradient_T_per_m=0.045, slew_T_per_m_s=200.0, b1_peak_T=20e-6) | limits
    grid = Grid.centred((2, 2, 2), (0.1, 0.1, 0.1))
    field = FieldMap(values=np.ones((1, 2, 2, 2), dtype=complex), grid=grid, unit="1")
    coils = CoilSet(name="one", sensitivity=field, noise_covariance=np.eye(1, dtype=complex))
    nerves = StimulationModel(rheobase_T_per_s=20.0, chronaxie_s=0.36e-3, effective_length_m=length_m, source="IEC")
    power = PowerModel(whole_body_W_per_kg_per_T2=5e10, head_W_per_kg_per_T2=2e11, source="test")
    return ScannerSpec(
        name="plain", b0_T=3.0, bore_diameter_m=0.65, limits=Limits(**values), stimulation=nerves, power=power,
        receive=coils, transmit=field, source="test",
    )  # fmt: skip


def encoding(rows):
    frame = np.eye(3)
    geometry = Geometry(
        read=frame[0], phase=frame[1], slice=frame[2], centre_m=np.zeros(3), fov_m=(0.2, 0.2, 0.005), matrix=(8, 8, 1),
        encoded_fov_m=(0.2, 0.2, 0.005), encoded_matrix=(8, 8, 1), slice_offsets_m=np.zeros(1),
    )  # fmt: skip
    nothing = np.zeros((rows, 3))
    return Encoding(
        geometry=geometry, samples=8, dwell_s=1e-5, centre_sample=4, counters=np.zeros((rows, 9), dtype=np.int32),
        flags=np.zeros(rows, dtype=np.uint64), k_first_per_m=nothing, k_step_per_m=nothing, echo_time_s=np.zeros(rows),
        inversion_time_s=np.full(rows, np.nan), repetition_time_s=0.01, flip_rad=0.1,
    )  # fmt: skip


def trapezoid(amplitude, rise_s, flat_s, delay_s=0.0):
    times = delay_s + np.cumsum([0.0, rise_s, flat_s, rise_s])
    values = np.array([0.0, amplitude, amplitude, 0.0])
    return Gradient(times_s=times, values_T_per_m=values) if flat_s > 0 else Gradient(
        times_s=times[[0, 1, 3]], values_T_per_m=values[[0, 1, 3]]
    )  # fmt: skip


def rect(b1_T, duration_s, delay_s=100e-6, raster_s=1e-6):
    n = round(duration_s / raster_s)
    return RfPulse(
        b1_T=np.full(n, b1_T, dtype=complex), raster_s=raster_s, delay_s=delay_s, centre_s=duration_s / 2, flip_rad=0.1, use="e"
    )


def sequence(blocks, name="hand"):
    """blocks: dicts with `duration` and any of rf (RfPulse), adc (Adc), x, y, z (Gradient or (Gradient, scale))."""
    pulses, gradients, adcs = [], [], []

    def index(pool, item):
        if item is None:
            return -1
        if not any(item is known for known in pool):
            pool.append(item)
        return next(i for i, known in enumerate(pool) if known is item)

    n = len(blocks)
    gradient, scale = np.full((n, 3), -1, dtype=np.int32), np.zeros((n, 3))
    rf, adc = np.full(n, -1, dtype=np.int32), np.full(n, -1, dtype=np.int32)
    for b, block in enumerate(blocks):
        rf[b], adc[b] = index(pulses, block.get("rf")), index(adcs, block.get("adc"))
        for axis, letter in enumerate("xyz"):
            event = block.get(letter)
            event = event if isinstance(event, tuple) else (event, 1.0)
            gradient[b, axis], scale[b, axis] = index(gradients, event[0]), event[1] if event[0] is not None else 0.0
    return Sequence(
        name=name, rf_pulses=tuple(pulses), gradients=tuple(gradients), adcs=tuple(adcs),
        duration_s=np.array([block["duration"] for block in blocks], dtype=float), rf=rf, rf_phase_rad=np.zeros(n),
        rf_frequency_Hz=np.zeros(n), gradient=gradient, gradient_scale=scale, adc=adc, adc_phase_rad=np.zeros(n),
        encoding=encoding(int((adc >= 0).sum())),
    )  # fmt: skip


def readout(samples=8, dwell_s=1e-5, delay_s=10e-6):
    return Adc(samples=samples, dwell_s=dwell_s, delay_s=delay_s)


def finding(verdict, check, where=""):
    return next(f for f in verdict.findings if f.check == check and f.where.startswith(where))
