# TRUTHS of pencil-beam navigators: by Bloch, the beam is as wide as asked to 3 % and less than 2 % beyond 1.5 diameters, out to
#   three quarters of its field, upright, tilted and off centre, at 20 and 60 degrees | the edge of a body that moves between
#   navigators is found moved by as much along the beam to 0.1 mm, and moves across it count for nothing | a profile stands where
#   the body is | data without a beam, a stretch beyond the beam and impossible protocols are refused by name

from __future__ import annotations

import numpy as np
import pytest

from fullbore.clinical.library import sequence_protocol
from fullbore.data import AcquisitionFlag, Course, RigidMotion, Sequence
from fullbore.errors import DataError, LimitError, ValueRangeError
from fullbore.recon.beam_navigators import beam_profiles, beam_shifts_m
from fullbore.sequence import build, parse_protocol
from fullbore.sequence.gradient_echo.beam_navigator import Beam, beam_navigator
from fullbore.sequence.gradient_echo.echoes import design_echoes
from fullbore.sequence.placement import slab
from fullbore.sequence.pulses import pulse_response
from fullbore.simulate.cloud import SpinCloud, acquire_cloud
from tests.simulate.small import machine

SPEC = machine(b1=False, coils=False)
SMALL = {"matrix": [96, 4, 4], "navigator_interval": 4, "dummy_views": 12}
DIAMETER_M, FIELD_M = 30e-3, 0.3


def sequence(**changes: object) -> Sequence:
    table = sequence_protocol("beam_navigated_gre_3d")
    table["quick"] = {**table["quick"], **SMALL, **changes}
    return build(parse_protocol(table, quick=True), SPEC.limits)


def navigators(played: Sequence) -> np.ndarray:
    return np.flatnonzero((played.encoding.flags & int(AcquisitionFlag.NAVIGATION)) != 0)


def along(played: Sequence) -> np.ndarray:
    step = played.encoding.k_step_per_m[navigators(played)[0]]
    return step / np.linalg.norm(step)


@pytest.mark.parametrize(
    ("flip_deg", "centre_m", "along_beam"),
    [
        (20.0, (0.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
        (60.0, (0.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
        (20.0, (-70e-3, 30e-3, 40e-3), (0.2, 0.3, 0.9)),
    ],
)
def test_the_beam_is_as_wide_as_asked(
    flip_deg: float, centre_m: tuple[float, float, float], along_beam: tuple[float, float, float]
) -> None:
    geometry = slab("coronal", (0.0, 0.0, 0.0), (0.2, 0.2, 0.1), (96, 4, 4), 2)
    direction = np.array(along_beam) / np.linalg.norm(along_beam)
    asked = Beam(centre_m=centre_m, along=direction, diameter_m=DIAMETER_M, ring_m=FIELD_M, flip_rad=float(np.deg2rad(flip_deg)))
    made = beam_navigator(asked, geometry, design_echoes(96, 0.2, 600.0, 2, SPEC.limits), SPEC.limits, field="flip_angle")
    frame = made.turns[0].T @ np.stack([geometry.read, geometry.phase, geometry.slice])  # the pulse's axes in LPS
    away = np.linspace(0.0, 0.75 * FIELD_M, 226)
    for turn in (0.0, 0.8, 2.0):
        places = np.array(centre_m) + away[:, None] * (np.cos(turn) * frame[0] + np.sin(turn) * frame[1])
        x, y, z = frame @ places.T
        m_xy = np.abs(pulse_response(made.pulse, position_m=(x, y, z))[0])
        assert m_xy[0] == pytest.approx(np.sin(np.deg2rad(flip_deg)), rel=1e-3)
        low = int(np.flatnonzero(m_xy < m_xy[0] / 2)[0])
        half = np.interp(m_xy[0] / 2, m_xy[[low, low - 1]], away[[low, low - 1]])
        assert 2 * half == pytest.approx(DIAMETER_M, rel=0.03)
        assert m_xy[away > 1.5 * DIAMETER_M].max() < 0.02 * m_xy[0]
    assert np.abs(frame[2] - direction).max() < 1e-12


SHIFTS_M = 1e-3 * np.array([[0.0, 0, 0], [2, -3, 3.3], [-4, 1, -5.7], [3, 2, 9.45]])
TOP_M, EDGES_M, SOFT_M = 12e-3, (72e-3, 72e-3, 84e-3), 2e-3


def liver(played: Sequence) -> SpinCloud:
    """A block along the beam, its top at TOP_M on it, that is elsewhere at every navigator, and still while it plays.

    25 columns of 84 spins, each column's a 25th of its spacing beside another's: even along the beam and across it. Its ends are
    soft over SOFT_M, as no body is cut to a micrometre.
    """
    starts = played.block_starts_s()[np.flatnonzero(played.adc >= 0)[navigators(played)]]
    times = np.stack([starts - 8e-3, starts + 8e-3], axis=1).ravel()
    shift = Course(times_s=times, values=np.repeat(SHIFTS_M, 2, axis=0))
    turn = Course(times_s=np.zeros(1), values=np.zeros((1, 3)))
    n = 25 * 84
    number, column = np.arange(n), 7 * np.arange(n) % 25
    share = np.stack([(column % 5 + 0.5) / 5 - 0.5, (column // 5 + 0.5) / 5 - 0.5, (number + 0.5) / n - 1], axis=1)
    deep = -share[:, 2] * EDGES_M[2]
    amount = np.clip(np.minimum(deep, EDGES_M[2] - deep) / SOFT_M, 0, 1) / n
    beside = np.linalg.qr(np.stack([along(played), [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], axis=1))[0].T[1:]
    return SpinCloud(
        position_m=(share * EDGES_M + [0.0, 0.0, TOP_M]) @ [*beside, along(played)], amount=amount,
        t1_s=np.full(n, 0.8), t2_s=np.full(n, 0.04), off_resonance_Hz=np.zeros(n), b1_scale=np.ones(n),
        sensitivity=np.ones((SPEC.receive.coils, n), complex),
        motion=RigidMotion(turn=turn, shift=shift),
    )  # fmt: skip


@pytest.mark.parametrize("tilt", [["0 deg"] * 3, ["12 deg", "-8 deg", "0 deg"]])
def test_a_moving_edge_is_found(tilt: list[str]) -> None:
    # views of 0.1 degrees: what those of 10 leave of the whole body, spoiled, is spread over more columns than 25 can show
    played = sequence(navigator_centre=["0 mm"] * 3, navigator_tilt=tilt, flip_angle="0.1 deg")
    raw = acquire_cloud(liver(played), played, SPEC)
    wanted = SHIFTS_M @ along(played)
    assert np.abs(beam_shifts_m(raw, (TOP_M - 25e-3, TOP_M + 25e-3)) - wanted).max() < 0.1e-3
    assert np.abs(beam_shifts_m(raw) - wanted).max() < 0.02e-3
    place, profiles = beam_profiles(raw)
    assert place[np.gradient(profiles[0]).argmin()] == pytest.approx(TOP_M - SOFT_M / 2, abs=1e-3)  # half a sample


def test_data_without_a_beam_are_refused() -> None:
    played = sequence()
    raw = acquire_cloud(liver(played), played, SPEC)
    with pytest.raises(DataError, match="no navigators along one beam"):
        beam_profiles(raw.take(np.flatnonzero(played.encoding.counter("set") == 0)))
    with pytest.raises(ValueRangeError, match=r"within_m: got 100 to 300 mm"):
        beam_shifts_m(raw, (0.1, 0.3))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"echoes": 3}, "echoes"),
        ({"navigator_flip_angle": "120 deg"}, "navigator_flip_angle"),
        ({"navigator_field": "40 mm"}, "navigator_field"),
        ({"navigator_flip_angle": "90 deg", "navigator_diameter": "150 mm"}, "navigator_flip_angle"),
    ],
)
def test_refusals_name_the_field(changes: dict[str, object], named: str) -> None:
    with pytest.raises(LimitError, match=f"{named}: got") as caught:
        sequence(**changes)
    assert "no legal value" not in str(caught.value)
