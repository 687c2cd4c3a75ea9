"""A time limit ends what runs too long, and leaves no alarm behind."""

import signal
import threading
import time

import pytest

from mlpc.verify.deadline import OutOfTimeError, time_limit
from mlpc.verify.scalars import prove_zero


def compute_for_ever(*_):
    while True:
        pass


def test_what_takes_too_long_is_stopped():
    start = time.perf_counter()
    with pytest.raises(OutOfTimeError, match=r"0\.05 s"), time_limit(0.05):
        compute_for_ever()
    assert time.perf_counter() - start < 30


def test_no_alarm_is_left():
    before = signal.getsignal(signal.SIGVTALRM)
    with time_limit(60):
        pass
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGVTALRM) is before


def test_the_outer_limit_holds():
    with pytest.raises(OutOfTimeError, match=r"0\.05 s"), time_limit(0.05), time_limit(60):
        compute_for_ever()


def test_another_thread_runs_without_limit():
    done = []

    def work():
        with time_limit(0.01):
            start = time.thread_time()
            while time.thread_time() < start + 0.05:
                pass
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


def test_a_proof_that_takes_too_long_is_no_proof(monkeypatch):
    import sympy

    from mlpc.verify import scalars

    monkeypatch.setattr(scalars, "_proved", compute_for_ever)
    monkeypatch.setattr(scalars, "time_limit", lambda: time_limit(0.05))
    certificate = prove_zero(sympy.Symbol("a"))
    assert not certificate
    assert "no result after" in certificate.residual
