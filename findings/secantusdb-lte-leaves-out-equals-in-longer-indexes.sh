#!/usr/bin/env bash
# SecantusDB 0.7.0b3 (a server that speaks MongoDB's protocol, pip install secantusdb), pymongo 4.20.0.
#
# An index (a, n, u), and records of one a with n from 1 to 5. `{a: 1, n: {$gte: 2, $lte: 4}}` finds 3 records
# while there is no index, and 2 once there is: the record with n = 4 is left out, since the index goes on with u
# behind the field that has a range. MongoDB finds 3 either way. `{$gte: 2, $lt: 5}` finds all 3, and so does an
# index (a, n) that ends with the field.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check secantusdb==0.7.0b3 pymongo==4.20.0

port=$("$folder/venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$folder/venv/bin/python" -m secantus --host 127.0.0.1 --port "$port" --storage-path "$folder/data" >/dev/null 2>&1 &
server=$!

"$folder/venv/bin/python" - "$port" <<'PYTHON'
import sys

from pymongo import MongoClient

client = MongoClient(f"mongodb://127.0.0.1:{sys.argv[1]}/?directConnection=true", serverSelectionTimeoutMS=60_000)


def found(end, *index):
    records = client.finding["_".join(index) or "none"]
    records.drop()
    if index:
        records.create_index([(field, 1) for field in index])
    records.insert_many([{"a": 1, "n": n, "u": n} for n in range(1, 6)])
    return sorted(record["n"] for record in records.find({"a": 1, "n": {"$gte": 2, **end}}))


seen = {
    "no index, $lte 4": found({"$lte": 4}),
    "index (a, n), $lte 4": found({"$lte": 4}, "a", "n"),
    "index (a, n, u), $lt 5": found({"$lt": 5}, "a", "n", "u"),
    "index (a, n, u), $lte 4": found({"$lte": 4}, "a", "n", "u"),
}
for what, numbers in seen.items():
    print(f"{what}: {numbers}")
assert [*seen.values()] == [[2, 3, 4], [2, 3, 4], [2, 3, 4], [2, 3]], "it behaves otherwise now"
PYTHON
