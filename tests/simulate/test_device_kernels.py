# TRUTHS of the fused kernels, on a CUDA device or in Triton's interpreter (tests/conftest.py turns it on where there is none):
#   pulses and readouts in one launch = plain torch, for positions alone and with further coordinates of the field
#   | spins along a curve = plain torch, many turns away | a pulse in float64 = the processor's kernel
from __future__ import annotations

import numpy as np
import pytest
import torch

from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.simulate.cloud import device_dynamics, device_sums
from fullbore.simulate.cloud.device import play_on
from fullbore.simulate.cloud.device_cloud import carry
from fullbore.simulate.cloud.device_pulses import DevicePulses, integrate
from fullbore.simulate.cloud.device_schedule import DeviceSchedule, schedule
from fullbore.simulate.cloud.schedule import pieces
from fullbore.simulate.timeline import compile_timeline
from tests.simulate.small import TSE, built, error
from tests.simulate.test_cloud import SPEC, spins, turning
from tests.simulate.test_device import mixed

triton = pytest.importorskip("triton", reason="needs Triton, which comes with the builds of torch for CUDA")

from fullbore.simulate.cloud import device_curve_kernel, device_dynamics_kernel, device_fused, device_pulse_kernel  # noqa: E402

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available() and tuple(map(int, triton.__version__.split(".")[:2])) < (3, 9),
    reason="the interpreter of Triton 3.6 and before cannot loop under NumPy 2.4 (3.9 can): needs a newer one, or a CUDA device",
)
WHERE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def wider(table: DeviceSchedule, extra: int) -> DeviceSchedule:
    """With moments of further coordinates."""
    random = torch.Generator().manual_seed(3)
    changed = {name: getattr(table, name) for name in DeviceSchedule.__slots__}
    for name in ("move", "row_move"):
        more = torch.randn((len(changed[name]), extra), generator=random, dtype=torch.float64).to(WHERE)
        changed[name] = torch.cat([changed[name], more], dim=1)
    return DeviceSchedule(**changed)


@pytest.mark.parametrize("extra", [0, 2])
@pytest.mark.parametrize(("job", "rows"), [("tse", 256), ("tse", 3), ("turning", 2), ("mixed", 2)])
def test_pieces_in_one_launch_each_are_plain_torch(job, rows, extra):
    """In `turning` three readouts follow a pulse; in `mixed` one comes before any."""
    sequence = {"tse": lambda: built(TSE, SPEC, dummy_shots=0), "turning": turning, "mixed": lambda: mixed(turning())}[job]()
    timeline, cloud = compile_timeline(sequence), carry(spins(300), WHERE)
    pulses = DevicePulses(timeline, cloud)
    table = wider(schedule(timeline, pulses.which, WHERE), extra)
    more = torch.randn((len(cloud), extra), generator=torch.Generator().manual_seed(4), dtype=torch.float64).to(WHERE)
    place = torch.cat([cloud.place, more], dim=1).T.contiguous()
    terms = pulses.terms(cloud, torch.arange(len(cloud), device=WHERE), np.arange(len(pulses.played)))
    recovery, left = table.decay(cloud.t1_s, cloud.t2_s)
    found = []
    for run in (device_dynamics.run_piece, device_dynamics_kernel.run_piece):
        state = torch.zeros((3, len(cloud)), device=WHERE)
        state[2] = 1
        held = (terms, recovery, left, place, cloud.off_resonance_Hz, state)
        found.append(torch.cat([run(piece, table, *held) for piece in pieces(timeline.last_pulse, rows)]))
    assert float(found[0].abs().max()) > 0.1
    assert float((found[0] - found[1]).abs().max()) < 1e-6


def test_spins_along_a_curve_are_plain_torch():
    cloud, random = carry(spins(20), WHERE), np.random.default_rng(0)
    along = torch.tensor(random.normal(0, 3e4, (3, 300)), device=WHERE)  # a thousand turns
    arguments = (cloud.place, cloud.off_resonance_Hz, 1 / cloud.t2_s, along, 1e-5)
    got, wanted = device_curve_kernel.onwards(*arguments), device_sums.onwards(*arguments)
    assert float((got - wanted).abs().max()) < 1e-6


def test_a_pulse_is_the_processors():
    kind, cloud = compile_timeline(turning()).kinds[0], carry(spins(70), WHERE)
    b1 = torch.tensor(np.conj(kind.b1_T) * GYROMAGNETIC_RATIO_RAD_PER_S_T, device=WHERE)
    gradient = torch.tensor(kind.gradient_Hz_per_m, device=WHERE)
    fields = (cloud.off_resonance_Hz - 30.0, cloud.b1_size, 1 / cloud.t1_s, 1 / cloud.t2_s)
    got = device_pulse_kernel.propagate(b1, gradient, kind.step_s, kind.centre_s, cloud.place, *fields)
    assert float((got.cpu() - integrate(kind, carry(spins(70), "cpu"), 30.0)).abs().max()) < 1e-6


def test_a_sequence_with_all_kernels_is_the_one_without(monkeypatch):
    cloud, sequence = spins(40), turning()
    wanted = play_on(cloud, sequence, "cpu")
    monkeypatch.setattr(device_fused, "KINDS_OF_DEVICE", {"cpu", "cuda"})
    assert device_fused.fused(WHERE) is not None
    assert error(play_on(cloud, sequence, WHERE), wanted) < 1e-6
