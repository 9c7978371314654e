.DEFAULT_GOAL := help
.PHONY: help demo setup test quick test-times test-clickhouse lint format docs words lock bench torture mutants wheel clean
# The tests start Python some hundred times: what was compiled once is kept.
unexport PYTHONDONTWRITEBYTECODE

# The first Python that is one of ours; `make PYTHON=/path/to/python3.12 …` names another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

help: ## List what make can do
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 17

demo: .venv/runs ## Set everything up and run an invented shop
	@$(BIN)/smetka demo

setup: .venv/tests ## Set everything up, and all that tests need

# The checks of `lint` run beside the tests, and what they said comes at the end. Four test processes on two
# cores: a third of the time they wait for a server, a browser or a disk.
test: .venv/tests ## Set everything up and run every check and test
	@$(MAKE) --no-print-directory lint >.venv/lint 2>&1 & lint=$$!; trap "kill $$lint" INT TERM; \
	$(BIN)/python -m pytest -n 4; tests=$$?; wait $$lint; lint=$$?; \
	cat .venv/lint; exit $$((tests | lint))

quick: .venv/tests ## The tests that need no server and no process, in less than a minute
	@$(BIN)/python -m pytest -n 2 --quick

test-times: .venv/tests ## Every test, and a table of where the time went (TESTS=tests/web)
	@$(BIN)/python -m pytest -n 4 -p tests.times $(TESTS)

test-clickhouse: .venv/clickhouse ## The ledger's tests with ClickHouse's engine too (installs 560 MB)
	ENGINES=clickhouse $(BIN)/python -m pytest tests/ledger

lint: .venv/tests ## Style, types and generated pages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/tests ## Put the code in the house's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

words: .venv/tests ## Bring the Macedonian catalogue up to date with the code, and compile it
	$(BIN)/python docs/words.py

docs: .venv/tests ## Write the pages of docs/ that are made from the code
	$(BIN)/python docs/generate.py

bench: .venv/tests .venv/bench/made ## Measure, side by side with what one would use instead (BENCH=--quick)
	@$(BIN)/python -m bench $(BENCH)

torture: .venv/tests ## The tests of faults, kills and load, long; prints a table
	$(BIN)/python -m pytest --long

mutants: .venv/tests .venv/mutation/made ## Take guards away, change figures, see the tests turn red; prints tables
	@$(BIN)/python -m tests.mutants $(MUTANTS)

wheel: .venv/tests ## Build the wheel into dist/
	rm -rf dist
	$(BIN)/python -m hatchling build

lock: .venv/tests ## Make requirements/*.txt anew from pyproject.toml
	$(BIN)/uv pip compile $(LOCK) pyproject.toml -o requirements/runtime.txt
	$(BIN)/uv pip compile $(LOCK) pyproject.toml --extra all --group build -o requirements/all.txt
	$(BIN)/uv pip compile $(LOCK) pyproject.toml --extra all --group dev -o requirements/dev.txt
	$(BIN)/uv pip compile $(LOCK) --group bench -o requirements/bench.txt
	$(BIN)/uv pip compile $(LOCK) --group mutation -o requirements/mutation.txt
	$(BIN)/uv pip compile $(LOCK) -c requirements/dev.txt --group clickhouse -o requirements/clickhouse.txt
LOCK := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url

clean: ## Remove what was set up and built
	rm -rf .venv dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/made:
	@test -n "$(strip $(PYTHON))" || { echo "Smetka needs Python 3.11, 3.12 or 3.13 with venv; none was found (make PYTHON=/path/to/python3.12 $(MAKECMDGOALS))." >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "Smetka needs Python 3.11, 3.12 or 3.13; $(PYTHON) is %d.%d." % sys.version_info[:2])'
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/runs: .venv/made requirements/all.txt pyproject.toml
	@echo "Installing Smetka and what it needs into .venv (about half a minute)…"
	@$(PIP) --require-hashes --no-deps -r requirements/all.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/tests: .venv/runs requirements/dev.txt
	@echo "Installing what tests and checks need into .venv…"
	@$(PIP) --require-hashes --no-deps -r requirements/dev.txt
	@touch $@

.venv/clickhouse: .venv/tests requirements/clickhouse.txt
	@echo "Installing ClickHouse's engine into .venv…"
	@$(PIP) --require-hashes --no-deps -r requirements/clickhouse.txt
	@touch $@

# What is not Smetka's and has requirements of its own: somebody to measure against, a tool that changes code.
.venv/bench/made .venv/mutation/made: .venv/%/made: .venv/made requirements/%.txt
	@echo "Installing what make $(MAKECMDGOALS) needs into .venv/$*…"
	@$(BIN)/python -m venv --clear .venv/$*
	@.venv/$*/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes --no-deps -r requirements/$*.txt
	@touch $@
