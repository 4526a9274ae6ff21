# The only task runner. POSIX sh throughout; override PYTHON to choose another interpreter.

PYTHON ?= python3
CASINO_CLUB_DATA_DIR ?= $(CURDIR)/.data
export CASINO_CLUB_DATA_DIR

PIP_INSTALL = .venv/bin/python -m pip install --quiet --disable-pip-version-check

LOCK = .venv/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--group build --custom-compile-command "make lock"

.PHONY: demo test test-cluster test-faults test-verifiers test-oidc check bench gen lock

# Sandboxes take every date of birth for proof of age and pretend to take money, so that whoever tries it can play and buy.
demo: .venv/.stamp
	@exec env CASINO_CLUB_AGE_VERIFIER="$${CASINO_CLUB_AGE_VERIFIER:-sandbox}" \
		CASINO_CLUB_PAYMENT_PROVIDER="$${CASINO_CLUB_PAYMENT_PROVIDER:-sandbox}" .venv/bin/casino-club up

# ARGS goes on to pytest: make test ARGS=tests/architecture. Each worker has servers of its own and takes whole files.
WORKERS ?= 2
test: .venv/.stamp-dev
	@exec .venv/bin/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder $(ARGS)

# Kills each kind of process 20 times, and a process at each named point. PAGE=docs/faults.md writes the table down.
# As root, with Java 17, Maven, ip and tc, a cluster suffers as well; ARGS="-k cluster" leaves the rest out.
test-faults: .venv/.stamp-dev
	@exec env CASINO_CLUB_TEST_KILLS="$${CASINO_CLUB_TEST_KILLS:-20}" CASINO_CLUB_TEST_FAULTS_PAGE="$(PAGE)" \
		CASINO_CLUB_TEST_CLUSTER=1 \
		.venv/bin/python -m pytest tests/faults $(ARGS)

# Needs Node 20 or newer: the verifier in Python and the one in JavaScript look at the same proofs.
test-verifiers: .venv/.stamp-dev
	@node --version >/dev/null 2>&1 || { echo "Install Node 20 or newer, or leave this out: nothing else needs it." >&2; exit 1; }
	@exec env CASINO_CLUB_TEST_PROOFS="$${CASINO_CLUB_TEST_PROOFS:-100000}" .venv/bin/python -m pytest tests/verifiers $(ARGS)

# Needs Node 20 or newer: logs in at a certified identity provider, which it installs below tests/provider.
test-oidc: .venv/.stamp-dev tests/provider/node_modules/.package-lock.json
	@exec env CASINO_CLUB_TEST_PROVIDER=1 .venv/bin/python -m pytest tests/provider $(ARGS)

tests/provider/node_modules/.package-lock.json: tests/provider/package-lock.json
	@npm --version >/dev/null 2>&1 || { echo "Install Node 20 or newer, or leave this out: nothing else needs it." >&2; exit 1; }
	@cd tests/provider && npm ci --no-audit --no-fund --silent && touch node_modules/.package-lock.json

# With a real Kafka, which `deploy/kafka/kafka` starts: needs Java 17 and Maven. Prometheus's promtool tries the alerts.
test-cluster: .venv/.stamp-dev
	@exec env CASINO_CLUB_TEST_CLUSTER=1 .venv/bin/python -m pytest tests/cluster $(wildcard tests/contracts/test_*source*.py) $(ARGS)

check: .venv/.stamp-dev
	@.venv/bin/ruff format --check --quiet
	@.venv/bin/ruff check --quiet
	@.venv/bin/mypy --no-error-summary src tests $(wildcard bench/*.py)
	@.venv/bin/lint-imports --no-logo
	@exec .venv/bin/python -m pytest tests/architecture

# One file per figure of docs/performance.md, one after the other.
bench: .venv/.stamp-dev
	@for figure in bench/[!_]*.py; do .venv/bin/python -m "bench.$$(basename "$$figure" .py)" || exit 1; done

# The reference pages are made from the code.
gen: .venv/.stamp-dev
	@exec .venv/bin/python -m casino_club.entry.cli.reference

# Keeps every pin that still fits; make lock ARGS=--upgrade takes the newest instead.
lock: .venv/.stamp-dev
	@$(LOCK) $(ARGS) --output-file requirements.lock
	@$(LOCK) $(ARGS) --extra dev --constraint requirements.lock --output-file requirements-dev.lock

# A stamp is a copy of the lock that the environment was made from, so that only a new lock installs again.
.venv/.stamp: requirements.lock pyproject.toml .venv/pyvenv.cfg
	@if cmp -s requirements.lock $@; then exec touch $@; fi; \
	echo "Installing what requirements.lock names (about a minute, once)."; \
	$(PIP_INSTALL) --require-hashes --requirement requirements.lock && \
	$(PIP_INSTALL) --no-deps --no-build-isolation --editable . && \
	cp requirements.lock $@

.venv/.stamp-dev: requirements-dev.lock .venv/.stamp
	@if cmp -s requirements-dev.lock $@; then exec touch $@; fi; \
	echo "Installing what requirements-dev.lock names (about a minute, once)."; \
	$(PIP_INSTALL) --require-hashes --requirement requirements-dev.lock && \
	cp requirements-dev.lock $@

# An environment whose interpreter is gone is none.
$(shell test -x .venv/bin/python || rm -f .venv/pyvenv.cfg)

.venv/pyvenv.cfg:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo \
	"Casino-Club needs Python 3.11 or newer and '$(PYTHON)' is not: install it, or name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo \
	"'$(PYTHON)' lacks the venv module: install it (on Debian and Ubuntu: apt-get install python3-venv) and run make $(MAKECMDGOALS) again." >&2; exit 1; }
	@rm -f .venv/.stamp .venv/.stamp-dev; "$(PYTHON)" -m venv --clear .venv
