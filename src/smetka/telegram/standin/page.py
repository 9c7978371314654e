"""The page of the stand-in: what arrived in each chat, without a script and without inline style."""

from __future__ import annotations

from html import escape

from smetka.telegram.standin.world import Message, World

CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.45 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
article { border: 1px solid #8886; border-radius: .8rem; padding: .6rem .9rem; margin: .8rem 0; }
.text { white-space: pre-wrap; } pre { overflow-x: auto; margin: .4rem 0; }
footer, .kind { color: #777; font-size: .85rem; }
"""

_SHOWN_TAGS = {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "code", "pre", "blockquote"}


def render(world: World) -> str:
    """The page as it is now; it loads itself again every few seconds."""
    with world.lock:
        sections = [
            f"<h2>{escape(chat.name)} <span class='kind'>{chat.type} {chat.id}</span></h2>"
            + "".join(_article(m) for m in reversed(world.messages) if m.chat_id == chat.id)
            for chat in world.chats.values()
        ]
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'><meta http-equiv='refresh' content='3'>"
        "<title>Stand-in for Telegram</title><link rel='stylesheet' href='/style.css'></head><body>"
        "<h1>Stand-in for Telegram</h1><p>What the managers' chats received. No real bot is involved.</p>"
        + "".join(sections)
        + "</body></html>"
    )


def _article(message: Message) -> str:
    """A message as Telegram shows it: its tags again, without any attribute."""
    shown = "".join(
        escape(text) if tag is None else (f"<{'/' * is_end}{tag}>" if tag in _SHOWN_TAGS else "")
        for tag, is_end, text in message.parsed.pieces
    )
    return f"<article><div class='text'>{shown}</div><footer>message {message.id}</footer></article>"
