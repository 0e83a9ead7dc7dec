# TRUTHS of Agenda: nothing done = 0, all done = 1 | work at the expected pace: time to go = what is left | twice as slow: twice
# as long | never goes back
from fullbore.machinery import Agenda


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_done_runs_from_nothing_to_all() -> None:
    clock = Clock()
    agenda = Agenda({"a": 10.0, "b": 30.0}, clock)
    assert agenda.done == 0.0
    agenda.begin("a")
    agenda.advance(0.5)
    assert agenda.done == 5 / 40
    agenda.begin("b")
    agenda.advance(1.0)
    agenda.finish()
    assert agenda.done == 1.0
    assert agenda.to_go_s == 0.0


def test_time_to_go_at_the_expected_pace_is_what_is_left() -> None:
    clock = Clock()
    agenda = Agenda({"a": 10.0, "b": 30.0}, clock)
    agenda.begin("a")
    clock.now = 10.0
    agenda.begin("b")
    assert abs(agenda.to_go_s - 30.0) < 1e-9


def test_time_to_go_grows_with_the_pace() -> None:
    clock = Clock()
    agenda = Agenda({"a": 100.0, "b": 100.0}, clock)
    agenda.begin("a")
    clock.now = 200.0
    agenda.begin("b")
    assert 190.0 < agenda.to_go_s < 201.0


def test_a_fraction_never_goes_back() -> None:
    agenda = Agenda({"a": 1.0}, Clock())
    agenda.begin("a")
    agenda.advance(0.8)
    agenda.advance(0.2)
    assert agenda.done == 0.8
