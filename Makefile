# The only task runner. POSIX sh throughout; override PYTHON to choose another interpreter.

PYTHON ?= python3
CASINO_CLUB_DATA_DIR ?= $(CURDIR)/.data
export CASINO_CLUB_DATA_DIR

PIP_INSTALL = .venv/bin/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo

demo: .venv/.stamp
	@exec .venv/bin/casino-club up

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
