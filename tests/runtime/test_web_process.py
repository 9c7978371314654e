"""The web server's main process: Granian's, with what it lacks."""

from __future__ import annotations

from threading import Thread

from smetka.runtime.web_process import WebServer


def test_one_more_signal_to_stop_waits_for_nothing():
    server = WebServer("smetka.web", interface="rsgi")
    server.signal_handler_interrupt()
    with server.main_loop_interrupt._cond:  # as in the middle of the first signal
        second = Thread(target=server.signal_handler_interrupt, daemon=True)
        second.start()
        second.join(10)
        assert not second.is_alive()

    assert server.main_loop_interrupt.is_set()
