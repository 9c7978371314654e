"""A strict stand-in of the Telegram Bot API over HTTP, to try and to test without a bot."""

from smetka.telegram.standin.server import FakeTelegram

__all__ = ["FakeTelegram"]
