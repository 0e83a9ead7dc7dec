"""A body in motion as a movie: two planes through what moves, over one period, as GIF or MP4."""

from __future__ import annotations

import importlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from fullbore.data import Grid
from fullbore.errors import UsageError
from fullbore.files.atomic import atomic_path
from fullbore.phantom import Body
from fullbore.phantom.body_truth import property_maps
from fullbore.phantom.moving import moves, period_s, quickest_s
from fullbore.phantom.objects.gels import pipe_velocity

# The pictures' weighting is that of a heart's cine scan: balanced steady state with this flip angle, short repetition.
_FLIP_RAD, _WHITE = 0.9, 0.42
_FRAMES_PER_CYCLE, _MOST_FRAMES, _GREYS = 16, 80, 48
_LARGE_PX = 220
# Stripes by which flow is seen, of the pipe's length.
_STRIPE_M = 0.03

Tell = Callable[[float], None]


def check_movie(path: Path, body: Body) -> None:
    """Refuse what cannot become a movie, before anything is worked out. Errors: UsageError."""
    if path.suffix.lower() not in (".gif", ".mp4"):
        raise UsageError(f"--movie {path}: wanted a name that ends in .gif or .mp4.")
    if path.suffix.lower() == ".mp4" and _encoder() is None:
        raise UsageError(
            f"--movie {path}: MP4 needs ffmpeg, which is not here. Install ffmpeg or imageio-ffmpeg, or name a .gif."
        )
    if not moves(body) and "peak_velocity_m_per_s" not in body.truths:
        raise UsageError(f"--movie: {body.name} does not move. Leave --movie out.")


def movie(body: Body, tell: Tell) -> tuple[np.ndarray, float]:
    """Frames (t, y, x) from 0 to 1 over one period, and the time between them (s). tell: called with the share that is done."""
    if not moves(body):
        stripes = _flowing(body)
        tell(1.0)
        return stripes, _STRIPE_M / body.truths["peak_velocity_m_per_s"] * 2 / len(stripes)
    # Without a common period one cycle of the slowest, where the last frame does not meet the first.
    period = period_s(body) or max(p for p in _all_periods(body) if p is not None)
    count = min(_MOST_FRAMES, _FRAMES_PER_CYCLE * max(1, round(period / (quickest_s(body) or period))))
    cuts, frames = [_plane(body, axis) for axis in (2, 1)], list[np.ndarray]()
    for number in range(count):
        frames.append(_joined([_picture(body, cut, period * number / count) for cut in cuts]))
        tell((number + 1) / count)
    return np.stack(frames), period / count


def write_movie(frames: np.ndarray, step_s: float, path: Path) -> None:
    """Write frames (t, y, x) from 0 to 1 as GIF (for ever; steps of 20 ms at least) or MP4, in real time.

    Errors: UsageError, OutputError.
    """
    if path.suffix.lower() == ".mp4":
        _write_mp4(frames, step_s, path)
        return
    palette = np.repeat(np.linspace(0, 255, _GREYS).round().astype(np.uint8), 3).tobytes()
    pictures = []
    for frame in np.rint(frames * (_GREYS - 1)).astype(np.uint8):
        picture = Image.fromarray(frame)
        picture = Image.frombytes("P", picture.size, frame.tobytes())
        picture.putpalette(palette)
        pictures.append(picture)
    # GIF counts in hundredths of a second; viewers refuse less than two of them.
    duration = max(20, round(100 * step_s) * 10)
    with atomic_path(path) as temporary:
        pictures[0].save(
            temporary, format="GIF", save_all=True, append_images=pictures[1:], duration=duration, loop=0, optimize=False
        )


def _write_mp4(frames: np.ndarray, step_s: float, path: Path) -> None:
    encoder = _encoder()
    if encoder is None:
        raise UsageError(f"{path}: MP4 needs ffmpeg. Install it, or name a .gif.")
    even = frames[:, : frames.shape[1] // 2 * 2, : frames.shape[2] // 2 * 2]
    size = f"{even.shape[2]}x{even.shape[1]}"
    with atomic_path(path) as temporary:
        command = [
            encoder,
            "-y",
            "-loglevel",
            "error",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "gray",
            "-s",
            size,
            "-r",
            f"{1 / step_s:.4f}",
        ]
        command += ["-i", "-", "-pix_fmt", "yuv420p", "-f", "mp4", str(temporary)]
        told = subprocess.run(command, input=np.rint(255 * even).astype(np.uint8).tobytes(), capture_output=True, check=False)
        if told.returncode != 0:
            raise UsageError(f"{path}: ffmpeg could not write it ({told.stderr.decode(errors='replace').strip()}). Name a .gif.")


def _encoder() -> str | None:
    """Where ffmpeg is, if it is."""
    found = shutil.which("ffmpeg")
    if found is None:
        try:
            found = str(importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())
        except (ImportError, RuntimeError):
            return None
    return found


def _all_periods(body: Body) -> Iterator[float | None]:
    for one in (body.movement, *(layer.movement for layer in body.layers)):
        if one is not None:
            yield one.period_s
            yield one.quickest_s


def _plane(body: Body, axis: int) -> Grid:
    """One layer of voxels across an axis (0 x, 1 y, 2 z) through the middle of what moves."""
    assert body.low_m is not None and body.high_m is not None
    low, high = np.array(body.low_m), np.array(body.high_m)
    spacing = float((high - low).max()) / _LARGE_PX
    size = np.maximum(np.rint((high - low) / spacing).astype(int), 1)
    size[axis] = 1
    affine = np.diag([spacing] * 3 + [1.0])
    affine[:3, 3] = low + spacing / 2
    affine[axis, 3] = _focus(body)[axis]
    return Grid(shape=(int(size[2]), int(size[1]), int(size[0])), affine_m=affine)


def _focus(body: Body) -> np.ndarray:
    """The middle of the left ventricle, or of all that moves by itself, or of the body."""
    moving = [layer for layer in body.layers if layer.movement is not None]
    chosen = [layer for layer in moving if layer.organ == "left ventricle"] or moving
    low, high = np.array(body.low_m), np.array(body.high_m)
    if chosen:
        low = np.maximum(low, np.min([layer.shape.low_m for layer in chosen], axis=0))
        high = np.minimum(high, np.max([layer.shape.high_m for layer in chosen], axis=0))
    return np.asarray((low + high) / 2)


def _picture(body: Body, plane: Grid, time_s: float) -> np.ndarray:
    """Balanced steady state in a plane as it hangs: front or head on top, the patient's left on the right.

    Source: Scheffler and Lehnhardt 2003, Eur Radiol 13:2409 (for a repetition much shorter than T2).
    """
    maps = property_maps(body, plane, time_s)
    t1, t2, density = (np.nan_to_num(maps[name].value) for name in ("T1", "T2", "PD"))
    ratio, cosine = t1 / np.maximum(t2, 1e-6), np.cos(_FLIP_RAD)
    signal = density * np.sin(_FLIP_RAD) / (1 + cosine + (1 - cosine) * ratio)
    cut = signal[0] if plane.shape[0] == 1 else signal[::-1, 0]
    return np.asarray(np.clip(cut / _WHITE, 0, 1))


def _joined(pictures: list[np.ndarray]) -> np.ndarray:
    """Side by side, in the middle of the tallest."""
    tall = max(picture.shape[0] for picture in pictures)
    columns = []
    for picture in pictures:
        room = tall - picture.shape[0]
        columns.append(np.pad(picture, ((room // 2, room - room // 2), (2, 2))))
    return np.concatenate(columns, axis=1)


def _flowing(body: Body) -> np.ndarray:
    """The pipe along its axis: stripes put on the fluid at time 0, carried along for as long as the fastest takes two of them."""
    assert body.low_m is not None and body.high_m is not None
    wide, low, high = 4 * body.truths["radius_m"], body.low_m[2], body.high_m[2]
    z = np.linspace(high, low, 240)
    x = np.linspace(-wide, wide, 64)
    points = np.stack([np.tile(x, len(z)), np.zeros(len(z) * len(x)), np.repeat(z, len(x))], axis=1)
    speed = pipe_velocity(body, points)[:, 2]
    inside = np.abs(points[:, 0]) < body.truths["radius_m"]
    frames, last = [], 2 * _STRIPE_M / max(body.truths["peak_velocity_m_per_s"], 1e-9)
    for time in np.linspace(0, last, 32, endpoint=False):
        stripes = 0.55 + 0.45 * np.cos(2 * np.pi * (points[:, 2] - speed * time) / _STRIPE_M)
        frames.append(np.where(inside, stripes, 0.25).reshape(len(z), len(x)))
    return np.stack(frames)
