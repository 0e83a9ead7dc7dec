"""The 3D gradient echo of gre_job.py by PyPulseq or pypulseqpp, as their authors write such sequences; all rasters are passed.

Run: python gre_sequence.py LIBRARY N FOLDER [pns]. Last line: JSON, task -> [CPU seconds, peak MB], errors under "errors".
"""

import importlib
import json
import resource
import sys
import time

import numpy as np

library, n, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
pp = importlib.import_module(library)
FOV, SAMPLES = (0.256, 0.192, 0.192), 256
found = {}


def timed(task, play):
    """Play, and keep CPU seconds and peak memory."""
    begin = time.process_time()
    result = play()
    seconds = time.process_time() - begin
    found[task] = [seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]
    return result


def build(system):
    """The sequence, block by block."""
    rf, gz, rephase = pp.make_sinc_pulse(
        flip_angle=np.deg2rad(12), duration=1e-3, slice_thickness=FOV[2], time_bw_product=4, apodization=0.5, system=system,
        return_gz=True, delay=system.rf_dead_time, use="excitation",
    )  # fmt: skip
    step = [1 / size for size in FOV]
    read = pp.make_trapezoid("x", flat_area=SAMPLES * step[0], flat_time=2.56e-3, system=system)
    adc = pp.make_adc(SAMPLES, duration=read.flat_time, delay=read.rise_time, system=system)
    before, after = (pp.make_trapezoid("x", area=area, duration=1e-3, system=system) for area in (-read.area / 2, read.area))
    lines, partitions = ((np.arange(n) - n / 2) * size for size in step[1:])
    y = [[pp.make_trapezoid("y", area=sign * area, duration=1e-3, system=system) for area in lines] for sign in (1, -1)]
    z_in = [pp.make_trapezoid("z", area=area + rephase.area, duration=1e-3, system=system) for area in partitions]
    z_out = [pp.make_trapezoid("z", area=-area, duration=1e-3, system=system) for area in partitions]
    sequence, phase, increment = pp.Sequence(system), 0.0, 0.0
    for iz in range(n):
        for iy in range(n):
            rf.phase_offset = adc.phase_offset = phase
            increment = (increment + np.deg2rad(117)) % (2 * np.pi)
            phase = (phase + increment) % (2 * np.pi)
            sequence.add_block(rf, gz)
            sequence.add_block(before, y[0][iy], z_in[iz])
            sequence.add_block(read, adc)
            labels = [pp.make_label(label=label, type="SET", value=value) for label, value in (("LIN", iy), ("PAR", iz))]
            sequence.add_block(after, y[1][iy], z_out[iz], *labels)
    return sequence


def k_error(k):
    """Largest distance to what was designed, over the extent."""
    k = np.asarray(k).reshape(3, n, n, SAMPLES)
    axis = (np.arange(n) - n / 2) / FOV[1]
    wanted = ((np.arange(SAMPLES) + 0.5 - SAMPLES / 2) / FOV[0], axis[:, None], axis[:, None, None])
    return float(max(np.abs(k[i] - wanted[i]).max() for i in range(3)) / 500.0)


def stimulation(sequence):
    """SAFE with the library's example of a machine."""
    hardware = importlib.import_module("pypulseq.utils.safe_pns_prediction").safe_example_hw()
    if library == "pypulseq":
        return sequence.calculate_pns(hardware, do_plots=False)
    return importlib.import_module("pypulseqpp.safety").check_pns(sequence, hardware)


system = pp.Opts(
    max_grad=80, grad_unit="mT/m", max_slew=200, slew_unit="T/m/s", rf_ringdown_time=30e-6, rf_dead_time=100e-6,
    adc_dead_time=10e-6, B0=3.0, grad_raster_time=10e-6, rf_raster_time=1e-6, adc_raster_time=1e-7, block_duration_raster=10e-6,
)  # fmt: skip
made = timed("build", lambda: build(system))
timed("check", made.check_timing)
if "pns" in sys.argv:
    timed("pns", lambda: stimulation(made))
file = f"{folder}/{library}.seq"
timed("write", lambda: made.write(file))
back = pp.Sequence(system)
timed("read", lambda: back.read(file))
if "k" in sys.argv:
    found["errors"] = {"k-space": k_error(timed("k-space", made.calculate_kspace)[0])}
print(json.dumps(found))
