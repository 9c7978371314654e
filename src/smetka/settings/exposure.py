"""Where what is configured lets others read a secret or what is sent: it works, and should be known."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from smetka.files.ownership import readable_by_all
from smetka.settings.ledger_location import has_password
from smetka.settings.model import Settings, as_text, has_file_form, is_loopback, is_secret
from smetka.settings.mongodb_uri import MongoDBURI, parse


def exposed(settings: Settings) -> list[str]:
    """A sentence about each secret that all may read in its file, and each distant server in the open."""
    sentences = [
        f"every user of this machine can read {file}, which holds a secret; run `chmod o-r {file}`"
        for file in dict.fromkeys(_files(settings))
        if readable_by_all(file)
    ]
    api = urlsplit(settings.telegram_api_url)
    if settings.telegram_bot_token and api.scheme == "http" and not is_loopback(api.hostname or ""):
        sentences.append(
            f"the bot's token and every message go to {api.hostname} unencrypted: SMETKA_TELEGRAM_API_URL is http://"
        )
    if settings.mongodb_uri and not _is_safe(uri := parse(as_text(settings.mongodb_uri))):
        sentences.append(
            f"all records go to MongoDB at {uri.hosts} unencrypted, or to whoever takes its place: "
            "SMETKA_MONGODB_URI has no tls=true, or switches off what TLS checks"
        )
    return sentences


def _files(settings: Settings) -> list[Path]:
    """Files that secrets in force were read from."""
    files = []
    for field in filter(has_file_form, Settings.model_fields):
        value, origin = getattr(settings, field), settings.origin(field)
        is_of_file = value and origin not in {"default", "given", "option", "environment"}
        if is_of_file and (is_secret(field) or has_password(as_text(value))):
            files.append(Path(origin).expanduser().absolute())
    return files


def _is_safe(uri: MongoDBURI) -> bool:
    options = {name.lower(): value.lower() for name, value in uri.options}
    encrypted = options.get("tls", options.get("ssl", "true" if uri.scheme.endswith("srv") else "false"))
    unchecked = ("tlsinsecure", "tlsallowinvalidcertificates", "tlsallowinvalidhostnames")
    if encrypted == "true" and not any(options.get(name) == "true" for name in unchecked):
        return True
    return all(
        is_loopback(host.rpartition(":")[0] if _has_port(host) else host) for host in uri.hosts.split(",")
    )


def _has_port(host: str) -> bool:
    return ":" in host.rpartition("]")[2]
