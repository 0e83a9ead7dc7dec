"""The seven jobs of the simulator benchmark as Pulseq files, made with PyPulseq: shaped pulses, ramps and spoilers as played.

Run: python benchmarks/jobs.py FOLDER [name ...] writes them. Axes: read x, phase y, slice or partition z. RF lies on a raster of
10 us, so that brute force is affordable; every file passes PyPulseq's timing check.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pypulseq as pp

LIMITS = pp.Opts(
    max_grad=40, grad_unit="mT/m", max_slew=150, slew_unit="T/m/s", rf_ringdown_time=30e-6, rf_dead_time=100e-6,
    adc_dead_time=10e-6, rf_raster_time=10e-6, B0=3.0,
)  # fmt: skip
RASTER_S = LIMITS.grad_raster_time
GOLDEN_RAD = math.pi * (math.sqrt(5) - 1) / 2
Event = SimpleNamespace


def trapezoid(axis: str, **given: float) -> Event:
    """A trapezoid within the limits."""
    return pp.make_trapezoid(axis, system=LIMITS, **given)


def selective(flip_deg: float, length_s: float, slice_m: float, use: str, product: float = 4.0) -> tuple[Event, Event]:
    """A Hann-windowed sinc and its slice gradient, centred on each other."""
    pulse, gradient, _ = pp.make_sinc_pulse(
        flip_angle=math.radians(flip_deg), duration=length_s, slice_thickness=slice_m, apodization=0.5,
        time_bw_product=product, delay=LIMITS.rf_dead_time, system=LIMITS, return_gz=True, use=use,
    )  # fmt: skip
    return pulse, gradient


def ceiled(time_s: float) -> float:
    """The next time on the block raster."""
    return math.ceil(time_s / RASTER_S - 1e-6) * RASTER_S


def tail(pulse: Event, gradient: Event) -> float:
    """From the pulse's middle to the end of its block."""
    return float(pp.calc_duration(pulse, gradient) - pulse.delay - pp.calc_rf_center(pulse)[0])


def after_middle(gradient: Event) -> float:
    """Area of a slice gradient that the transverse magnetisation sees: from its flat top's middle on."""
    return float(gradient.amplitude * (gradient.flat_time + gradient.fall_time) / 2)


class ReadLine:
    """A read gradient with its samples, and the moment before it that puts k = 0 on sample n // 2."""

    def __init__(self, samples: int, dwell_s: float, step_per_m: float):
        length = ceiled(samples * dwell_s)
        self.gradient = trapezoid("x", flat_area=step_per_m * length / dwell_s, flat_time=length)
        start = ceiled(self.gradient.rise_time)
        self.adc = pp.make_adc(samples, dwell=dwell_s, delay=start, system=LIMITS)
        held = start + (samples // 2 + 0.5) * dwell_s
        self.before = self.gradient.amplitude * (held - self.gradient.rise_time / 2)
        self.to_centre_s = held
        self.after = self.gradient.area - self.before
        self.duration_s = float(pp.calc_duration(self.gradient, self.adc))


class Program:
    """A PyPulseq sequence that knows its time."""

    def __init__(self, name: str, fov_m: float):
        self.sequence = pp.Sequence(system=LIMITS)
        self.sequence.set_definition("Name", name)
        self.sequence.set_definition("FOV", [fov_m] * 3)
        self.time_s = 0.0

    def play(self, *events: Event, at_least_s: float = 0.0) -> None:
        """One block."""
        length = ceiled(max(at_least_s, float(pp.calc_duration(*events)) if events else 0.0))
        self.sequence.add_block(*events, pp.make_delay(length))
        self.time_s += length

    def wait_until(self, time_s: float) -> None:
        """Nothing, until then."""
        gap = round((time_s - self.time_s) / RASTER_S) * RASTER_S
        if gap < -1e-9:
            raise ValueError(f"job: {-gap:.6f} s too long. Give it a longer repetition or echo time.")
        if gap > 1e-9:
            self.play(at_least_s=gap)

    def moments(self, areas_per_m: dict[str, float], length_s: float) -> None:
        """Moments on several axes together."""
        events = [trapezoid(axis, area=area, duration=length_s) for axis, area in areas_per_m.items() if abs(area) > 1e-9]
        self.play(*events, at_least_s=length_s)


def gre(lines: int = 128, samples: int = 128, fov_m: float = 0.256, radial: bool = False) -> Any:
    """RF-spoiled gradient echo, 15 degrees, TR 8 ms, slice 5 mm, 4 cycles of spoiling per slice; or golden-angle radial."""
    program = Program("radial" if radial else "gre", fov_m)
    pulse, select = selective(15, 2e-3, 5e-3, "excitation")
    line = ReadLine(samples, 20e-6, 1 / fov_m)
    for view in range(lines):
        start = program.time_s
        pulse.phase_offset = line.adc.phase_offset = math.radians(117 * view * (view + 1) / 2) % (2 * math.pi)
        angle = view * GOLDEN_RAD if radial else 0.0
        turn = {"x": math.cos(angle), "y": math.sin(angle)}
        encode = 0.0 if radial else (view - lines // 2) / fov_m
        read = [pp.scale_grad(line.gradient, scale) for scale in turn.values() if abs(scale) > 1e-12]
        for event, axis in zip(read, [a for a, s in turn.items() if abs(s) > 1e-12], strict=True):
            event.channel = axis
        program.play(pulse, select)
        rewind = -after_middle(select)
        program.moments({"x": -line.before * turn["x"], "y": encode - line.before * turn["y"], "z": rewind}, 1e-3)
        program.play(*read, line.adc)
        back = {"x": -line.after * turn["x"], "y": -encode - line.after * turn["y"]}
        program.moments({**back, "z": 4 / 5e-3 - after_middle(select)}, 1e-3)
        program.wait_until(start + 8e-3)
    return program.sequence


def bssfp(lines: int = 128, samples: int = 128, fov_m: float = 0.256, dummies: int = 20) -> Any:
    """Balanced: 40 degrees, TR 5 ms, phases 0 and 180, half an angle half a TR before."""
    program = Program("bssfp", fov_m)
    half, select = selective(20, 1e-3, 5e-3, "excitation", 2.0)
    pulse, _ = selective(40, 1e-3, 5e-3, "excitation", 2.0)
    line = ReadLine(samples, 10e-6, 1 / fov_m)
    half.phase_offset = math.pi
    program.play(half, select)
    # Its own rewinder and the next pulse's, in one: the train starts half a repetition later.
    program.moments({"z": -2 * after_middle(select)}, 1e-3)
    program.wait_until(2.5e-3)
    for view in range(-dummies, lines):
        start = program.time_s
        pulse.phase_offset = line.adc.phase_offset = math.pi * (view % 2)
        encode = (view - lines // 2) / fov_m if view >= 0 else 0.0
        program.play(pulse, select)
        program.moments({"x": -line.before, "y": encode, "z": -after_middle(select)}, 6e-4)
        program.play(line.gradient, *([line.adc] if view >= 0 else []))
        program.moments({"x": -line.after, "y": -encode, "z": -after_middle(select)}, 6e-4)
        program.wait_until(start + 5e-3)
    return program.sequence


def se_epi(lines: int = 64, fov_m: float = 0.224) -> Any:
    """Single-shot spin-echo EPI, TE 70 ms, crushed refocusing."""
    program = Program("se_epi", fov_m)
    excite, select = selective(90, 3e-3, 5e-3, "excitation")
    refocus, wide = selective(180, 3e-3, 6e-3, "refocusing")
    excite.phase_offset = math.pi / 2
    line = ReadLine(lines, 5e-6, 1 / fov_m)
    blip = trapezoid("y", area=1 / fov_m)
    blip_s, crush, half_te = float(pp.calc_duration(blip)), 4 / 5e-3, 35e-3
    middle = pp.calc_duration(excite, select) - tail(excite, select)
    program.play(excite, select)
    # Moments before refocusing appear with the opposite sign after it.
    program.moments({"x": line.before, "y": lines // 2 / fov_m, "z": crush - after_middle(select)}, 1.2e-3)
    to_middle = pp.calc_duration(refocus, wide) - tail(refocus, wide)
    program.wait_until(middle + half_te - to_middle)
    program.play(refocus, wide)
    program.moments({"z": crush}, 1.2e-3)
    program.wait_until(ceiled(middle + 2 * half_te - line.to_centre_s - lines // 2 * (line.duration_s + blip_s)))
    for number in range(lines):
        program.play(pp.scale_grad(line.gradient, (-1) ** number), line.adc)
        program.play(blip)
    program.moments({"z": crush}, 2e-3)
    return program.sequence


def tse(lines: int = 128, samples: int = 128, fov_m: float = 0.256, train: int = 8) -> Any:
    """Turbo spin echo: 8 echoes 10 ms apart, refocusing by 150 degrees, TR 1 s."""
    program = Program("tse", fov_m)
    excite, select = selective(90, 2e-3, 5e-3, "excitation")
    refocus, wide = selective(150, 2e-3, 6e-3, "refocusing")
    excite.phase_offset = math.pi / 2
    line = ReadLine(samples, 20e-6, 1 / fov_m)
    crush, half = 4 / 5e-3, 5e-3
    to_middle = pp.calc_duration(refocus, wide) - tail(refocus, wide)
    for shot in range(lines // train):
        start = program.time_s
        middle = start + pp.calc_duration(excite, select) - tail(excite, select)
        program.play(excite, select)
        program.moments({"x": line.before, "z": -after_middle(select)}, 1e-3)
        for echo in range(train):
            encode = (echo * (lines // train) + shot - lines // 2) / fov_m
            program.wait_until(middle + (2 * echo + 1) * half - to_middle - (1e-3 if echo == 0 else 0.0))
            if echo == 0:
                program.moments({"z": crush}, 1e-3)
            program.play(refocus, wide)
            program.moments({"y": encode, "z": crush}, 1e-3)
            program.wait_until(ceiled(middle + (2 * echo + 2) * half - line.to_centre_s))
            program.play(line.gradient, line.adc)
            # From the echo on, read moments are equal before and after: the next refocusing finds `before` again.
            program.moments({"x": line.before - line.after, "y": -encode, "z": crush}, 1e-3)
        program.wait_until(start + 1.0)
    return program.sequence


def mprage(matrix: tuple[int, int, int] = (64, 16, 8), fov_m: float = 0.256, skip: int = 1, tail_s: float = 0.5) -> Any:
    """3D MPRAGE: adiabatic inversion, then a train over partitions per line, 9 degrees, 8 ms apart; slab of 180 mm."""
    program = Program("mprage", fov_m)
    invert = pp.make_adiabatic_pulse(
        "hypsec", duration=10e-3, dwell=10e-6, delay=LIMITS.rf_dead_time, system=LIMITS, use="inversion"
    )
    pulse, select = selective(9, 1e-3, 0.18, "excitation", 6.0)
    samples, rows, partitions = matrix
    line = ReadLine(2 * samples, 10e-6, 0.5 / fov_m)
    number, slab_m = 0, fov_m * partitions / rows
    for row in range(0, rows, skip):
        program.play(invert)
        program.moments({"z": 2000.0}, 8e-3)
        train = ceiled(program.time_s + max(0.9 - 8e-3 * partitions / skip / 2, 0.05))
        for place, partition in enumerate(range(0, partitions, skip)):
            program.wait_until(train + place * 8e-3)
            pulse.phase_offset = line.adc.phase_offset = math.radians(117 * number * (number + 1) / 2) % (2 * math.pi)
            encode = {"y": (row - rows // 2) / fov_m, "z": (partition - partitions // 2) / slab_m}
            program.play(pulse, select)
            program.moments({"x": -line.before, "y": encode["y"], "z": encode["z"] - after_middle(select)}, 1e-3)
            program.play(line.gradient, line.adc)
            # Two cycles of spoiling per voxel along the read axis.
            program.moments({"x": 2 * samples / fov_m - line.after, "y": -encode["y"], "z": -encode["z"]}, 1e-3)
            number += 1
        program.wait_until(train + 8e-3 * math.ceil(partitions / skip) + tail_s)
    return program.sequence


def spiral_waveform(matrix: int, fov_m: float, arms: int) -> np.ndarray:
    """Complex gradient in Hz/m on the raster's edges: an Archimedean arm as fast as 90 % of the limits allow, from rest."""
    reach, turns = matrix / (2 * fov_m), matrix / (2 * arms)
    slew, most = 0.9 * LIMITS.max_slew, 0.9 * LIMITS.max_grad
    fine = RASTER_S / 8
    place, speed, found = 0.0, 0.0, [0j]
    spin = 2j * math.pi * turns
    while place < 1:
        turn = np.exp(spin * place)
        first = reach * (1 + spin * place) * turn
        second = reach * (2 * spin + spin**2 * place) * turn
        # |first a + second speed^2| = slew, the larger root.
        bend = second * speed**2
        cross, size = (first.conjugate() * bend).real, abs(first) ** 2
        under = cross**2 - size * (abs(bend) ** 2 - slew**2)
        push = (-cross + math.sqrt(under)) / size if under > 0 else -cross / size
        speed = min(max(speed + push * fine, 1e-9), most / abs(first))
        place += speed * fine
        found.append(reach * (1 + spin * place) * np.exp(spin * place) * speed)
    return np.asarray(found[::8])


def spiral(arms: int = 16, matrix: int = 128, fov_m: float = 0.256) -> Any:
    """Spoiled spiral gradient echo out from the centre, 16 arms, TR 20 ms, flip 20 degrees."""
    program = Program("spiral", fov_m)
    pulse, select = selective(20, 2e-3, 5e-3, "excitation")
    out = spiral_waveform(matrix, fov_m, arms)
    down = math.ceil(abs(out[-1]) / (0.9 * LIMITS.max_slew) / RASTER_S)
    edges = np.concatenate([out, out[-1] * np.linspace(1, 0, down + 1)[1:]])
    middles = 0.5 * (edges[1:] + edges[:-1])
    moment = middles.sum() * RASTER_S
    samples = int(len(out) * RASTER_S / 5e-6 // 8 * 8)
    adc = pp.make_adc(samples, dwell=5e-6, delay=20e-6, system=LIMITS)
    for arm in range(arms):
        start = program.time_s
        pulse.phase_offset = adc.phase_offset = math.radians(117 * arm * (arm + 1) / 2) % (2 * math.pi)
        turn = np.exp(2j * math.pi * arm / arms)
        wave = turn * middles
        curves = [
            pp.make_arbitrary_grad(axis, part(wave), first=0.0, last=0.0, delay=20e-6, system=LIMITS)
            for axis, part in (("x", np.real), ("y", np.imag))
        ]
        program.play(pulse, select)
        program.moments({"z": -after_middle(select)}, 1e-3)
        program.play(*curves, adc)
        back = -turn * moment
        program.moments({"x": back.real, "y": back.imag, "z": 4 / 5e-3 - after_middle(select)}, 1.5e-3)
        program.wait_until(start + 20e-3)
    return program.sequence


JOBS: dict[str, Callable[[], Any]] = {
    "gre": gre,
    "se_epi": se_epi,
    "mprage": mprage,
    "bssfp": bssfp,
    "tse": tse,
    "radial": lambda: gre(radial=True),
    "spiral": spiral,
    "mprage_full": lambda: mprage((192, 192, 176), 0.192, 2),
}


def write_jobs(folder: Path, names: Iterable[str]) -> list[Path]:
    """Write the jobs' files; refuses one that fails the timing check."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name in names:
        sequence = JOBS[name]()
        fits, faults = sequence.check_timing()
        if not fits:
            raise ValueError(f"job {name}: {len(faults)} timing faults, the first: {faults[0]}")
        files.append(folder / f"{name}.seq")
        sequence.write(str(files[-1]))
    return files


if __name__ == "__main__":
    for file in write_jobs(Path(sys.argv[1]), sys.argv[2:] or JOBS):
        print(file)
