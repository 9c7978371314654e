"""Who is signed in at the pages: a signed cookie, and a small file of what ends one early.

A session is of one key and has no more rights than it: whoever loses the key's rights loses the
session's with the next request. The cookie says all that a session is, so that any web process can
read it, MongoDB's absence or not. The file beside the keys holds the secret that signs, and which
sessions were ended before their time; whoever shares the keys file shares it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import structlog
from itsdangerous import BadData, URLSafeSerializer
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from smetka.files.small_files import locked, settled, stamp, write_even_where_full, write_whole
from smetka.keys import Key, KeyRing, KeysFileDamaged, content

LONGEST_SECONDS = 7 * 24 * 3600
"""A session ends this long after it began, however busy."""

SEEN_SECONDS = 60
"""How exactly it is known when a session was used last."""

SPARE_BYTES = 2048
"""Blanks in the file: room for two dozen sessions that are ended while the disk is full."""

MARK = 16
"""Characters of a key's hash by which a session names it."""

_SLACK, _LONGEST = SEEN_SECONDS * 1000, LONGEST_SECONDS * 1000

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Session:
    """One browser's visit; times are milliseconds since 1970.

    Attributes:
        key: the name of the key that signed it in; None before that, when it only guards forms.
        mark: the beginning of that key's hash: another key of the same name is another.
    """

    id: str
    key: str | None
    mark: str
    began: int
    seen: int


class _Ended(BaseModel):
    model_config = ConfigDict(extra="forbid")

    secret: str = Field(pattern="^[0-9a-f]{64}$")
    sessions: dict[str, int] = {}
    """Sessions that were signed out, with the time after which they would have ended anyhow."""
    keys: dict[str, int] = {}
    """By a key's mark: its sessions that began up to this time are over."""


class Sessions:
    """Begins, reads and ends sessions. Safe to use from many threads and processes."""

    def __init__(self, path: Path, keys: KeyRing, *, idle_seconds: int) -> None:
        self._path, self._keys, self._idle = path, keys, idle_seconds * 1000
        self._lock = threading.Lock()
        self._stamp: object = None
        # Until the file is there. Where it cannot be written at all, this process signs for itself.
        self._ended = _Ended(secret=secrets.token_hex(32))
        self._is_shared = False

    def begin(self, key: Key | None) -> Session:
        """A new session; its id was never seen before, whatever the browser brought along."""
        self._share_secret()
        now = _now()
        mark = key.hash[:MARK] if key else ""
        # After the last sign-out everywhere, whatever the clock says.
        began = max(now, self._read().keys.get(mark, 0) + 1)
        return Session(secrets.token_urlsafe(18), key.name if key else None, mark, began, now)

    def read(self, cookie: str) -> Session | None:
        """The session of a cookie; None when it is not ours, or over."""
        try:
            session = Session(*self._serializer().loads(cookie))
        except (BadData, TypeError):
            return None
        now, ended = _now(), self._read()
        is_over = (
            session.id in ended.sessions
            or session.began <= ended.keys.get(session.mark, 0)
            # From ahead of now it is of before the clock was set back.
            or not session.seen - _SLACK <= now <= session.seen + self._idle + _SLACK
            or now > session.began + _LONGEST
        )
        return None if is_over or (session.key is not None and self.key_of(session) is None) else session

    def key_of(self, session: Session) -> Key | None:
        """The key that signed it in, while that is valid."""
        key = self._keys.active(session.key) if session.key is not None else None
        return key if key is not None and key.hash[:MARK] == session.mark else None

    def write(self, session: Session) -> str:
        """The session as a cookie."""
        return str(
            self._serializer().dumps([session.id, session.key, session.mark, session.began, session.seen])
        )

    def used(self, session: Session) -> Session:
        """The session as used now; the same object when that need not be written down."""
        now = _now()
        return session if now - session.seen < _SLACK else replace(session, seen=now)

    def end(self, session: Session, *, everywhere: bool = False) -> None:
        """Let nobody in by it any more; `everywhere`, by no session that its key began until now."""
        if session.key is None:
            return  # lets nobody in; and strangers, who get one for the asking, must not fill the file
        try:
            with self._lock, locked(self._path.with_name(self._path.name + ".lock")):
                ended = _with_end(self._load() or self._ended, session, everywhere=everywhere)
                write_even_where_full(self._path, _with_room(ended), tight=ended.model_dump_json())
        except OSError as error:
            _log.warning("a session is ended in this process alone", reason=str(error.strerror))
            with self._lock:
                self._ended = _with_end(self._ended, session, everywhere=everywhere)

    @property
    def secret(self) -> str:
        """What signs."""
        return self._read().secret

    def token(self, session: Session, purpose: str = "form") -> str:
        """What a form must send along: nobody knows it who cannot read the session's pages.

        That of one purpose is good for no other.
        """
        secret = bytes.fromhex(self.secret)
        return hmac.new(secret, f"{purpose} {session.id}".encode(), hashlib.sha256).hexdigest()

    def _serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(
            self.secret, salt="smetka session", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def _read(self) -> _Ended:
        seen = stamp(self._path)
        if seen == self._stamp:
            return self._ended
        with self._lock:
            if seen != self._stamp:
                loaded = None if seen is None else settled(self._load)
                # Damaged or gone: whoever is signed in is not any more, and may sign in again.
                self._ended = loaded or _Ended(secret=secrets.token_hex(32))
                self._is_shared = loaded is not None
                self._stamp = seen  # last: who sees it takes what was read
            return self._ended

    def _load(self) -> _Ended | None:
        try:
            return _Ended.model_validate_json(content(self._path))
        except (OSError, ValidationError, KeysFileDamaged):  # or somebody else may have written it
            return None

    def _share_secret(self) -> None:
        """Put what signs where other processes find it, unless one of them did."""
        ours = self._read()
        if self._is_shared:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with locked(self._path.with_name(self._path.name + ".lock")):
                if self._load() is None:
                    write_whole(self._path, _with_room(ours))
        except OSError as error:
            _log.warning("sessions are this process's own", reason=str(error.strerror))
        else:
            self._stamp = ()  # read it again, even if it is the file that could not be read before


def _with_end(ended: _Ended, session: Session, *, everywhere: bool) -> _Ended:
    now = _now()
    # Those that are over by now anyhow need not be remembered.
    sessions = {id_: until for id_, until in ended.sessions.items() if until > now}
    keys = {mark: until for mark, until in ended.keys.items() if until + _LONGEST > now}
    sessions[session.id] = session.began + _LONGEST + 1
    if everywhere:
        # Never earlier than before: the clock may have been set back.
        keys[session.mark] = max(now, session.began, keys.get(session.mark, 0) + 1)
    return ended.model_copy(update={"sessions": sessions, "keys": keys})


def _with_room(ended: _Ended) -> str:
    """As it is written: with blanks, so that a full disk keeps nobody from signing out."""
    return ended.model_dump_json() + " " * SPARE_BYTES + "\n"


def _now() -> int:
    return time.time_ns() // 1_000_000
