"""The `smetka` command: one click command, one module a group of commands.

Results go to stdout, messages to stderr. Exit status 0 done, 1 the work failed, 2 wrong usage,
3 done, and something was found that somebody should look at.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import StringIO
from typing import Any

import click
import structlog

from smetka.cli.terminal import say
from smetka.core.errors import (
    BonusStoreLate,
    BonusStoreUnavailable,
    InvalidValue,
    SmetkaError,
    Unavailable,
    WrongUsage,
)
from smetka.core.logs import scrub
from smetka.core.shown_text import shown

LAST_STREAM = 2
"""The descriptor of stderr."""

# Modules are imported when their command runs: `smetka status` needs neither Flask nor SQLAlchemy.
_COMMANDS = {
    "audit": ("smetka.cli.vouchers", "audit", "Who did what to campaigns and vouchers."),
    "averages": ("smetka.cli.statistics", "averages", "Which age groups spend what."),
    "backup": ("smetka.cli.backup", "backup", "Copy Smetka's own records into a folder."),
    "bonus": ("smetka.cli.bonus", "bonus", "Customers who are due the year-end bonus."),
    "campaign": ("smetka.cli.campaigns", "campaign", "Campaigns: vouchers for a year's spending."),
    "deliveries": ("smetka.cli.deliveries", "deliveries", "Messages to the managers' chats."),
    "demo": ("smetka.cli.serve", "demo", "Run an invented shop; it is made afresh at every start."),
    "fake-telegram": ("smetka.cli.fake_telegram", "fake_telegram", "Run a stand-in of the Telegram Bot API."),
    "key": ("smetka.cli.keys", "key", "API keys: create, list, revoke."),
    "ledger": ("smetka.cli.ledger", "ledger", "The shop's data: check, init, index, import, copy."),
    "restore": ("smetka.cli.backup", "restore", "Put the records of a backup back."),
    "schedule": ("smetka.cli.schedule", "schedule", "Reports that are sent by themselves."),
    "serve": ("smetka.cli.serve", "serve", "Run the web server, the Telegram worker and MongoDB."),
    "settings": ("smetka.cli.status", "settings", "Every setting, its value and where it came from."),
    "status": ("smetka.cli.status", "status", "What runs on this data directory."),
    "telegram": ("smetka.cli.telegram", "telegram", "The bot and its chats."),
    "total": ("smetka.cli.statistics", "total", "What one customer spent."),
    "voucher": ("smetka.cli.vouchers", "voucher", "One voucher: show, redeem, undo."),
    "worker": ("smetka.cli.serve", "worker", "Run the Telegram worker alone."),
}


class _LateCommands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, attribute, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in sorted(_COMMANDS.items())])


@click.group(cls=_LateCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="smetka", message="smetka %(version)s")
def cli() -> None:
    """Smetka: what customers spend, and who earned the year-end bonus.

    Settings come from SMETKA_ variables or a .env file; `smetka settings` lists them.

    Exit status: 0 done, 1 failed, 2 wrong usage, 3 done with findings (`ledger check`, `deliveries list
    --exit-code`). Results go to stdout, messages to stderr.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its status. No traceback ever reaches a user."""
    _open_closed_streams()
    sys.exit(run(arguments))


def _open_closed_streams() -> None:
    """Where a standard stream was closed, the next file to be opened, a ledger, would take its place."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= LAST_STREAM:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    if not structlog.is_configured():  # it would write into the answer, and asks anew where stderr is
        structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    try:
        status = cli.main(
            args=None if arguments is None else list(arguments), prog_name="smetka", standalone_mode=False
        )
    except click.ClickException as error:
        shown_by_click = StringIO()
        error.show(shown_by_click)
        say(shown_by_click.getvalue().rstrip("\n"), err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except (WrongUsage, InvalidValue) as error:
        return _say(error, 2)
    except BonusStoreLate as error:
        return _say(f"MongoDB did not answer in time: {error.reason}", 1)
    except BonusStoreUnavailable as error:
        return _say(f"MongoDB cannot be used: {error.reason}", 1)
    except Unavailable as error:
        return _say(error.reason, 1)
    except SmetkaError as error:
        return _say(error, 1)
    except BrokenPipeError:  # `smetka averages | head -1`
        sys.stderr.close()
        return 1
    except Exception as error:  # noqa: BLE001 - the last resort: a line instead of a traceback
        return _say(f"A fault in Smetka: {type(error).__name__}: {error}", 1)
    return status if isinstance(status, int) else 0


def _say(message: Any, status: int) -> int:
    say(f"smetka: {shown(scrub(str(message)))}", err=True)
    return status
