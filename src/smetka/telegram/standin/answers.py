"""The stand-in's answers: the Bot API's addresses, faults in place of answers, the page, the controls."""

from __future__ import annotations

import json
import re
import socket
import struct
import time
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from werkzeug.formparser import parse_form_data

from smetka.settings import is_loopback
from smetka.telegram.standin import page
from smetka.telegram.standin.methods import call
from smetka.telegram.standin.refusals import Refusal
from smetka.telegram.standin.sending import refuse_floods
from smetka.telegram.standin.world import FAULT_KINDS, Fault, Upload

if TYPE_CHECKING:
    from smetka.telegram.standin.server import FakeTelegram

LARGEST_BODY = 60 << 20
HANG_SECONDS = 60.0

_BOT_PATH = re.compile(r"/bot(?P<token>[^/]+)/(?P<method>[A-Za-z]+)")
_TOKEN_SHAPE = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")


class Handler(BaseHTTPRequestHandler):
    """One connection. Its server knows the stand-in as `telegram`."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body in one packet: two would wait for each other
    server_version, sys_version = "smetka-fake-telegram", ""

    @property
    def telegram(self) -> FakeTelegram:
        """The stand-in that this connection belongs to."""
        telegram: FakeTelegram = self.server.telegram  # type: ignore[attr-defined]
        return telegram

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Write nothing: the path holds the token."""

    def do_GET(self) -> None:
        """Answer a GET."""
        path = urlsplit(self.path).path
        if _BOT_PATH.fullmatch(path):
            self._bot_api()
        elif not self._is_of_this_machine():
            self._answer(421, json.dumps({"error": "this page is for the machine it runs on"}))
        elif found := page.get(self.telegram.world, self.path):
            self._answer(*found)
        elif path == "/control/messages":
            with self.telegram.world.lock:
                shown = [
                    {"message_id": m.id, "chat_id": m.chat_id, "date": m.date, "text": m.text}
                    for m in self.telegram.world.messages
                ]
            self._answer(200, json.dumps(shown))
        else:
            self._bot_api()

    def do_POST(self) -> None:
        """Answer a POST."""
        path = urlsplit(self.path).path
        if _BOT_PATH.fullmatch(path):
            self._bot_api()
            return
        if not self._is_of_this_machine() or not self._is_of_this_page():
            self._answer(403, json.dumps({"error": "another site's page changes nothing here"}))
        elif path == "/control/fail":
            self._control_fail()
        elif path.startswith("/page/"):
            form = dict(parse_qsl(self._body().decode("utf-8", "replace"), keep_blank_values=True))
            self._answer(303, "", location=page.post(self.telegram.world, path, form))
        else:
            self._bot_api()

    def _is_of_this_machine(self) -> bool:
        """Whether it was asked for by a name of this machine: another name leads here by a trick."""
        return is_loopback(urlsplit(f"//{self.headers.get('Host', '')}").hostname or "")

    def _is_of_this_page(self) -> bool:
        origin = self.headers.get("Origin")
        site = self.headers.get("Sec-Fetch-Site", "none")
        return site in {"none", "same-origin"} and origin in {None, f"http://{self.headers.get('Host')}"}

    def _control_fail(self) -> None:
        try:
            wanted = json.loads(self._body())
            fault = Fault(**wanted)
        except (ValueError, TypeError):
            fault = Fault("")
        if fault.kind not in FAULT_KINDS:
            self._answer(400, json.dumps({"error": f"kind must be one of {', '.join(FAULT_KINDS)}"}))
            return
        with self.telegram.world.lock:
            self.telegram.world.faults.append(fault)
        self._answer(200, "{}")

    def _bot_api(self) -> None:
        match = _BOT_PATH.fullmatch(urlsplit(self.path).path)
        body = self._body()
        if match is None or not _TOKEN_SHAPE.fullmatch(match["token"]):
            self._refuse(Refusal(404, "Not Found"))
            return
        if match["token"] != self.telegram.token:
            self._refuse(Refusal(401, "Unauthorized"))
            return
        world = self.telegram.world
        with world.lock:
            world.calls.append(match["method"])
            world.targets.append(self.path)
        fault = world.take_fault(match["method"])
        if fault and self._fails_before(fault):
            return
        try:
            parameters = self._parameters(body)
            if self.telegram.flood_control and match["method"].lower().startswith("send"):
                refuse_floods(world, parameters.get("chat_id"), time.monotonic())
            result = call(world, match["method"], parameters, strict=self.telegram.strict)
        except Refusal as refusal:
            self._refuse(refusal)
            return
        answer = json.dumps({"ok": True, "result": result})
        if not (fault and self._fails_after(fault, answer)):
            self._answer(200, answer)

    def _fails_before(self, fault: Fault) -> bool:
        """Show a fault in place of carrying the call out; False when it comes after that."""
        match fault.kind:
            case "500":
                self._refuse(Refusal(500, "Internal Server Error"))
            case "502-html":
                self._answer(502, "<html><h1>502 Bad Gateway</h1></html>", "text/html")
            case "flood":
                self._refuse(
                    Refusal(
                        429,
                        f"Too Many Requests: retry after {fault.retry_after}",
                        retry_after=fault.retry_after,
                    )
                )
            case "say":
                self._answer(fault.status, fault.body)
            case "redirect":
                self._answer(307, "", location=fault.body)
            case "hang":
                self._hang()
            case "reset":
                self._reset()
            case "html":
                self._answer(200, "<html>Log in to the hotel's network</html>", "text/html")
            case "slow":
                self.telegram.closing.wait(1)
                return False
            case _:
                return False
        return True

    def _fails_after(self, fault: Fault, answer: str) -> bool:
        match fault.kind:
            case "truncated":
                self._answer(200, answer[: len(answer) // 2], declared=len(answer))
                self.close_connection = True
            case "accept-hang":
                self._hang()
            case "accept-reset":
                self._reset()
            case _:
                return False
        return True

    def _hang(self) -> None:
        self.telegram.closing.wait(HANG_SECONDS)
        self.close_connection = True

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        return self.rfile.read(min(int(length), LARGEST_BODY)) if length.isdecimal() else b""

    def _parameters(self, body: bytes) -> dict[str, Any]:
        parameters: dict[str, Any] = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "application/json":
            try:
                value = json.loads(body)
            except ValueError:
                raise Refusal(400, "Bad Request: can't parse JSON object") from None
            if not isinstance(value, dict):
                raise Refusal(400, "Bad Request: object expected as parameters")
            return parameters | value
        if kind in {"application/x-www-form-urlencoded", "multipart/form-data"}:
            environ = {
                "REQUEST_METHOD": "POST",
                "CONTENT_TYPE": self.headers["Content-Type"],
                "CONTENT_LENGTH": str(len(body)),
                "wsgi.input": BytesIO(body),
            }
            _, fields, files = parse_form_data(environ)
            uploads = {}
            for name, file in files.items():
                uploads[name] = Upload(file.filename or "", file.read())
                file.close()
            return parameters | fields.to_dict() | uploads
        return parameters

    def _refuse(self, refusal: Refusal) -> None:
        answer: dict[str, Any] = {
            "ok": False,
            "error_code": refusal.code,
            "description": refusal.description,
        }
        if refusal.parameters:
            answer["parameters"] = refusal.parameters
        self._answer(refusal.code, json.dumps(answer))

    def _answer(
        self,
        status: int,
        text: str | bytes,
        content_type: str = "application/json",
        *,
        declared: int | None = None,
        location: str | None = None,
    ) -> None:
        body = text.encode() if isinstance(text, str) else text
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(declared or len(body)))
        if location is not None:
            self.send_header("Location", location)
        self.send_header("Content-Security-Policy", page.CONTENT_SECURITY_POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)
