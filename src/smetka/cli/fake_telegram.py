"""`smetka fake-telegram`: a stand-in of the Bot API to try things on."""

from __future__ import annotations

import re
import signal

import click

from smetka.cli.terminal import say
from smetka.core.errors import CommandFailed, WrongUsage
from smetka.settings import load_settings


@click.command("fake-telegram")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8081, show_default=True, help="0: any free one."
)
@click.option("--token", default=None, help="The one token that is right; an invented one.")
@click.option("--chat", "chat_ids", multiple=True, help="A chat it knows; may be given again.")
@click.option("--flood-control", is_flag=True, help="Refuse what comes too fast, as the real one does.")
@click.option("--lenient", is_flag=True, help="Pass over unknown fields, as the real Bot API does.")
def fake_telegram(
    port: int, token: str | None, chat_ids: tuple[str, ...], flood_control: bool, lenient: bool
) -> None:
    """Run a stand-in of the Telegram Bot API on this machine; its page shows what arrives."""
    from smetka.telegram.standin import FakeTelegram
    from smetka.telegram.standin.server import TOKEN

    if token is not None and not re.fullmatch(r"[0-9]{1,20}:[A-Za-z0-9_-]+", token):
        raise WrongUsage("--token must look like 123456:ABC-DEF…, as BotFather writes them.")
    # By the settings' own rule of what a chat id is.
    known = load_settings({"telegram_chat_ids": ",".join(chat_ids) or "1001"}).telegram_chat_ids
    try:
        server = FakeTelegram(
            token=token or TOKEN,
            chats=known,
            port=port,
            strict=not lenient,
            flood_control=flood_control,
        )
    except OSError as error:
        raise CommandFailed(f"Port {port} cannot be used: {error.strerror}.") from None
    stop = frozenset({signal.SIGTERM, signal.SIGINT})
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)
    with server:
        say(f"The stand-in answers at {server.url}; this page shows what arrives. To use it:")
        say(f"  export SMETKA_TELEGRAM_API_URL={server.url}")
        say(f"  export SMETKA_TELEGRAM_BOT_TOKEN={server.token}")
        say(f"  export SMETKA_TELEGRAM_CHAT_IDS={','.join(map(str, known))}")
        signal.sigwait(stop)
