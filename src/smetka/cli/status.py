"""`smetka status` and `smetka settings`: what runs, and what is configured."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from smetka.cli.options import json_option, print_json, setting_options, table
from smetka.cli.terminal import say
from smetka.core.errors import BonusStoreUnavailable, CommandFailed
from smetka.core.processes import descendants
from smetka.files.data_directory import DataDirectory, Running
from smetka.runtime.server import readiness
from smetka.settings import Settings, as_shown, as_text, load_settings, masked, variable

MONGODB_SECONDS = 15.0


@click.command()
@setting_options("data_dir")
@json_option
def status(data_dir: str | None, as_json: bool) -> None:
    """What runs on this data directory; any MongoDB client can use the URI that is printed."""
    folder = load_settings({"data_dir": data_dir}).data_dir
    running = DataDirectory(folder).running()
    if running is None or running.url is None:
        raise CommandFailed(f"Nothing runs on the data directory {folder}.")
    answer = _describe(running, folder)
    if as_json:
        print_json(answer)
        return
    pids = answer["pids"]
    rows = [
        ("url", answer["url"]),
        ("ready", "yes" if answer["ready"] else "no"),
        *((f"not ready: {part}", why) for part, why in answer.get("not_ready", {}).items()),
        ("mongodb", answer["mongodb_uri"] or "-"),
        ("parent", str(pids["parent"])),
        ("web", ", ".join(map(str, pids["web"])) or "-"),
        ("worker", str(pids["worker"] or "-")),
        ("mongodb pid", str(pids["mongodb"] or "-")),
    ]
    say(table(rows))


def _describe(running: Running, folder: Path) -> dict[str, Any]:
    assert running.url is not None
    web = running.pids.get("web")
    found = readiness(running.url, running.host or "localhost")
    ready = bool(found.get("ready"))
    return {
        "url": running.url,
        "mongodb_uri": running.mongodb_uri,
        "pids": {
            "parent": running.holder,
            "web": [web, *descendants(web)] if web else [],
            "worker": running.pids.get("worker"),
            "mongodb": running.pids.get("mongodb"),
        },
        "ready": ready,
        **({} if ready else {"not_ready": _not_ready(found, running, folder)}),
    }


def _not_ready(found: dict[str, Any], running: Running, folder: Path) -> dict[str, str]:
    """What is not ready, and why.

    A server that asks for keys tells only that it is not: MongoDB is then asked from here, where its
    address is known.
    """
    parts = found.get("parts", {})
    told = {name: str(part["detail"]) for name, part in parts.items() if not part["ready"]}
    uri = running.embedded_uri or as_text(load_settings().mongodb_uri)
    is_its_own = running.embedded_uri or masked(uri) == running.mongodb_uri
    if uri and is_its_own and ("mongodb" in told or not parts):
        from smetka.storage import Storage  # it brings pymongo

        try:
            with closing(Storage(uri, is_logged=False, data_dir=folder)) as storage:
                storage.ping(MONGODB_SECONDS)
        except BonusStoreUnavailable as error:
            told["mongodb"] = error.reason
    return told


@click.command()
@json_option
def settings(as_json: bool) -> None:
    """Every setting: its value (secrets masked), where it came from, its default, and help."""
    loaded = load_settings()
    rows = [_row(loaded, field) for field in Settings.model_fields]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        say(f"{row['name']} = {row['value'] or '(not set)'}   [{row['origin']}]")
        say(click.wrap_text(row["help"], 78, "    ", "    "))


def _row(loaded: Settings, field: str) -> dict[str, Any]:
    return {
        "name": variable(field),
        "value": as_shown(loaded, field),
        "origin": loaded.origin(field),
        "default": as_text(Settings.model_fields[field].get_default(call_default_factory=True)),
        "help": Settings.model_fields[field].description,
    }
