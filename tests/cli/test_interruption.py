# TRUTHS of interruption: a Ctrl-C that falls inside a weak reference's callback still stops the work | other errors there are
#   told as before | afterwards the hook is what it was
import signal
import sys
import time
import weakref

import pytest

from fullbore.cli.interruption import interrupts_heard


class Thing:
    pass


def test_lost_interrupts_are_raised_again():
    def interrupted(_):
        signal.raise_signal(signal.SIGINT)

    thing, before = Thing(), sys.unraisablehook
    kept = weakref.ref(thing, interrupted)
    with pytest.raises(KeyboardInterrupt), interrupts_heard():
        del thing
        assert kept() is None
        for _ in range(500):
            time.sleep(0.01)
    assert sys.unraisablehook is before


def test_other_errors_are_told():
    told = []

    def wrong(_):
        raise ValueError("no")

    before, sys.unraisablehook = sys.unraisablehook, told.append
    try:
        thing = Thing()
        kept = weakref.ref(thing, wrong)
        with interrupts_heard():
            del thing
        assert kept() is None and isinstance(told[0].exc_value, ValueError)
    finally:
        sys.unraisablehook = before
