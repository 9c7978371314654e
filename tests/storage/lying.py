"""A server of MongoDB's protocol that lacks something: the real one, with a proxy before it that lies.

Only messages of the kind OP_MSG are looked into; all else passes.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from urllib.parse import urlsplit

import bson
from bson import CodecOptions, Decimal128

OP_MSG = 2013
KEPT: CodecOptions = CodecOptions(tz_aware=True)
HEAD = struct.Struct("<iiii")

Lie = Callable[[str, dict], dict | None]
"""What is answered to a command in place of the server; None: the command goes on, as it is by then."""


def refused(code, words):
    return {"ok": 0.0, "code": code, "codeName": "Refused", "errmsg": words}


def write_refused(code, words):
    return {"ok": 1.0, "n": 0, "writeErrors": [{"index": 0, "code": code, "errmsg": words}]}


def has(value, kind):
    if isinstance(value, dict):
        return any(has(each, kind) for each in value.values())
    if isinstance(value, list):
        return any(has(each, kind) for each in value)
    return isinstance(value, kind)


def no_validators(code):
    def lie(name, command):
        if name in {"create", "collMod"} and "validator" in command:
            return refused(code, f"`{name}.validator` is not implemented yet")
        return None

    return lie


def drops_validators(name, command):
    if name == "collMod":
        return {"ok": 1.0}
    command.pop("validator", None)
    return None


def drops_unique_indexes(name, command):
    if name == "createIndexes":
        for index in command["indexes"]:
            index.pop("unique", None)


def no_unique_indexes(name, command):
    if name == "createIndexes" and any(index.get("unique") for index in command["indexes"]):
        return refused(67, "Cannot create unique index when collection contains documents")
    return None


def no_sorting(name, command):
    if name == "find" and "sort" in command:
        return refused(2, "The index path corresponding to the specified order-by item is excluded.")
    return None


def no_retryable_writes(name, command):
    if name in {"insert", "update", "delete"}:
        return refused(20, "Transaction numbers are only allowed on a replica set member or mongos")
    return None


def no_majority(name, command):
    if name in {"insert", "update", "delete"} and command.get("writeConcern", {}).get("w") == "majority":
        return {
            "ok": 1.0,
            "n": 0,
            "writeConcernError": {
                "code": 100,
                "codeName": "UnsatisfiableWriteConcern",
                "errmsg": "no majority",
            },
        }
    return None


def no_decimals(name, command):
    if name in {"insert", "update"} and has(command, Decimal128):
        return write_refused(8, "Object of type Decimal128 is not JSON serializable")
    return None


def dates_of_set_are_texts(name, command):
    if name == "update":
        for update in command["updates"]:
            fields = update["u"].get("$set", {})
            fields |= {name: str(at) for name, at in fields.items() if isinstance(at, datetime)}


def decimals_are_doubles(name, command):
    if name == "insert":
        for record in command["documents"]:
            record |= {
                field: float(value.to_decimal())
                for field, value in record.items()
                if isinstance(value, Decimal128)
            }


def upserts_in_silence(name, command):
    if name == "update" and any(update.get("upsert") for update in command["updates"]):
        return {"ok": 1.0, "n": 1, "nModified": 0}
    return None


class LyingServer:
    """Before the server of a URI. `lie` may be another later; `uri` is the same database through it."""

    def __init__(self, uri: str, lie: Lie | None = None) -> None:
        parts = urlsplit(uri)
        self._upstream = (parts.hostname, parts.port)
        self.lie = lie
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        own = f"127.0.0.1:{self._listener.getsockname()[1]}"
        query = f"{parts.query}&directConnection=true" if parts.query else "directConnection=true"
        self.uri = parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@{own}", query=query).geturl()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._upstream)
                threading.Thread(target=self._carry, args=(client, server), daemon=True).start()
                threading.Thread(target=_pour, args=(server, client), daemon=True).start()

    def _carry(self, client, server):
        with suppress(OSError), client, server:
            while head := _read(client, HEAD.size):
                length, number, _, kind = HEAD.unpack(head)
                body = _read(client, length - HEAD.size)
                if kind == OP_MSG:
                    command = _command(body)
                    name = next(iter(command))
                    self.asked.append(name)
                    answer = self.lie(name, command) if self.lie else None
                    if answer is not None:
                        client.sendall(_message(number + 1, number, answer))
                        continue
                    head, body = b"", _message(number, 0, command)
                server.sendall(head + body)


def _command(body):
    """The command with the documents that travel beside it."""
    (flags,) = struct.unpack_from("<I", body)
    place, end = 4, len(body) - 4 * (flags & 1)
    command, sequences = {}, {}
    while place < end:
        kind, (size,) = body[place], struct.unpack_from("<i", body, place + 1)
        section = body[place + 1 : place + 1 + size]
        if kind == 0:
            command = bson.decode(section, KEPT)
        else:
            name, _, documents = section[4:].partition(b"\0")
            sequences[name.decode()] = bson.decode_all(documents, KEPT)
        place += 1 + size
    return command | sequences


def _message(number, answers, document):
    body = struct.pack("<I", 0) + b"\0" + bson.encode(document)
    return HEAD.pack(HEAD.size + len(body), number, answers, OP_MSG) + body


def _read(connection, size):
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            return b""
        data += more
    return data


def _pour(server, client):
    with suppress(OSError), server, client:
        while data := server.recv(65536):
            client.sendall(data)
