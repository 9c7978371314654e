"""The stand-in's page: what arrived in each chat, and what a person there can do. No script in it."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qs, quote, urlsplit

from smetka.core.shown_text import as_reference, shown
from smetka.telegram.standin.world import Chat, Message, World

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'self'"
)

STYLE = """
:root { color-scheme: light dark; --line: #8884; --mine: #1f6f8b22; }
* { box-sizing: border-box; }
body { font: 16px/1.45 system-ui, sans-serif; max-width: 46rem; margin: 1.5rem auto; padding: 0 1rem; }
body.chat { margin: 0; padding: .4rem .6rem; max-width: none; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .4rem; }
iframe { width: 100%; height: 34rem; border: 1px solid var(--line); border-radius: .8rem; }
article { border: 1px solid var(--line); border-radius: .8rem; padding: .6rem .9rem; margin: .6rem 0; }
article.mine { background: var(--mine); margin-left: 4rem; }
article img { max-width: 100%; height: auto; border-radius: .4rem; display: block; margin-bottom: .5rem; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; }
pre { overflow-x: auto; margin: .4rem 0; }
footer, .kind { color: #777; font-size: .85rem; }
form { display: flex; gap: .5rem; margin: .5rem 0; }
form.row { display: inline-flex; margin: .3rem .3rem 0 0; }
input, button, select {
  font: inherit; padding: .45rem .8rem; border: 1px solid var(--line); border-radius: .5rem;
}
input { flex: 1; min-width: 0; } button { cursor: pointer; }
"""

_HTML = "text/html; charset=utf-8"
_SHOWN_TAGS = {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "code", "pre", "blockquote"}


def get(world: World, target: str) -> tuple[int, str | bytes, str] | None:
    """Status, body and type of a page or a file; None of what is none of the page's."""
    parts = urlsplit(target)
    match parts.path.strip("/").split("/"):
        case [""]:
            return 200, _chats(world), _HTML
        case ["style.css"]:
            return 200, STYLE, "text/css; charset=utf-8"
        case ["chat", number] if chat := _chat(world, number):
            return 200, _messages(world, chat), _HTML
        case ["photo", number] if (message := _message(world, number)) and message.photo:
            return 200, message.photo, "image/png"
        case ["file", number, _] if (message := _message(world, number)) and message.document:
            return 200, message.document.content, "application/octet-stream"
        case ["t.me"] if code := parse_qs(parts.query).get("start"):
            return 200, _start(code[0]), _HTML
    return None


def post(world: World, path: str, form: dict[str, str]) -> str:
    """Do what a person did on the page; where to go then. What makes no sense does nothing."""
    with world.lock:
        number, text = form.get("chat", ""), form.get("text", "")
        if path == "/page/write" and text and number.isdecimal() and 0 < int(number) < 2**52:
            world.write(int(number), text[:4096])
            return "/"
        chat = _chat(world, number)
        if path == "/page/write" and text and chat:
            topic = form.get("topic", "")
            known = topic.isdecimal() and len(topic) < 12 and int(topic) in chat.topics
            world.write(chat.id, text[:4096], topic=int(topic) if known else None)
        elif path == "/page/block" and chat:
            world.become(chat.id, "member" if chat.blocked else "kicked")
        elif path == "/page/press" and chat and (message := _message(world, form.get("message", ""))):
            if any(data == form.get("data") for row in message.buttons for _, data in row):
                world.press(chat.id, message.id, form["data"])
            return f"/chat/{chat.id}"
    return "/"


def _chat(world: World, number: str) -> Chat | None:
    return world.chats.get(int(number)) if number.lstrip("-").isdecimal() and len(number) < 20 else None


def _message(world: World, number: str) -> Message | None:
    place = int(number) if number.isdecimal() and len(number) < 12 else 0
    with world.lock:
        return world.messages[place - 1] if 0 < place <= len(world.messages) else None


def _page(title: str, body: str, *, refresh: bool = False, kind: str = "") -> str:
    again = "<meta http-equiv='refresh' content='2'>" if refresh else ""
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'>{again}"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{_seen(title)}</title><link rel='stylesheet' href='/style.css'></head>"
        f"<body class='{kind}'>{body}</body></html>"
    )


def _chats(world: World) -> str:
    with world.lock:
        sections = "".join(map(_section, world.chats.values()))
    return _page(
        "Stand-in for Telegram",
        "<h1>Stand-in for Telegram</h1>"
        "<p>What the managers' chats received, the newest first. No real bot is involved.</p>"
        f"{sections}<h2>Another person</h2>"
        "<form method='post' action='/page/write'>"
        "<input name='chat' inputmode='numeric' placeholder='a number of your choice' "
        "aria-label='The person, a number' required>"
        "<input name='text' placeholder='/start …' aria-label='Message' autocomplete='off' required>"
        "<button>Send</button></form>",
    )


def _section(chat: Chat) -> str:
    name, number = _seen(chat.name), chat.id
    block = "Unblock the bot" if chat.blocked else "Block the bot"
    return (
        f"<h2>{name} <span class='kind'>{chat.type} {number}</span></h2>"
        f"<iframe src='/chat/{number}' title='Messages in {name}'></iframe>"
        "<form method='post' action='/page/write'>"
        f"<input type='hidden' name='chat' value='{number}'>"
        f"{_topics(chat)}"
        f"<input name='text' placeholder='Write to the bot: /help' aria-label='Message to {name}' "
        "autocomplete='off' required><button>Send</button></form>"
        "<form method='post' action='/page/block'>"
        f"<input type='hidden' name='chat' value='{number}'><button>{block}</button></form>"
    )


def _topics(chat: Chat) -> str:
    """Where in a forum somebody writes."""
    if not chat.topics:
        return ""
    options = "".join(f"<option value='{n}'>{_seen(name)}</option>" for n, name in chat.topics.items())
    return f"<select name='topic' aria-label='Topic'><option value=''>General</option>{options}</select>"


def _messages(world: World, chat: Chat) -> str:
    with world.lock:
        found = [message for message in reversed(world.messages) if message.chat_id == chat.id]
    articles = "".join(map(_article, found)) or "<p class='kind'>Nothing has arrived yet.</p>"
    return _page(chat.name, articles, refresh=True, kind="chat")


def _article(message: Message) -> str:
    """A message as Telegram shows it: its tags again, without any attribute."""
    text = "".join(
        _seen(text) if tag is None else (f"<{'/' * is_end}{tag}>" if tag in _SHOWN_TAGS else "")
        for tag, is_end, text in message.parsed.pieces
    )
    picture = f"<img src='/photo/{message.id}' alt='Picture'>" if message.photo else ""
    if message.document:
        name = message.document.name
        picture += f"<p><a href='/file/{message.id}/{quote(name, safe='')}' download>{_seen(name)}</a></p>"
    buttons = "".join(
        f"<div>{''.join(_button(message, *each) for each in row)}</div>" for row in message.buttons
    )
    topic = f" in topic {message.topic}" if message.topic else ""
    return (
        f"<article class='{'mine' if message.person else ''}'>{picture}<div class='text'>{text}</div>"
        f"{buttons}<footer>message {message.id}{topic}</footer></article>"
    )


def _button(message: Message, text: str, data: str) -> str:
    return (
        "<form class='row' method='post' action='/page/press'>"
        f"<input type='hidden' name='chat' value='{message.chat_id}'>"
        f"<input type='hidden' name='message' value='{message.id}'>"
        f"<input type='hidden' name='data' value='{_sent(data)}'><button>{_seen(text)}</button></form>"
    )


def _start(code: str) -> str:
    return _page(
        "Open the bot",
        "<h1>Open the bot</h1><p>In Telegram this link opens a chat with the bot. Who are you?</p>"
        "<form method='post' action='/page/write'>"
        "<input name='chat' inputmode='numeric' value='5005' aria-label='The person, a number' required>"
        f"<input type='hidden' name='text' value='/start {_sent(code)}'><button>Start</button></form>",
    )


def _seen(text: str) -> str:
    return escape(shown(text, lines=True))


def _sent(text: str) -> str:
    """What a form sends back as it is."""
    return as_reference(escape(text))
