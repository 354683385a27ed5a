"""Signals as wishes: one is remembered, one told twice is one, a later one acts as ever."""

import signal
import time

import pytest

from nashgrad.lab.common import interrupt as module
from nashgrad.lab.common.interrupt import Interrupt

NUMBERS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_is_remembered_and_its_handler_comes_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Interrupt() as interrupt:
        assert interrupt.signal is None
        signal.raise_signal(number)
        assert interrupt.signal == number
        assert interrupt.exit_code == 128 + number
    assert signal.getsignal(number) is before


def test_one_that_is_sent_twice_at_once_is_one() -> None:
    with Interrupt() as interrupt:
        for _ in range(3):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    assert interrupt.signal == signal.SIGTERM


def test_a_later_one_acts_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS_OF_ONE_WISH", 0.01)
    # A shell's background job ignores SIGINT, and what it starts inherits that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with Interrupt() as interrupt:
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.02)
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert interrupt.signal == signal.SIGINT
