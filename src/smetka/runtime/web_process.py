"""The web server's process: Granian's main process, whose workers answer the requests.

Run by the parent as ``python -m smetka.runtime.web_process``; settings come from the environment.
Nothing here imports Flask or SQLAlchemy before a worker does: the main process stays small.
"""

from __future__ import annotations

import argparse
import logging
import os
from functools import partial
from threading import Thread
from typing import Any

from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.server.mp import MPServer

from smetka.core.logs import configure_logging
from smetka.core.processes import die_with
from smetka.settings import Settings, secrets_of, settings_from_parent

DRAIN_SECONDS = 5
"""Requests under way get this long to finish when the server is told to stop."""

HEADER_MILLISECONDS = 5_000


class WebServer(MPServer):
    """Granian's server, for which a second signal to stop is one too many (2.8.7)."""

    def signal_handler_interrupt(self, *arguments: Any, **named: Any) -> None:
        """Begin to stop; nothing when that has begun.

        Granian's own sets an event, and waits for ever for the event's lock when it comes during another one
        that holds it. Several come at once from the kernel when a parent of several threads is killed.
        """
        if not self.interrupt_signal:
            super().signal_handler_interrupt(*arguments, **named)  # type: ignore[no-untyped-call]


def main() -> None:
    """Serve until SIGTERM; status 0 when all workers ended in order."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    die_with(arguments.parent)
    settings = settings_from_parent()
    _configure_logging(settings)
    WebServer(
        "smetka.web",
        address=arguments.address,
        port=arguments.port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MILLISECONDS),
        loop=Loops.uvloop,
        websockets=False,
        workers=settings.workers,
        backlog=1024,
        workers_kill_timeout=DRAIN_SECONDS,
        log_enabled=False,
    ).serve(target_loader=partial(load_worker, os.getpid()), wrap_loader=False)


def load_worker(server: int) -> Any:
    """Build the application inside a worker process that was just forked."""
    die_with(server)
    from smetka.shop.services import build_services
    from smetka.web import create_app
    from smetka.web.gateway import Gateway

    settings = settings_from_parent()
    _configure_logging(settings)
    services = build_services(settings)
    # The first question should not pay for connecting: an announcement has 250 ms.
    Thread(target=services.warm_up, name="warm-up", daemon=True).start()
    return Gateway(create_app(settings, services), on_close=services.close)


def _configure_logging(settings: Settings) -> None:
    configure_logging("web", secrets=secrets_of(settings))
    # Granian announces each start and stop; the parent says the same in its own words.
    logging.getLogger("_granian").setLevel(logging.WARNING)


if __name__ == "__main__":
    main()
