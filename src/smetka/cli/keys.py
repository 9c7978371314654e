"""`smetka key`: who may use the API."""

from __future__ import annotations

import click

from smetka.cli.options import json_option, print_json, setting_options, table
from smetka.cli.terminal import say
from smetka.keys import ROLES, create_key, list_keys, revoke_key
from smetka.settings import load_settings


@click.group()
def key() -> None:
    """API keys. Once one was ever made, every request needs one."""


@key.command()
@click.argument("name")
@click.option("--role", type=click.Choice(list(ROLES)), required=True, help="What the key may do.")
@setting_options("data_dir", "keys_file")
def create(name: str, role: str, data_dir: str | None, keys_file: str | None) -> None:
    """Make a key and print it, once: only its hash is kept."""
    settings = load_settings({"data_dir": data_dir, "keys_file": keys_file})
    say(create_key(settings.effective_keys_file, name, role))
    say("Keep it now: it is shown only this once.", err=True)


@key.command("list")
@setting_options("data_dir", "keys_file")
@json_option
def list_(data_dir: str | None, keys_file: str | None, as_json: bool) -> None:
    """All keys ever made, without the keys themselves."""
    settings = load_settings({"data_dir": data_dir, "keys_file": keys_file})
    keys = list_keys(settings.effective_keys_file)
    if as_json:
        print_json([each.model_dump(mode="json", exclude={"hash"}) for each in keys])
        return
    rows = [("name", "role", "made", "revoked")]
    rows += [(each.name, each.role, str(each.created_at), str(each.revoked_at or "-")) for each in keys]
    say(table(rows))


@key.command()
@click.argument("name")
@setting_options("data_dir", "keys_file")
def revoke(name: str, data_dir: str | None, keys_file: str | None) -> None:
    """Take a key back. The running server notices at the next request."""
    settings = load_settings({"data_dir": data_dir, "keys_file": keys_file})
    revoke_key(settings.effective_keys_file, name)
    say(f"The key {name} is revoked.", err=True)
