"""Whoever decides what stands in a file of settings decides what Smetka does; and no secret is an argument."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import struct
from threading import Thread

import pytest
import structlog

from smetka.cli import run
from smetka.cli import serve as started
from smetka.cli.ledger_copy import _location
from smetka.core.errors import StartFailed, WrongUsage
from smetka.files import ownership
from smetka.settings import Settings, exposed, load_settings
from tests.rights import ONLY_ROOT

TOKEN = "123456:AAECanaryCanaryCanaryCanaryCanaryCan"
SERVER = "postgresql+psycopg://reader:canary@db.example.net/shop"


@pytest.fixture
def dotenv(tmp_path):
    file = tmp_path / ".env"
    file.write_text("SMETKA_CURRENCY=EUR\n")
    return file


@pytest.fixture
def token(tmp_path):
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o600)
    return file


def token_of(file) -> str:
    settings = load_settings(environ={"SMETKA_TELEGRAM_BOT_TOKEN_FILE": str(file)})
    return settings.telegram_bot_token.get_secret_value()


@ONLY_ROOT
def test_a_file_of_settings_of_somebody_else_is_refused_by_name_and_owner(dotenv, token):
    os.chown(dotenv, 54321, 54321)
    os.chown(token, 54321, 54321)

    with pytest.raises(WrongUsage, match=f"The file {dotenv} belongs to user 54321, who decides"):
        load_settings(environ={}, dotenv=dotenv)
    with pytest.raises(WrongUsage, match=f"_TOKEN_FILE names {token}, which belongs to user 54321"):
        token_of(token)


def test_we_are_somebody_else_to_whom_our_files_do_not_belong(token, monkeypatch):
    monkeypatch.setattr(ownership, "ROOT", -1)
    monkeypatch.setattr(ownership.os, "geteuid", lambda: 54321)

    with pytest.raises(WrongUsage, match="files of user 54321 or root alone"):
        token_of(token)


def test_a_link_of_ours_is_followed(token, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(token)

    assert token_of(link) == TOKEN


@ONLY_ROOT
def test_a_link_of_somebody_else_to_a_file_of_ours_is_refused(token, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(token)
    os.lchown(link, 54321, 54321)

    with pytest.raises(WrongUsage, match="belongs to user 54321"):
        token_of(link)


@ONLY_ROOT
@pytest.mark.parametrize("theirs", ["conf", "inner", "inner/token"])
def test_every_link_on_the_way_is_looked_at(token, tmp_path, theirs):
    """One of ours, over one in a folder's name, to one, to the file."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "token").symlink_to("../token")
    (tmp_path / "inner").symlink_to(tmp_path / "other")
    (tmp_path / "conf").symlink_to("inner")
    (tmp_path / "link").symlink_to("conf/token")
    assert token_of(tmp_path / "link") == TOKEN
    assert token_of(tmp_path / "conf" / ".." / "conf" / "token") == TOKEN

    os.lchown(tmp_path / theirs, 54321, 54321)

    named = (tmp_path / theirs).parent.resolve() / (tmp_path / theirs).name
    with pytest.raises(WrongUsage, match=f"is reached through {named}, which belongs to user 54321"):
        token_of(tmp_path / "link")


@pytest.mark.parametrize(("mode", "is_read"), [(0o777, False), (0o772, False), (0o1777, True), (0o755, True)])
@pytest.mark.parametrize("of", ["the file", "a link"])
def test_a_folder_in_which_others_may_replace_it_is_refused_by_name(token, tmp_path, mode, is_read, of):
    folder = tmp_path / "all"
    folder.mkdir()
    if of == "the file":
        named = token.rename(folder / "token")
    else:
        named = folder / "link"
        named.symlink_to(token)
    folder.chmod(mode)

    if is_read:
        assert token_of(named) == TOKEN
    else:
        with pytest.raises(
            WrongUsage, match=f"the folder {folder}, which may be written.*chmod go-w {folder}"
        ):
            token_of(named)


@ONLY_ROOT
def test_a_folder_of_somebody_else_is_refused_by_name_and_owner(dotenv, tmp_path):
    os.chown(tmp_path, 54321, 54321)

    with pytest.raises(
        WrongUsage, match=f"reached through the folder {tmp_path}, which belongs to user 54321"
    ):
        load_settings(environ={}, dotenv=dotenv)


@pytest.mark.parametrize("mode", [0o602, 0o666, 0o777])
def test_a_file_of_settings_that_others_may_write_is_refused_with_its_mode(dotenv, token, mode):
    dotenv.chmod(mode)
    token.chmod(mode)

    with pytest.raises(WrongUsage, match=f"may be written by others .mode 0{mode:o}.*`chmod go-w {dotenv}`"):
        load_settings(environ={}, dotenv=dotenv)
    with pytest.raises(WrongUsage, match=f"which may be written by others .mode 0{mode:o}"):
        token_of(token)


@ONLY_ROOT
@pytest.mark.parametrize(
    ("uid", "gid", "is_read"),
    [(0, 0, True), (54321, 54321, True), (0, 1, False), (54321, 54322, False), (54321, 0, False)],
)
def test_a_group_may_write_it_when_that_is_the_owners_own(token, monkeypatch, uid, gid, is_read):
    token.chmod(0o660)
    os.chown(token, uid, gid)
    monkeypatch.setattr(ownership.os, "geteuid", lambda: uid)

    assert (ownership.read(token).fault is None) is is_read


@ONLY_ROOT
@pytest.mark.parametrize(
    ("members", "first_of", "is_read"),
    [
        ((), (), True),
        (("root",), (("operator", 11),), True),
        (("eve",), (), False),
        ((), (("eve", 1000),), False),
    ],
)
def test_roots_group_may_write_it_where_nobody_else_is_in_it(token, monkeypatch, members, first_of, is_read):
    token.chmod(0o660)
    os.chown(token, 0, 0)
    users = [
        pwd.struct_passwd((name, "x", uid, 0, "", "/", "/bin/sh")) for name, uid in (("root", 0), *first_of)
    ]
    monkeypatch.setattr(ownership.pwd, "getpwall", lambda: users)
    monkeypatch.setattr(
        ownership.grp, "getgrgid", lambda _gid: grp.struct_group(("root", "x", 0, [*members]))
    )

    assert (ownership.read(token).fault is None) is is_read


@ONLY_ROOT
@pytest.mark.parametrize(("first_group", "is_read"), [(12345, True), (100, False)])
def test_a_group_that_has_the_owners_name_and_is_not_his_first_is_anothers(
    token, monkeypatch, first_group, is_read
):
    token.chmod(0o660)
    os.chown(token, 12345, 12345)
    ana = pwd.struct_passwd(("ana", "x", 12345, first_group, "", "/", "/bin/sh"))
    monkeypatch.setattr(ownership.os, "geteuid", lambda: 12345)
    monkeypatch.setattr(ownership.pwd, "getpwuid", lambda _uid: ana)
    monkeypatch.setattr(ownership.pwd, "getpwall", lambda: [ana])
    monkeypatch.setattr(ownership.grp, "getgrgid", lambda _gid: grp.struct_group(("ana", "x", 12345, [])))

    assert (ownership.read(token).fault is None) is is_read


@ONLY_ROOT
@pytest.mark.parametrize(("others", "is_read"), [((), True), (("eve",), False)])
def test_a_group_of_a_users_name_is_not_his_alone_where_it_is_anothers_first(
    token, monkeypatch, others, is_read
):
    token.chmod(0o660)
    os.chown(token, 12345, 12345)
    users = [
        pwd.struct_passwd((name, "x", 12345 + number, 12345, "", "/", "/bin/sh"))
        for number, name in enumerate(("ana", *others))
    ]
    group = grp.struct_group(("ana", "x", 12345, []))
    monkeypatch.setattr(ownership.os, "geteuid", lambda: 12345)
    monkeypatch.setattr(ownership.pwd, "getpwuid", lambda _uid: users[0])
    monkeypatch.setattr(ownership.pwd, "getpwall", lambda: users)
    monkeypatch.setattr(ownership.grp, "getgrgid", lambda _gid: group)

    assert (ownership.read(token).fault is None) is is_read


def test_a_file_that_an_access_control_list_lets_others_write_is_refused(dotenv, token):
    nobody = 0xFFFFFFFF
    entries = [(1, 6, nobody), (2, 6, 54321), (4, 4, nobody), (0x10, 6, nobody), (0x20, 0, nobody)]
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        for file in (dotenv, token):
            os.setxattr(file, "system.posix_acl_access", acl)
    except (OSError, AttributeError):
        pytest.skip("no access control lists here")

    with pytest.raises(WrongUsage, match=r"may be written by others .mode 0660"):
        load_settings(environ={}, dotenv=dotenv)
    with pytest.raises(WrongUsage, match=r"may be written by others .mode 0660"):
        token_of(token)
    token.chmod(0o640)  # and so named ones may not write any more
    assert token_of(token) == TOKEN


@ONLY_ROOT
def test_a_file_that_sets_nothing_of_ours_is_nobodys_business(dotenv):
    dotenv.write_text("FLASK_ENV=x\n")
    os.chown(dotenv, 54321, 54321)

    assert load_settings(environ={}, dotenv=dotenv).currency == "MKD"


@ONLY_ROOT
@pytest.mark.parametrize("mode", [0o444, 0o440, 0o644, 0o400])
def test_secrets_of_containers_go_on_working(token, tmp_path, monkeypatch, mode):
    # As Kubernetes makes them: a link over a link to a file of root, which the container's user may only read.
    tmp_path.chmod(0o1777)  # and a folder where all may write
    (tmp_path / "..2026").mkdir()
    token.rename(tmp_path / "..2026" / "token")
    (tmp_path / "..data").symlink_to("..2026")
    token.symlink_to("..data/token")
    token.chmod(mode)
    os.chown(token, 0, 2000)
    monkeypatch.setattr(ownership.os, "geteuid", lambda: 1000)

    assert token_of(token) == TOKEN


def test_a_pipe_is_read_as_a_file_is():
    reader, writer = os.pipe()
    os.write(writer, TOKEN.encode())
    os.close(writer)

    assert token_of(f"/dev/fd/{reader}") == TOKEN
    os.close(reader)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("mode", [0o602, 0o620, 0o666])
def test_a_pipe_that_others_may_write_is_refused_and_not_waited_for(tmp_path, mode):
    pipe = tmp_path / "token"
    os.mkfifo(pipe)
    pipe.chmod(mode)
    os.chown(pipe, -1, 54322 if os.geteuid() == 0 else -1)

    with pytest.raises(WrongUsage, match=f"may be written by others .mode {mode:04o}"):
        token_of(pipe)


@ONLY_ROOT
@pytest.mark.timeout(30)
def test_a_pipe_of_somebody_else_is_refused_and_not_waited_for(tmp_path):
    pipe = tmp_path / "token"
    os.mkfifo(pipe, 0o600)
    os.chown(pipe, 54321, 54321)

    with pytest.raises(WrongUsage, match="which belongs to user 54321"):
        token_of(pipe)


@pytest.mark.timeout(60)
def test_a_file_without_an_end_is_refused():
    with pytest.raises(WrongUsage, match="cannot be read: File too large"):
        token_of("/dev/zero")


@pytest.mark.timeout(30)
def test_a_pipe_of_ones_own_is_waited_for(tmp_path):
    pipe = tmp_path / "token"
    os.mkfifo(pipe, 0o600)
    writing = Thread(target=lambda: pipe.write_text(TOKEN), daemon=True)
    writing.start()

    assert token_of(pipe) == TOKEN
    writing.join()


def test_the_ledgers_url_is_read_from_a_file(tmp_path):
    file = tmp_path / "ledger"
    file.write_text(SERVER + "\n")

    settings = load_settings(environ={"SMETKA_LEDGER_FILE": str(file)})

    assert settings.ledger == SERVER
    with pytest.raises(WrongUsage, match="SMETKA_LEDGER and SMETKA_LEDGER_FILE are both set"):
        load_settings(environ={"SMETKA_LEDGER_FILE": str(file), "SMETKA_LEDGER": "shop.db"})


@pytest.mark.parametrize(
    ("field", "value", "instead"),
    [
        ("ledger", SERVER, "SMETKA_LEDGER, or name a file that holds it in SMETKA_LEDGER_FILE"),
        ("ledger", "postgresql://db.example.net/shop?password=canary", "SMETKA_LEDGER_FILE"),
        ("ledger", "clickhousedb://u:canary@db/shop", "SMETKA_LEDGER_FILE"),
        ("telegram_api_url", "http://me:canary@localhost:8081", "set SMETKA_TELEGRAM_API_URL."),
    ],
)
def test_a_password_in_an_option_is_refused_without_being_said_again(field, value, instead):
    with pytest.raises(WrongUsage) as refused:
        load_settings({field: value}, environ={})

    assert f"--{field.replace('_', '-')} has a password in it" in str(refused.value)
    assert instead in str(refused.value)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    "ledger", ["shop.db", "sqlite:////srv/shop.db", "postgresql://reader@db.example.net/shop"]
)
def test_an_option_without_a_password_is_none(ledger):
    assert load_settings({"ledger": ledger}, environ={}).ledger == ledger


def test_every_secret_but_none_of_its_values_can_be_an_option(smetka):
    for secret in ("--mongodb-uri", "--telegram-bot-token"):
        status, out, err = smetka("serve", secret, "canary-secret")
        assert (status, "canary" in out + err) == (2, False)


def test_a_copys_password_stands_in_a_file_and_not_in_an_argument(smetka, tmp_path):
    status, _, told = smetka("ledger", "copy", tmp_path / "shop.db", SERVER)
    assert (status, "canary" in told) == (2, False)
    assert "TARGET has a password in it" in told
    file = tmp_path / "target"
    file.write_text(SERVER)

    assert _location("TARGET", f"@{file}") == SERVER
    file.chmod(0o666)
    with pytest.raises(WrongUsage, match="mode 0666"):
        _location("TARGET", f"@{file}")


def test_a_secret_in_a_file_that_all_may_read_is_warned_of(token, dotenv):
    environ = {"SMETKA_TELEGRAM_BOT_TOKEN_FILE": str(token)}
    assert exposed(load_settings(environ=environ)) == []

    token.chmod(0o444)

    assert exposed(load_settings(environ=environ)) == [
        f"every user of this machine can read {token}, which holds a secret; run `chmod o-r {token}`"
    ]
    assert stat.S_IMODE(dotenv.stat().st_mode) & 0o004
    assert exposed(load_settings(environ={}, dotenv=dotenv)) == []


@pytest.mark.parametrize(
    ("ledger", "is_secret"),
    [(SERVER, True), ("postgresql://reader@db.example.net/shop", False), ("shop.db", False)],
)
def test_a_ledgers_file_is_secret_when_a_password_is_in_it(tmp_path, ledger, is_secret):
    file = tmp_path / "ledger"
    file.write_text(ledger)
    file.chmod(0o644)

    assert bool(exposed(load_settings(environ={"SMETKA_LEDGER_FILE": str(file)}))) is is_secret


@pytest.mark.parametrize(
    ("uri", "is_told"),
    [
        ("mongodb://localhost:27017/x", False),
        ("mongodb://[::1]:27017,127.0.0.2/x", False),
        ("mongodb://[::1]/x", False),
        ("mongodb://db.example.net/x", True),
        ("mongodb://localhost,db.example.net:27017/x", True),
        ("mongodb://db.example.net/x?tls=true", False),
        ("mongodb://db.example.net/x?ssl=true", False),
        ("mongodb://db.example.net/x?tls=true&tlsAllowInvalidCertificates=true", True),
        ("mongodb+srv://db.example.net/x", False),
        ("mongodb+srv://db.example.net/x?tls=false", True),
        ("mongodb+srv://db.example.net/x?tlsInsecure=true", True),
    ],
)
def test_a_distant_mongodb_without_tls_is_warned_of(uri, is_told):
    found = exposed(load_settings(environ={"SMETKA_MONGODB_URI": uri}))

    assert [("db.example.net" in each) for each in found] == [True] * is_told


@pytest.mark.parametrize(
    ("url", "is_told"),
    [
        ("https://api.telegram.org", False),
        ("http://localhost:8081", False),
        ("http://[::1]:8081", False),
        ("http://bot-api.example.net:8081", True),
    ],
)
def test_a_distant_bot_api_without_tls_is_warned_of(url, is_told):
    environ = {"SMETKA_TELEGRAM_API_URL": url, "SMETKA_TELEGRAM_BOT_TOKEN": TOKEN}

    assert [("bot-api.example.net" in each) for each in exposed(load_settings(environ=environ))] == [
        True
    ] * is_told
    assert exposed(Settings(telegram_api_url=url)) == []


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_what_is_exposed_is_told_at_the_start(command, token, tmp_path, monkeypatch):
    token.chmod(0o644)
    monkeypatch.setenv("SMETKA_TELEGRAM_BOT_TOKEN_FILE", str(token))
    monkeypatch.setenv("SMETKA_MONGODB_URI", "mongodb://db.example.net/smetka")
    monkeypatch.setenv("SMETKA_LEDGER", str(tmp_path / "shop.db"))
    monkeypatch.setattr(started, "configure_logging", lambda *_, **__: None)
    monkeypatch.setattr("smetka.runtime.worker.run", lambda _settings: None)
    monkeypatch.setattr(
        started.DataDirectory, "hold", lambda *_: (_ for _ in ()).throw(StartFailed("enough"))
    )

    with structlog.testing.capture_logs() as lines:
        run([command])

    told = " ".join(line["event"] for line in lines)
    assert f"can read {token}" in told
    assert "db.example.net" in told


@ONLY_ROOT
@pytest.mark.parametrize(
    ("members", "first_of", "is_read"),
    [((), (), True), (("eve",), (), False), ((), ("eve",), False), (("user 12345",), (), True)],
)
def test_a_group_without_a_known_owner_is_his_where_nobody_else_is_in_it(
    token, monkeypatch, members, first_of, is_read
):
    def unknown(_uid):
        raise KeyError

    token.chmod(0o660)
    os.chown(token, 12345, 12345)
    people = [pwd.struct_passwd((name, "x", 4444, 12345, "", "/", "/bin/sh")) for name in first_of]
    monkeypatch.setattr(ownership.os, "geteuid", lambda: 12345)
    monkeypatch.setattr(ownership.pwd, "getpwuid", unknown)
    monkeypatch.setattr(ownership.pwd, "getpwall", lambda: people)
    group = grp.struct_group(("staff", "x", 12345, list(members)))
    monkeypatch.setattr(ownership.grp, "getgrgid", lambda _gid: group)

    assert (ownership.read(token).fault is None) is is_read


@ONLY_ROOT
def test_a_link_whose_target_is_gone_in_that_moment_is_not_obeyed(token, tmp_path, monkeypatch):
    theirs, link = tmp_path / "theirs", tmp_path / "link"
    theirs.mkdir()
    (theirs / "secret").symlink_to(token)
    os.chown(theirs, 54321, -1)
    link.symlink_to(theirs / "secret")
    real = ownership._fault

    def without_it(path, found, place):
        (theirs / "secret").unlink()
        return real(path, found, place)

    monkeypatch.setattr(ownership, "_fault", without_it)

    with pytest.raises(FileNotFoundError):
        ownership.read(link)
