"""Writes the pages that are made from the code: docs/settings.md and docs/commands.md.

`make docs` runs it; a test fails when the pages and the code differ.
"""

from __future__ import annotations

from pathlib import Path

import click

from smetka.cli import cli
from smetka.settings import Settings, as_text, has_file_form, variable

DOCS = Path(__file__).parent
DEFAULTS = {"data_dir": "the platform's user data folder"}


def settings_page() -> str:
    """A table of every setting."""
    rows = []
    for field, info in Settings.model_fields.items():
        default = DEFAULTS.get(field) or as_text(info.get_default(call_default_factory=True))
        name = f"`{variable(field)}`" + (f" or `{variable(field)}_FILE`" if has_file_form(field) else "")
        shown = f"`{default}`" if default and field not in DEFAULTS else default or "none"
        rows.append(f"| {name} | {shown} | {info.description} |")
    return (
        "# Settings\n\n"
        "Made by `make docs` from the code; `smetka settings` shows them with the values in force.\n\n"
        "A setting comes from the command's option, else the environment, else a `.env` file in the working\n"
        "directory. Secrets have no option, and a URL with a password in it is refused as one: they are\n"
        "visible to every user of a machine. The `_FILE` form names a file that holds the value. Such files\n"
        "and `.env` must be yours or root's, and nobody else may write them. An unknown `SMETKA_` name is\n"
        "an error.\n\n"
        "| setting | default | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def commands_page() -> str:
    """The help of every command."""
    sections = [_help(cli, "smetka")]
    context = click.Context(cli, info_name="smetka")
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        sections.append(_help(command, f"smetka {name}"))
        if isinstance(command, click.Group):
            sections += [_help(sub, f"smetka {name} {sub.name}") for sub in command.commands.values()]
    return "# Commands\n\nMade by `make docs` from the code.\n\n" + "\n".join(sections)


def _help(command: click.Command, name: str) -> str:
    context = click.Context(
        command,
        info_name=name,
        terminal_width=88,
        max_content_width=88,
        help_option_names=["-h", "--help"],
    )
    text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    return f"## `{name}`\n\n```text\n{text}\n```\n"


PAGES = {"settings.md": settings_page, "commands.md": commands_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
