"""A browser without scripts at a shop, and what it reads off the pages."""

from __future__ import annotations

import html
import re
import socket
import threading
from contextlib import suppress

HTML = {"Accept": "text/html"}


class Browser:
    """One visit of a shop's pages, with cookies of its own. With a role, a new key of it has signed in."""

    def __init__(self, shop, role=None, *, name=None, key=None, language="en", **headers):
        self.shop, self.client, self.headers = shop, shop.app.test_client(), HTML | headers
        if role:
            key = shop.new_key(role, name or f"the {role}")
        if key:
            assert self.sign_in(key).status_code == 303
        if language != "en":
            self.get(f"/docs?lang={language}")

    def get(self, path, **headers):
        return self.client.get(path, headers=self.headers | headers)

    def post(self, path, fields, page="/sign-in", **headers):
        """Send a form as it stands on the page."""
        proof = {} if "form" in fields else {"form": self.token(page)}
        return self.client.post(path, data=proof | fields, headers=self.headers | headers)

    def send(self, path, reply, **changes):
        """Press the button of the form with that action on the page that was answered."""
        return self.post(path, form(reply, path) | changes)

    def token(self, page="/sign-in"):
        return token(self.get(page))

    def sign_in(self, key, **fields):
        return self.post("/sign-in", {"key": key} | fields)


def token(reply):
    return re.search(r'name="form" value="([0-9a-f]+)"', reply.text)[1]


def form(reply, action):
    """The fields of the first form with that action, as they are filled in."""
    part = reply.text.partition(f'action="{action}"')[2].partition("</form>")[0]
    assert part, f"no form for {action}"
    inputs = [dict(re.findall(r'\b(name|value)="([^"]*)"', tag)) for tag in re.findall(r"<input[^>]*>", part)]
    return {each["name"]: html.unescape(each.get("value", "")) for each in inputs if "name" in each}


def plain(markup):
    """Markup as it is read."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def table(reply, behind=""):
    """The first table behind a text of the page, without its head: each row's cells as they are read."""
    rest = reply.text.partition(behind)[2] if behind else reply.text
    body = re.search(r"<tbody>(.*?)</tbody>", rest, re.DOTALL)
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", body[1] if body else "", re.DOTALL)
    return [
        [plain(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)] for row in rows
    ]


def cards(reply):
    """The large figures by their names, each with what stands beneath it."""
    found = re.findall(
        r'<li><span class="name">(.*?)</span><span class="figure">(.*?)</span>(.*?)</li>',
        reply.text,
        re.DOTALL,
    )
    return {plain(name): (plain(figure), plain(more)) for name, figure, more in found}


def faults(reply):
    """What is wrong with a form, by the fields beside which it stands."""
    parts = re.findall(r'<div class="field wrong">(.*?)</div>', reply.text, re.DOTALL)
    return {
        re.search(r'name="([^"]+)"', part)[1]: plain(re.search(r"<strong>(.*?)</strong>", part)[1])
        for part in parts
    }


def notes(reply):
    return [
        plain(found) for found in re.findall(r'<p class="(?:note|told)[^>]*>(.*?)</p>', reply.text, re.DOTALL)
    ]


def entries(shop):
    """The audit, the newest last: who did what to which campaign, year or customer."""
    found = shop.services.audit.page(100)
    kept = ("campaign", "year", "user_id")
    return [(e.by, e.action, *(e.subject[k] for k in kept if e.subject[k] is not None)) for e in found][::-1]


class Cable:
    """A line to a server of this machine, which can be cut and mended."""

    def __init__(self, port):
        self._to, self._ends, self._is_whole = port, [], True
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def cut(self):
        self._is_whole = False
        self._hang_up()

    def mend(self):
        self._is_whole = True

    def close(self):
        self.cut()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _hang_up(self):
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _listen(self):
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self._is_whole:
                    far = socket.create_connection(("127.0.0.1", self._to))
                    self._ends += [near, far]
                    for ends in ((near, far), (far, near)):
                        threading.Thread(target=_carry, args=ends, daemon=True).start()
                else:
                    near.close()


def _carry(source, target):
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
    source.close()
