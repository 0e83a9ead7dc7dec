# TRUTHS of Bloch-McConnell: no exchange = plain Bloch | exchange alone keeps the total | equilibrium in detailed balance stays
#   | a pool's dip in the Z-spectrum = Zaiss and Bachert's steady state; without the pool it is symmetric | WASABI's closed form
#   | R1rho in fast exchange = Trott and Palmer | a spin lock of 10, 20, 40 ms keeps exp(-t / T1rho); its tilted rate
#   | a semisolid's saturation = Henkelman's steady state, more with more of it | lineshapes have area 1 and the integral's values
from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import expm
from scipy.optimize import curve_fit

from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T as GAMMA
from fullbore.signal import play
from fullbore.signal.bloch_mcconnell import generator, play_pools, steady_state
from fullbore.signal.lineshapes import gaussian, lorentzian, super_lorentzian


def system(**changes) -> dict:
    """Water with an amide-like pool."""
    fraction = np.array([0.99, 0.01])
    rate = 50.0
    return dict(
        t1_s=np.array([1.5, 1.0]), t2_s=np.array([0.08, 0.03]), shift_Hz=np.array([0.0, 447.0]), fraction=fraction,
        exchange_per_s=np.array([[0, rate * fraction[1] / fraction[0]], [rate, 0]]),
    ) | changes  # fmt: skip


def alone(t1: float = 1.5, t2: float = 0.08) -> dict:
    one = np.ones(1)
    return dict(t1_s=t1 * one, t2_s=t2 * one, shift_Hz=0 * one, fraction=one, exchange_per_s=np.zeros((1, 1)))


def after(constants: dict, nutation_Hz: float, frequency_Hz: np.ndarray, time_s: float, start: np.ndarray, **more) -> np.ndarray:
    """States after b1 along x of a nutation frequency, by one matrix exponential."""
    b1 = np.full(len(frequency_Hz), 2 * np.pi * nutation_Hz / GAMMA)
    return expm(time_s * generator(b1_T=b1, frequency_Hz=frequency_Hz, **constants, **more)) @ start


def rest(constants: dict) -> np.ndarray:
    return np.concatenate([np.zeros(2 * len(constants["t2_s"])), constants["fraction"], [1.0]])


def test_without_exchange_it_is_plain_bloch() -> None:
    random = np.random.default_rng(0)
    n, steps = 5, 160
    common = dict(
        position_m=random.normal(size=(n, 3)) * 0.05, off_resonance_Hz=random.normal(size=n) * 60,
        b1_scale=random.uniform(0.7, 1.2, n) * np.exp(1j * random.normal(size=n)), weight=np.eye(n),
        dt_s=np.full(steps, 1e-6), b1_T=np.where(np.arange(steps) % 80 < 60, 2e-5 * np.exp(0.1j * np.arange(steps)), 0),
        gradient_T_per_m=random.normal(size=(steps, 3)) * 5e-3, sampled=np.arange(steps) % 80 == 79,
        carrier_Hz=np.where(np.arange(steps) % 80 < 60, 300.0, 0.0),
    )  # fmt: skip
    plain, _ = play(t1_s=np.full(n, 1.5), t2_s=np.full(n, 0.08), **common)
    one, _ = play_pools(**alone(), **common)
    np.testing.assert_allclose(one, plain, atol=1e-6 * np.abs(plain).max())
    halves = dict(
        t1_s=np.full(2, 1.5), t2_s=np.full(2, 0.08), shift_Hz=np.zeros(2), fraction=np.array([0.3, 0.7]),
        exchange_per_s=np.array([[0, 70.0], [30.0, 0]]),
    )  # fmt: skip
    np.testing.assert_allclose(play_pools(**halves, **common)[0], plain, atol=1e-6 * np.abs(plain).max())


def test_exchange_alone_keeps_the_total_and_equilibrium_stays() -> None:
    eternal = system(t1_s=np.full(2, 1e12), t2_s=np.full(2, 1e12), shift_Hz=np.zeros(2))
    start = np.array([0.3, -0.2, 0.1, 0.5, 0.7, -0.4, 1.0])
    end = after(eternal, 0.0, np.zeros(1), 0.1, start)[0]
    np.testing.assert_allclose(end[:6].reshape(3, 2).sum(axis=1), start[:6].reshape(3, 2).sum(axis=1), atol=1e-10)
    assert np.abs(end[:6] - start[:6]).max() > 0.1  # and yet it moved
    np.testing.assert_allclose(after(system(), 0.0, np.zeros(1), 3.0, rest(system()))[0], rest(system()), atol=1e-12)


def test_the_dip_of_a_pool_is_the_known_one() -> None:
    """Zaiss and Bachert 2013 (Phys Med Biol 58, R221): Z = cos^2(theta) R1 / R1rho, with Rex = f k alpha on the pool."""
    rate, ratio, nutation = 50.0, 0.01 / 0.99, 30.0
    constants, w1 = system(shift_Hz=np.array([0.0, 1200.0])), 2 * np.pi * nutation
    offset = np.array([-1200.0, 1200.0])  # of the RF; the spin is at minus that
    z = steady_state(generator(b1_T=np.full(2, w1 / GAMMA), frequency_Hz=-offset, **constants))[:, 4] / 0.99
    tan2 = (nutation / 1200) ** 2
    r1, r2, r2_pool = 1 / 1.5, 1 / 0.08, 1 / 0.03
    exchange = ratio * rate * w1**2 / (w1**2 + rate * (rate + r2_pool)) / (1 + tan2)
    expected = r1 / (r1 + r2 * tan2 + exchange * np.array([0, 1]))
    # 3 %: the formula leaves out the pool's own recovery (1/T1 beside k: 2 %) and its tail at the other side
    np.testing.assert_allclose(z, expected, rtol=0.03)
    assert z[0] - z[1] > 0.3
    late = after(constants, nutation, -offset, 30.0, rest(constants))[:, 4] / 0.99
    np.testing.assert_allclose(late, z, atol=1e-6)


def test_without_a_pool_the_z_spectrum_is_symmetric() -> None:
    offset = np.linspace(-600, 600, 41)
    spectrum = after(alone(), 40.0, offset, 0.5, rest(alone()))[:, 2]
    np.testing.assert_allclose(spectrum, spectrum[::-1], atol=1e-12)
    lopsided = after(system(), 40.0, -offset, 0.5, rest(system()))[:, 4]
    assert offset[np.argmax(lopsided[::-1] - lopsided)] == pytest.approx(447.0, abs=15.0)


def test_wasabi_finds_field_and_b1() -> None:
    """Schuenke et al. 2017 (Magn Reson Med 77, 571): Z = |c - d sin^2(atan(w1/dw)) sin^2(sqrt(w1^2 + dw^2) t / 2)|."""
    field, nutation, time = 23.0, 157.0 * 0.87, 5e-3  # 3.7 uT, 87 % of it
    offset = np.linspace(-240, 240, 49)

    def closed(offset, f, nu, c, d):
        dw = offset - f
        effective = np.hypot(nu, dw)
        return np.abs(c - d * (nu / effective) ** 2 * np.sin(np.pi * effective * time) ** 2)

    ideal = after(alone(1e9, 1e9), nutation, field - offset, time, rest(alone()))[:, 2]
    np.testing.assert_allclose(np.abs(ideal), closed(offset, field, nutation, 1, 2), atol=1e-9)
    phantom = alone(t2=1.0)
    z = np.abs(after(phantom, nutation, field - offset, time, rest(phantom))[:, 2])
    fits = [curve_fit(closed, offset, z, p0=(0, start, 1, 2))[0] for start in (80, 110, 140, 170)]  # it has many minima
    best = min(fits, key=lambda found: np.abs(closed(offset, *found) - z).sum())
    assert best[0] == pytest.approx(field, abs=0.01)
    # 2e-3: relaxation, 5 ms / T2 = 5e-3 here, is in the closed form only through c and d
    assert best[1] == pytest.approx(nutation, rel=2e-3)


@pytest.mark.parametrize("nutation", [100.0, 400.0, 1500.0])
@pytest.mark.parametrize("offset", [0.0, 300.0])
def test_fast_exchange_disperses_as_trott_and_palmer_say(nutation: float, offset: float) -> None:
    """Trott and Palmer 2002 (J Magn Reson 154, 157), eq. 24 and its fast limit."""
    minor, total, shift = 0.05, 3000.0, 200.0
    constants = system(
        t1_s=np.full(2, 2.0), t2_s=np.full(2, 0.1), shift_Hz=np.array([0, shift]), fraction=np.array([1 - minor, minor]),
        exchange_per_s=np.array([[0, minor * total], [(1 - minor) * total, 0]]),
    )  # fmt: skip
    matrix = generator(b1_T=np.array([2 * np.pi * nutation / GAMMA]), frequency_Hz=np.array([offset]), **constants)[0, :-1, :-1]
    values = np.linalg.eigvals(matrix)
    slowest = -values[np.abs(values.imag) < 1e-6].real.max()
    w1, wa, wb, mean = 2 * np.pi * np.array([nutation, offset, offset + shift, offset + minor * shift])
    effective, near = w1**2 + mean**2, (w1**2 + wa**2) * (w1**2 + wb**2)
    sin2 = w1**2 / effective
    exchange = sin2 * minor * (1 - minor) * (2 * np.pi * shift) ** 2 * total / (near / effective + total**2)
    # 3 %: the formula's next order is the square of the shift over the exchange rate times the minor fraction
    assert slowest == pytest.approx((1 - sin2) / 2.0 + sin2 / 0.1 + exchange, rel=0.03)


@pytest.mark.parametrize(("time", "kept"), [(0.010, 0.7788), (0.020, 0.6065), (0.040, 0.3679)])
def test_a_spin_lock_decays_with_t1rho(time: float, kept: float) -> None:
    locked = after(alone(t2=0.05), 500.0, np.zeros(1), time, np.array([1.0, 0, 0, 1]), t1rho_s=np.array([0.04]))
    assert locked[0, 0] == pytest.approx(kept, abs=1e-4)
    across = after(alone(t1=0.05, t2=0.05), 500.0, np.zeros(1), time, np.array([0, 1.0, 0, 1]), t1rho_s=np.array([0.04]))
    assert np.hypot(across[0, 1], across[0, 2]) == pytest.approx(np.exp(-time / 0.05), abs=2e-2)  # T1's recovery turns with it


def test_a_tilted_lock_has_the_known_rate() -> None:
    t1, t1rho, nutation, offset = 1.2, 0.04, 500.0, 300.0
    matrix = generator(
        b1_T=np.array([2 * np.pi * nutation / GAMMA]), frequency_Hz=np.array([offset]), t1rho_s=np.array([t1rho]), **alone(t1)
    )
    values = np.linalg.eigvals(matrix[0, :3, :3])
    sin2 = nutation**2 / (nutation**2 + offset**2)
    assert -values[np.argmin(np.abs(values.imag))].real == pytest.approx(sin2 / t1rho + (1 - sin2) / t1, rel=1e-3)


def test_a_semisolid_saturates_as_henkelman_says() -> None:
    """Henkelman et al. 1993, eq. 8, written for fractions; water's direct saturation is the Lorentzian's."""
    left, offset, w1 = [], 3000.0, 2 * np.pi * 120.0
    for solid in (0.02, 0.06, 0.12):
        back, t1, t2, t1_solid = 30.0, 1.4, 0.07, 1.0
        there = back * solid / (1 - solid)
        constants = dict(
            t1_s=np.array([t1, t1_solid]), t2_s=np.array([t2]), shift_Hz=np.zeros(1), fraction=np.array([1 - solid, solid]),
            exchange_per_s=np.array([[0, there], [back, 0]]),
        )  # fmt: skip
        g = super_lorentzian(np.array([offset]), 10e-6)
        z = after(constants, 120.0, np.array([offset]), 40.0, rest(constants), lineshape_s=g)[0, 2] / (1 - solid)
        solid_rate, water_rate = np.pi * w1**2 * g[0], w1**2 * t2 / (1 + (2 * np.pi * offset * t2) ** 2)
        above = there / t1_solid + (1 / t1) * (1 / t1_solid + solid_rate + back)
        assert z == pytest.approx(
            above / (above + there * solid_rate + water_rate * (1 / t1_solid + solid_rate + back)), rel=1e-3
        )
        left.append(z)
    assert left[0] > left[1] > left[2] and left[2] < 0.7


def test_lineshapes() -> None:
    offset = np.linspace(-2e5, 2e5, 400_001)
    assert np.trapezoid(gaussian(offset, 1e-5), 2 * np.pi * offset) == pytest.approx(1, rel=1e-6)
    wide = np.tan(np.linspace(-1.57, 1.57, 100_001)) / (2 * np.pi * 1e-5)
    assert np.trapezoid(lorentzian(wide, 1e-5), 2 * np.pi * wide) == pytest.approx(1, rel=1e-3)
    for f in (1500.0, 4000.0, 30_000.0):

        def integrand(u: float, f: float = f) -> float:
            v = abs(3 * u * u - 1)
            return np.sqrt(2 / np.pi) * 1e-5 / v * np.exp(-2 * (2 * np.pi * f * 1e-5 / v) ** 2) if v > 0 else 0.0

        magic = 3**-0.5
        wanted = sum(quad(integrand, *ends, epsabs=1e-20, epsrel=1e-11, limit=400)[0] for ends in ((0, magic), (magic, 1)))
        assert super_lorentzian(np.array([f, -f]), 1e-5) == pytest.approx(np.full(2, wanted), rel=1e-8)
    near = super_lorentzian(np.array([0.0, 1499.9, 1500.1]), 12e-6)
    assert near[0] == pytest.approx(1.4e-5, rel=0.12)  # Gloor et al. 2008 extrapolate, too, from other points
    assert near[1] == pytest.approx(near[2], rel=1e-4)
