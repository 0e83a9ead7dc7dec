# TRUTHS: rows come back from their unique ones | first is where each appears first, in order | as many as NumPy finds | none
import numpy as np

from fullbore.numerics.unique_rows import unique_rows


def test_rows_come_back():
    rng = np.random.default_rng(0)
    for count, span in ((1, 3), (1000, 3), (5000, 10**12)):
        rows = rng.integers(-span, span, (count, 4))
        first, which = unique_rows(rows)
        np.testing.assert_array_equal(rows[first][which], rows)
        assert len(first) == len(np.unique(rows, axis=0)) and (np.diff(first) > 0).all()
        assert all((which[:f] != u).all() for u, f in enumerate(first))


def test_no_rows():
    first, which = unique_rows(np.zeros((0, 3), dtype=np.int64))
    assert len(first) == len(which) == 0
