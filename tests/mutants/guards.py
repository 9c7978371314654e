"""Every guard that keeps a promise: where it stands, what it looks like without it, and who must notice.

`make mutants` takes them away one at a time. Texts stand in their files exactly once.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Guard:
    """A guard, its removal, and the tests (arguments of pytest) that must turn red.

    `also` are further removals made together with it, where one guard hides the absence of another.
    """

    name: str
    file: str
    guard: str
    without: str
    tests: str
    also: tuple[tuple[str, str, str], ...] = ()

    @property
    def changes(self) -> tuple[tuple[str, str, str], ...]:
        """Every removal: file, text, replacement."""
        return ((self.file, self.guard, self.without), *self.also)


GUARDS = (
    # --- nothing acknowledged is lost or doubled ---
    Guard(
        "sync on commit, and the journal option",
        "storage/launch.py",
        '        "--sync-on-commit",\n',
        "",
        "tests/storage/test_embedded.py -k kill_under_writes",
        also=(
            ("storage/connection.py", 'WriteConcern(w="majority", j=True)', "WriteConcern(w=1, j=False)"),
            ("storage/embedded.py", "&w=majority&journal=true", "&w=1&journal=false"),
        ),
    ),
    Guard(
        "majority and journal on every write",
        "storage/connection.py",
        'WriteConcern(w="majority", j=True)',
        "WriteConcern(w=1)",
        "tests/storage/test_connection.py -k every_write_waits",
    ),
    Guard(
        "one record a customer and year",
        "storage/schema.py",
        'name="customer_year", unique=True',
        'name="customer_year"',
        "tests/storage/test_schema.py tests/bonus/test_records.py",
    ),
    Guard(
        "the server's own rule of what a record is",
        "storage/schema.py",
        '"additionalProperties": False,',
        "",
        "tests/storage/test_schema.py",
    ),
    Guard(
        "created is what the upsert says",
        "bonus/records.py",
        "return result.upserted_id is not None",
        "return True",
        "tests/bonus/test_records.py",
    ),
    Guard(
        "no retried writes",
        "storage/embedded.py",
        "&retryWrites=false",
        "",
        "tests/storage/test_embedded.py -k never_retries",
    ),
    Guard(
        "a delivery is claimed by compare-and-set",
        "telegram/outbox.py",
        '{"_id": delivery.id, "state": delivery.state, "attempt": delivery.attempt},',
        '{"_id": delivery.id},',
        "tests/telegram/test_sender.py",
    ),
    Guard(
        "a delivery is settled by who claimed it",
        "telegram/outbox.py",
        '{"_id": claimed.id, "state": SENDING, "owner": claimed.owner, "attempt": claimed.attempt},',
        '{"_id": claimed.id},',
        "tests/telegram/test_sender.py",
    ),
    Guard(
        "the lease is taken by compare-and-set",
        "telegram/lease.py",
        '{"_id": self._name, "owner": owner, "fence": fence},',
        '{"_id": self._name},',
        "tests/telegram/test_lease.py tests/telegram/test_sender.py",
    ),
    Guard(
        "a backup is looked at before it is restored",
        "storage/backup.py",
        "if _sum_of(source / name) != expected:",
        "if False:",
        "tests/storage/test_backup.py",
    ),
    Guard(
        "nothing is restored over other records",
        "storage/restore.py",
        "if first not in ours or any(record not in ours for record in there):",
        "if False:",
        "tests/storage/test_backup.py",
    ),
    # --- who is let in ---
    Guard(
        "only our own host names",
        "web/guards.py",
        "if host_name(host) not in parts().allowed_hosts:",
        "if False:",
        "tests/web/test_hosts.py",
    ),
    Guard(
        "no change for other sites",
        "web/guards.py",
        "if foreign or request.",
        "if request.",
        "tests/web/test_hosts.py",
    ),
    Guard(
        "a key where one is needed",
        "web/guards.py",
        "    if not keys_needed():\n        return True\n",
        "    return True\n",
        "tests/web/test_access.py",
    ),
    Guard(
        "a role may only what the table says",
        "web/guards.py",
        "return role is not None and permission in ROLES[role]",
        "return role is not None",
        "tests/web/test_access.py",
    ),
    Guard(
        "a revoked key is none",
        "keys.py",
        " and key.revoked_at is None:\n                role",
        ":\n                role",
        "tests/web/test_keys.py tests/web/test_access.py tests/web/test_at_once.py",
    ),
    Guard(
        "a lost keys file opens no door",
        "keys.py",
        "self._ever_made = _once_made(path)",
        "self._ever_made = False",
        "tests/web/test_keys.py tests/web/test_access.py",
    ),
    Guard(
        "wrong keys are limited",
        "web/guards.py",
        "                _count_wrong_key()\n",
        "                pass\n",
        "tests/web/test_access.py",
    ),
    Guard(
        "keys that changed end what was admitted",
        "web/at_once.py",
        "admitted.keys is not turn.keys or ",
        "",
        "tests/web/test_at_once.py",
    ),
    Guard(
        "admitted are requests with the same headers",
        "web/at_once.py",
        "scope.authority, *items),",
        "scope.authority),",
        "tests/web/test_at_once.py",
    ),
    Guard(
        "the embedded MongoDB wants its password",
        "storage/launch.py",
        'command(home, home / "storage", port, "--auth")',
        'command(home, home / "storage", port)',
        "tests/storage/test_embedded.py -k password_is_needed",
    ),
    Guard(
        "the data folder is closed to others",
        "storage/home.py",
        "                folder.mkdir(mode=0o700, parents=True, exist_ok=True)",
        "                folder.mkdir(parents=True, exist_ok=True)",
        "tests/storage/test_embedded.py -k nobody_else",
        also=(("storage/home.py", "                    folder.chmod(0o700)", "                    pass"),),
    ),
    Guard(
        "secrets are scrubbed from the log",
        "logs.py",
        "            return scrub(value, known)\n        match value:",
        "            return value\n        match value:",
        "tests/test_logs.py",
    ),
    Guard(
        "the web process does not hold the bot's token",
        "server.py",
        "if not token and self.settings.telegram_bot_token:",
        "if False:",
        "tests/e2e/test_serve.py -k token_is_only_where",
    ),
    # --- what comes in ---
    Guard(
        "the same key twice is refused",
        "exact_json.py",
        "    if len(value) != len(pairs):\n",
        "    if False:\n",
        "tests/test_exact_json.py",
    ),
    Guard(
        "NaN is refused",
        "exact_json.py",
        "            parse_constant=_constant,\n",
        "",
        "tests/test_exact_json.py",
    ),
    Guard(
        "nesting has a limit",
        "exact_json.py",
        "if _depth(text) > MAX_DEPTH:",
        "if False:",
        "tests/test_exact_json.py",
    ),
    Guard(
        "half a surrogate pair is refused",
        "exact_json.py",
        "    _refuse_surrogates(value)\n    return value",
        "    return value",
        "tests/test_exact_json.py",
    ),
    Guard(
        "fractions are never floats",
        "exact_json.py",
        "            parse_float=_decimal,\n",
        "",
        "tests/test_exact_json.py",
    ),
    Guard(
        "a body has a largest size",
        "web/bodies.py",
        "    if declared > MAX_BODY_BYTES:\n",
        "    if False:\n",
        "tests/web/test_bad_input.py",
    ),
    Guard(
        "a body has a longest time",
        "web/gateway.py",
        "asyncio.timeout(BODY_SECONDS)",
        "asyncio.timeout(600)",
        "tests/e2e/test_raw_http.py -k too_slowly",
    ),
    Guard(
        "unknown fields are refused",
        "web/schemas.py",
        'model_config = ConfigDict(extra="forbid", frozen=True)',
        "model_config = ConfigDict(frozen=True)",
        "tests/web/test_bad_input.py",
    ),
    Guard(
        "ids are canonical",
        "web/values.py",
        're.compile(r"[1-9][0-9]{0,18}")',
        're.compile(r"[0-9]{1,19}")',
        "tests/web/test_bad_input.py",
    ),
    Guard(
        "at most two decimals",
        "money.py",
        "if exponent < -2 and any(digits[max(len(digits) + exponent + 2, 0) :]):",
        "if False:",
        "tests/test_money.py",
    ),
    # --- figures ---
    Guard(
        "exceeds is strict",
        "bonus/customers.py",
        "total <= rules.threshold",
        "total < rules.threshold",
        "tests/bonus",
    ),
    Guard(
        "rounding half up, once",
        "money.py",
        "        if rest * 2 >= count:\n",
        "        if rest * 2 > count:\n",
        "tests/test_money.py tests/spending",
    ),
    Guard(
        "each payment is rounded to the cent",
        "ledger/values.py",
        'cast(func.round(amount * literal_column("100")), Integer)',
        'cast(amount * literal_column("100"), Integer)',
        "tests/ledger/test_figures.py",
    ),
    Guard(
        "what is beyond all bounds does not count",
        "ledger/values.py",
        "return amount.between(-limit, limit)",
        "return amount.between(-limit * 1000, limit * 1000)",
        "tests/ledger/test_figures.py",
    ),
    Guard(
        "the year is the shop's",
        "bonus/customers.py",
        "self.now().astimezone(self.timezone).year",
        "self.now().year",
        "tests/bonus/test_customers.py",
    ),
    Guard(
        "both ends belong to an age group",
        "age_groups.py",
        "self.lowest <= age <= self.highest",
        "self.lowest <= age < self.highest",
        "tests/spending",
    ),
    # --- the ledger ---
    Guard(
        "the ledger is opened read-only",
        "ledger/open_file.py",
        'mode: str = "ro"',
        'mode: str = "rwc"',
        "tests/ledger",
    ),
    Guard(
        "commits are noticed",
        "ledger/open_file.py",
        "return not self._retired and self._read_data_version() == self._data_version",
        "return not self._retired",
        "tests/ledger/test_freshness.py tests/web/test_at_once.py",
    ),
    Guard(
        "a replaced file is noticed",
        "ledger/open_file.py",
        "return seen == self._seen",
        "return True",
        "tests/ledger/test_freshness.py tests/web/test_at_once.py",
    ),
    Guard(
        "a long look is no answer at once",
        "ledger/open_file.py",
        "return self._looks_left <= 0",
        "return False",
        "tests/web/test_at_once.py",
    ),
    # --- messages ---
    Guard(
        "what nobody asked for sends nothing",
        "web/operations.py",
        'or headers.get("Sec-Fetch-Site") == "cross-site"',
        "",
        "tests/web/test_brief.py",
    ),
    Guard(
        "the same figures are told once",
        "telegram/deliveries.py",
        "c not in has_it and ",
        "",
        "tests/telegram/test_deliveries.py",
    ),
    Guard(
        "no more than six reports within the cool-down",
        "telegram/deliveries.py",
        " and reports[c] < MOST_REPORTS",
        "",
        "tests/telegram/test_deliveries.py",
    ),
    # --- processes and answers ---
    Guard(
        "children die with their parent",
        "processes.py",
        "    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)\n",
        "",
        "tests/e2e/test_serve.py -k killing_the_parent",
    ),
    Guard(
        "a web process that hangs is noticed",
        "server.py",
        '        probe("web", self.web, lambda: lives(self.url, self.host_header), self.stopping)\n',
        "",
        "tests/e2e/test_serve.py -k web_process_that_hangs",
    ),
    Guard(
        "answers are not kept by browsers",
        "web/headers.py",
        '"Cache-Control": "no-store"',
        "",
        "tests/web/test_error_shape.py tests/web/test_brief.py tests/web/test_bad_input.py",
    ),
    Guard(
        "pages run no foreign script",
        "web/headers.py",
        '"Content-Security-Policy": "default-src \'none\'; ',
        '"Content-Security-Policy": "default-src * \'unsafe-inline\'; ',
        "tests/web/test_pages.py tests/web/test_docs_page.py",
    ),
)
