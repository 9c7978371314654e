"""Where commands find Smetka's own records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from smetka.cli.speech import Speech
from smetka.cli.terminal import say
from smetka.files.data_directory import DataDirectory
from smetka.settings import Settings, as_text
from smetka.storage import Storage

PATIENCE_SECONDS = 30.0
"""Commands run beside a server, and beside each other: what they write may have to wait its turn."""


@contextmanager
def open_storage(settings: Settings, command: str) -> Iterator[Storage]:
    """The configured MongoDB, the running server's, or the embedded one for as long as this lasts.

    Args:
        command: who holds the data directory meanwhile, in the words of the one who is kept out.
    """
    running = DataDirectory(settings.data_dir).running()
    uri = as_text(settings.mongodb_uri) or (running.embedded_uri if running else None)
    if uri:
        with _opened(settings, uri, is_guest=True) as storage:
            yield storage
        return
    from smetka.storage.embedded import EmbeddedMongoDB  # only when nothing runs yet

    with DataDirectory(settings.data_dir).hold(command):
        server = EmbeddedMongoDB(settings.data_dir)
        server.start()
        try:
            with _opened(settings, server.uri, is_guest=False) as storage:
                yield storage
        finally:
            server.stop()


@contextmanager
def _opened(settings: Settings, uri: str, *, is_guest: bool) -> Iterator[Storage]:
    opened = Storage(
        uri, patience=PATIENCE_SECONDS, is_logged=False, is_guest=is_guest, data_dir=settings.data_dir
    )
    with closing(opened) as storage:
        storage.wait_for_upgrade(lambda: _tell_of_upgrade(settings))
        yield storage


def _tell_of_upgrade(settings: Settings) -> None:
    said = Speech(settings.language).gettext(
        "Records of an earlier version are being brought along. That is done once, and takes some minutes "
        "for 100,000 of them."
    )
    say(said, err=True)
