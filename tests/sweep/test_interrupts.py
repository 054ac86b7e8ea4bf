"""An interrupt that arrives while it is held back is neither lost nor early."""

from __future__ import annotations

import signal

import pytest

from bench.sweep.pool import interrupts_held_back


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_is_handled_at_the_end(number: signal.Signals) -> None:
    before = signal.signal(number, signal.default_int_handler)
    done = []

    def work() -> None:
        with interrupts_held_back():
            signal.raise_signal(number)
            done.append("all of it")

    try:
        with pytest.raises(KeyboardInterrupt):
            work()
        assert done == ["all of it"]
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)


def test_without_one_nothing_happens() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with interrupts_held_back():
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
