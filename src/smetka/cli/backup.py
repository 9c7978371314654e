"""`smetka backup` and `smetka restore`."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from smetka.cli.options import counted, json_option, print_json, setting_options
from smetka.cli.progress import progress
from smetka.cli.records import open_storage
from smetka.cli.speech import Speech
from smetka.cli.terminal import say
from smetka.core.errors import CommandFailed
from smetka.keys import adopt_keys, stored_keys
from smetka.settings import Settings, load_settings
from smetka.storage.backup import KEYS, MANIFEST, Manifest, back_up, describe, keys_in
from smetka.storage.restore import restore as put_back

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("folder", metavar="DIR", type=_FOLDER)
@setting_options("data_dir")
@json_option
def backup(*, folder: Path, as_json: bool, **options: Any) -> None:
    """Copy Smetka's own records and keys into a new folder, while it runs or not.

    The backup holds at least all that was acknowledged before it began. The ledger is the shop's
    own and is not in it.
    """
    settings = load_settings(options)
    _check_there_is_something(settings)
    label = Speech(settings.language).gettext("Records")
    keys = stored_keys(settings.effective_keys_file)
    with open_storage(settings, "backup") as storage, progress(label) as tell:
        made = back_up(
            storage,
            folder,
            version=version("smetka"),
            now=lambda: datetime.now(UTC),
            keys=keys,
            progress=tell,
        )
    _tell(made, f"Backed up to {folder}", as_json=as_json)


@click.command()
@click.argument("folder", metavar="DIR", type=_FOLDER)
@setting_options("data_dir")
@json_option
def restore(*, folder: Path, as_json: bool, **options: Any) -> None:
    """Put the records of a backup into an empty data directory or database.

    Safe to repeat when it was interrupted. Keys are put back where none were ever made.
    """
    settings = load_settings(options)
    label = Speech(settings.language).gettext("Records")
    with open_storage(settings, "restore") as storage, progress(label) as tell:
        restored = put_back(storage, folder, progress=tell)
    keys = keys_in(folder, restored)
    if keys is not None and not adopt_keys(settings.effective_keys_file, keys):
        say("There are keys already; the backup's were left out.", err=True)
        others = {name: file for name, file in restored.files.items() if name != KEYS}
        restored = restored.model_copy(update={"files": others})
    _tell(restored, f"Restored from {folder}", as_json=as_json)
    say(
        "Keys, chats' roles and invites that came back are good as they were then, also those that were "
        "revoked, taken away or used since: look at `smetka key list` and `smetka telegram chats`.",
        err=True,
    )


def _check_there_is_something(settings: Settings) -> None:
    """Under another user or from another folder, cron would back up a new, empty directory each night."""
    if settings.mongodb_uri is None and not (settings.data_dir / "mongodb").exists():
        raise CommandFailed(
            f"Nothing was ever stored in the data directory {settings.data_dir}. "
            "Set SMETKA_DATA_DIR to the server's."
        )


def _tell(manifest: Manifest, done: str, *, as_json: bool) -> None:
    if as_json:
        print_json(describe(manifest))
        return
    say(f"{done}, made at {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC; {MANIFEST} lists it:")
    for name, file in manifest.files.items():
        say(f"  {name}: {counted(file.records, 'line' if name == KEYS else 'record')}")
