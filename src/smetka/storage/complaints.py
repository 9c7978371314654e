"""What the embedded server's last words mean, as one sentence for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from smetka.core.logs import scrub

DAMAGE = ("WT_TRY_SALVAGE", "WT_PANIC", "WT_ERROR", "WiredTigerError: Invalid argument")
"""Signs in the server's words that its files are damaged, unless the disk is full."""


STRANGERS = "Not made by Smetka: "
"""`launch` says so of users and databases."""


def explain(words: Sequence[str], status: int | None, *, home: Path, port: int) -> str:
    """Why the server ended, and what to do. `words` are the last lines it wrote."""
    if known := recognise(words, home=home, port=port):
        return known
    last = scrub(words[-1].strip()) if words else "it said nothing"
    return (
        f"The embedded MongoDB ended with status {status}: {last.rstrip('.')}. If it keeps ending, put a "
        f"copy of the folder {home} from before in its place, or move it away to start anew."
    )


def recognise(words: Sequence[str], *, home: Path, port: int) -> str | None:
    """What is wrong and what to do, when the lines tell it; a server may go on running after them."""
    text = "\n".join(words)
    if STRANGERS in text:
        found = scrub(text.partition(STRANGERS)[2].strip())
        return (
            f"The embedded MongoDB in {home} holds what Smetka did not make: {found}. Whoever made it may "
            "have read and changed every record. Move the folder away and put a backup back; or, if all is "
            f"your own, run `touch {home / 'storage' / 'smetka-checked'}` and start again."
        )
    if "Device or resource busy" in text:
        return f"Another MongoDB server already runs on {home}. Stop it first."
    # Before damage: a full disk makes the server call its files damaged, which they are not.
    if "No space left on device" in text:
        return f"The disk that holds {home} is full. Free some space; nothing acknowledged is lost."
    if "Address already in use" in text:
        return f"Port {port} on 127.0.0.1, meant for the embedded MongoDB, is taken by another program."
    if "Permission denied" in text or "Read-only file system" in text:
        return f"The embedded MongoDB cannot write in its folder {home}. Check its owner and mode."
    if any(sign in text for sign in DAMAGE):
        return (
            f"The embedded MongoDB's files in {home} are damaged, so it does not work. "
            f"Put a copy of the folder {home} from before in its place, or move it away to start anew."
        )
    return not_installed() if "No module named" in text else None


def not_installed() -> str:
    """What to do without the install extra."""
    return (
        "The embedded MongoDB is not installed: run `pip install 'smetka[all]'`, "
        "or set SMETKA_MONGODB_URI to a MongoDB server."
    )
