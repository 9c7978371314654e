"""`smetka serve`, `smetka demo` and `smetka worker`: the long-running commands."""

from __future__ import annotations

import shlex
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import structlog
from pydantic import SecretStr

from smetka.cli.options import setting_options
from smetka.cli.terminal import say
from smetka.core.errors import StartFailed, WrongUsage
from smetka.core.logs import configure_logging
from smetka.files.data_directory import DataDirectory
from smetka.keys import KeyRing, check_place
from smetka.ledger.demo import write_ledger
from smetka.runtime.server import Server
from smetka.settings import (
    Settings,
    exposed,
    is_loopback,
    is_secret,
    load_settings,
    named_ledger,
    secrets_of,
)
from smetka.settings.ledger_location import ledger_location

if TYPE_CHECKING:
    from smetka.telegram.standin import FakeTelegram

_OPTIONS = [field for field in Settings.model_fields if not is_secret(field)]
_DEMO_MARK = "made-by-smetka-demo"
_DEMO_CHATS = {1001: "A manager", -1002001: "The managers' group"}
_KEPT = frozenset({"smetka.lock", "running.json", _DEMO_MARK})

_log = structlog.get_logger(__name__)


@click.command()
@click.option("--no-worker", is_flag=True, help="Leave the messages to a worker on another machine.")
@setting_options(*_OPTIONS)
def serve(*, no_worker: bool, **options: Any) -> int:
    """Run the web server, the Telegram worker and, without a MongoDB URI, the embedded MongoDB.

    SIGTERM or Ctrl-C stops all of it in order.
    """
    settings = load_settings(options)
    _configure_logging(settings)
    named_ledger(settings)
    _check_reach(settings)
    _warn_of_what_is_missing(settings)
    _warn_of_what_is_exposed(settings)
    with DataDirectory(settings.data_dir).hold("serve") as directory:
        check_place(settings.effective_keys_file)  # the data directory was just closed to others
        return Server(settings, directory, with_worker=not no_worker, on_ready=_say_ready).run()


@click.command()
@setting_options("host", "port", "data_dir", "currency", "timezone", "language")
def demo(**options: Any) -> int:
    """Run an invented shop with 5,000 customers, to try everything on.

    It never talks to a real bot: a stand-in shows in the browser what the managers would read.

    It lives in the folder `demo` of the data directory and is made afresh at every start.
    """
    from smetka.telegram.standin import FakeTelegram  # of the demo alone

    around = load_settings(options)
    folder = around.data_dir / "demo"
    given = around.model_fields_set & {"host", "port", "currency", "timezone", "language"}
    with FakeTelegram(chats=_DEMO_CHATS) as telegram:
        for chat, name in _DEMO_CHATS.items():
            telegram.chat(chat).name = name
        settings = Settings(
            **{field: getattr(around, field) for field in given},
            data_dir=folder,
            ledger=str(folder / "shop.db"),
            telegram_bot_token=SecretStr(telegram.token),
            telegram_chat_ids=tuple(_DEMO_CHATS),
            telegram_api_url=telegram.url,
        )
        if not settings.is_loopback_only:
            raise WrongUsage("The demo is for this machine alone: --host must be a loopback address.")
        _configure_logging(settings)
        with DataDirectory(folder).hold("demo") as directory:
            _clear(folder)
            write_ledger(folder / "shop.db")
            tell = partial(_say_what_to_try, folder=folder, telegram=telegram)
            return Server(settings, directory, command="demo", on_ready=tell).run()


@click.command()
@setting_options("ledger", "data_dir", "timezone", "language", "telegram_chat_ids", "telegram_api_url")
def worker(**options: Any) -> None:
    """Run the Telegram worker alone, where web and worker run apart."""
    from smetka.runtime.worker import run

    settings = load_settings(options)
    if settings.mongodb_uri is None:
        running = DataDirectory(settings.data_dir).running()
        if running is None or running.embedded_uri is None:
            raise WrongUsage(
                "The worker needs SMETKA_MONGODB_URI, or a `smetka serve --no-worker` on the same "
                "data directory."
            )
        settings = settings.model_copy(update={"mongodb_uri": SecretStr(running.embedded_uri)})
    configure_logging("worker", secrets=secrets_of(settings))
    _warn_of_what_is_exposed(settings)
    run(settings)


def _configure_logging(settings: Settings) -> None:
    configure_logging("serve", secrets=secrets_of(settings))


def _check_reach(settings: Settings) -> None:
    """Beyond this machine nobody is served without a key."""
    if not settings.is_loopback_only and not KeyRing(settings.effective_keys_file).ever_made:
        wide = [name for name in (settings.host, *settings.effective_allowed_hosts) if not is_loopback(name)]
        raise StartFailed(
            f"{wide[0]} lets other machines in, and there is no API key yet. "
            "Make one first: `smetka key create NAME --role owner`."
        )
    if not is_loopback(settings.host) and all(map(is_loopback, settings.effective_allowed_hosts)):
        _log.warning(
            "only loopback names are answered; set SMETKA_ALLOWED_HOSTS to the names that clients use",
            host=settings.host,
            allowed_hosts=",".join(settings.effective_allowed_hosts),
        )


def _warn_of_what_is_missing(settings: Settings) -> None:
    ledger = ledger_location(named_ledger(settings))
    if isinstance(ledger, Path) and not ledger.exists():
        _log.warning("the ledger is not there yet; statistics answer 503 until it is", ledger=str(ledger))
    if bool(settings.telegram_bot_token) != bool(settings.telegram_chat_ids):
        missing = "chat ids" if settings.telegram_bot_token else "bot token"
        _log.warning(f"messages to Telegram are disabled: no {missing} set")


def _warn_of_what_is_exposed(settings: Settings) -> None:
    for sentence in exposed(settings):
        _log.warning(sentence)


def _clear(folder: Path) -> None:
    """Empty the demo's own folder, and only a folder that the demo made."""
    mark = folder / _DEMO_MARK
    others = [path for path in folder.iterdir() if path.name not in _KEPT]
    if others and not mark.exists():
        raise StartFailed(f"{folder} holds files that the demo did not make; move them away first.")
    for path in others:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    mark.touch()


def _say_ready(url: str) -> None:
    say(f"Smetka is ready at {url}", err=True)


def _say_what_to_try(url: str, folder: Path, telegram: FakeTelegram) -> None:
    body = '{"user_id": 1, "total_spending": 2000}'
    say(
        f"""
Smetka runs an invented shop at {url}   (Ctrl-C stops it)
Open that address in a browser for the dashboard.

What did this customer spend?
  curl {url}/total_spent/1

Which age groups spend what?
  curl {url}/average_spending_by_age

Who earned the year-end bonus?
  curl -i -H 'Content-Type: application/json' -d '{body}' {url}/write_to_mongodb

What the managers read, and where to write to the bot (in the browser, no real Telegram):
  {telegram.url}

Invite somebody to ask the bot; write the /start that it prints as "another person" on that page:
  export SMETKA_TELEGRAM_API_URL={telegram.url} SMETKA_TELEGRAM_BOT_TOKEN={telegram.token}
  smetka telegram invite --role owner --data-dir {shlex.quote(str(folder))}

What runs, and where its MongoDB is:
  smetka status --data-dir {shlex.quote(str(folder))}
"""
    )
