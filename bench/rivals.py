"""What one would write instead of Smetka, and the servers it runs on.

Each function that makes an application is named on a server's command line; the ledger's path or URL,
or the size of a constant answer, comes in the environment.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from contextlib import AbstractContextManager
from pathlib import Path

from flask import Flask, Response, jsonify
from sqlalchemy import Engine, bindparam, column, create_engine, func, select, table

from bench.servers import REPOSITORY, Server, running

DATASETTE = REPOSITORY / ".venv" / "bench" / "bin" / "datasette"
"""In an environment of its own, made by `make bench`: its requirements are not Smetka's."""
THREADS = (1, 4)


def core() -> Flask:
    """One SELECT by SQLAlchemy Core."""
    return _one_select("core", create_engine(f"sqlite:///{os.environ['BENCH_LEDGER']}"))


def pooled() -> Flask:
    """The same on a database server, with a pool and transactions like Smetka's own."""
    engine = create_engine(
        os.environ["BENCH_LEDGER"],
        pool_size=4,
        max_overflow=-1,
        pool_use_lifo=True,
        pool_reset_on_return=None,
        isolation_level="AUTOCOMMIT",
    )
    return _one_select("pooled", engine)


def _one_select(name: str, engine: Engine) -> Flask:
    application = Flask(name)
    payments = table("user_spending", column("user_id"), column("money_spent"))
    total = select(func.coalesce(func.sum(payments.c.money_spent), 0)).where(
        payments.c.user_id == bindparam("id")
    )

    @application.get("/total_spent/<int:user_id>")
    def total_spent(user_id: int) -> Response:
        with engine.connect() as connection:
            return jsonify(user_id=user_id, total=connection.execute(total, {"id": user_id}).scalar())

    return application


def plain() -> Flask:
    """The brief, solved in a few lines."""
    application = Flask("plain")

    @application.get("/total_spent/<int:user_id>")
    def total_spent(user_id: int) -> Response:
        connection = sqlite3.connect(os.environ["BENCH_LEDGER"])
        question = "SELECT SUM(money_spent) FROM user_spending WHERE user_id = ?"
        (total,) = connection.execute(question, (user_id,)).fetchone()
        connection.close()
        return jsonify(user_id=user_id, total=total)

    return application


def constant() -> Flask:
    """An answer that costs nothing to make."""
    application = Flask("constant")
    body = b'"' + b"x" * (int(os.environ["BENCH_BYTES"]) - 2) + b'"'

    @application.get("/constant")
    def answer() -> Response:
        return Response(body, mimetype="application/json")

    return application


def on_granian(
    application: str, folder: Path, environment: dict[str, str], *, threads: int, ready_path: str
) -> AbstractContextManager[Server]:
    """One of the applications on Smetka's own server, by WSGI: one worker, so many threads."""
    options = ["--interface", "wsgi", "--workers", "1", "--blocking-threads", str(threads)]
    return running(
        f"{application} {threads}",
        [_beside("granian"), *options, "--port", "{port}", "--factory", f"bench.rivals:{application}"],
        folder,
        environment,
        ready_path=ready_path,
    )


def on_flask_run(folder: Path, ledger: Path) -> AbstractContextManager[Server]:
    """The plain solution under `flask run`."""
    return running(
        "plain",
        [_beside("flask"), "--app", "bench.rivals:plain()", "run", "--port", "{port}"],
        folder,
        {"BENCH_LEDGER": str(ledger)},
        ready_path="/total_spent/1",
    )


def datasette(folder: Path, ledger: Path) -> AbstractContextManager[Server]:
    """A canned query of Datasette over the file."""
    query = {"sql": "SELECT coalesce(sum(money_spent), 0) AS total FROM user_spending WHERE user_id = :id"}
    metadata = folder / "datasette.json"
    metadata.write_text(json.dumps({"databases": {ledger.stem: {"queries": {"total": query}}}}))
    return running(
        "Datasette",
        [str(DATASETTE), "serve", str(ledger), "--metadata", str(metadata), "--port", "{port}"],
        folder,
        {},
        ready_path=f"/{ledger.stem}/total.json?id=1",
    )


def _beside(command: str) -> str:
    return str(Path(sys.executable).parent / command)
