# TRUTHS of Fourier sums: equal to the matrix product for paired, unpaired, repeated and zero frequencies, odd and even counts,
# one point, points off centre and in falling order
import numpy as np
import pytest

from fullbore.numerics.fourier_sum import FourierSum


@pytest.mark.parametrize("count", [1, 2, 7, 40])
@pytest.mark.parametrize("falling", [False, True])
@pytest.mark.parametrize(
    "frequency", [np.arange(-6, 6) * 3.7, np.array([5.0, -5.0, 0.0, 2.0, 5.0]), np.array([0.0]), np.array([-11.3, 4.0])]
)
def test_it_is_the_matrix_product(count: int, falling: bool, frequency: np.ndarray) -> None:
    random = np.random.default_rng(count)
    points = (0.013 + 0.002 * np.arange(count))[:: -1 if falling else 1]
    gain = random.uniform(0.5, 1.0, len(frequency))
    values = (random.standard_normal((count, 3, 6)) + 1j * random.standard_normal((count, 3, 6))).astype(np.complex64)
    transform = FourierSum(frequency, points, gain)
    wanted = gain[:, None] * np.exp(-2j * np.pi * np.outer(frequency, points))
    for plane in range(3):  # rows of a larger array, at its stride
        got = transform(values[:, plane])
        assert np.abs(got - wanted @ values[:, plane].astype(complex)).max() < 2e-6 * count**0.5 * np.abs(values).max() * 3
