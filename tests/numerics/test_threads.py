"""Threaded maps."""

# TRUTHS of threads: order kept | every item once | an error arrives and cancels | nested use is the same

import pytest
import torch

from fullbore.numerics.threads import map_threaded, run_threaded


def test_order_and_completeness():
    assert list(map_threaded(lambda n: n * n, range(100))) == [n * n for n in range(100)]
    done = []
    run_threaded(done.append, range(50))
    assert sorted(done) == list(range(50))


def test_error_arrives():
    def fail(n):
        if n == 3:
            raise ValueError("three")
        return n

    with pytest.raises(ValueError, match="three"):
        list(map_threaded(fail, range(1000)))


def test_nested():
    before = torch.get_num_threads()
    assert list(map_threaded(lambda n: sum(map_threaded(lambda m: n * m, range(4))), range(5))) == [6 * n for n in range(5)]
    assert torch.get_num_threads() == before
