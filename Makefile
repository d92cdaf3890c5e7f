# Everything one does with this project. `make` alone lists it.
#
# Needs a Python from 3.11 on and make; all else is installed into .venv, from hashed requirements.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# Hundreds of processes start in a run of the tests, and none shall compile the service anew.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
# The requirements name everything, so nothing is left to resolve: with dependencies, older versions of pip
# trip over a newer release of a package that another one wants with an extra.
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-input --require-hashes --no-deps
# More arguments for a tool: make test ARGS="-k cache -x"
ARGS ?=

# --- use it ---------------------------------------------------------------------------------------

.PHONY: run
run: $(VENV)/.run.stamp  ## Start everything on this machine; Ctrl-C stops it (PORT=8000)
	@exec $(BIN)/python -m inventory local

.PHONY: demo
demo: $(VENV)/.run.stamp  ## Load a sample catalogue into the running service
	@exec $(BIN)/python -m inventory demo

.PHONY: integrity
integrity: $(VENV)/.run.stamp  ## Check that the books are right (of `make run`, or of MONGO_URL)
	@exec $(BIN)/python -m inventory integrity

.PHONY: repair
repair: $(VENV)/.run.stamp  ## Show what can be put right about the books; ARGS=--apply does it
	@exec $(BIN)/python -m inventory repair $(ARGS)

# --- change it ------------------------------------------------------------------------------------

.PHONY: test
test: $(VENV)/.dev.stamp  ## Run all tests against real servers (ARGS=...)
	@exec $(BIN)/python -m pytest -n 2 $(ARGS)

.PHONY: coverage
coverage: $(VENV)/.dev.stamp  ## The same, and tell what no test came by; takes half as long again
	@exec $(BIN)/python -m pytest -n 2 --cov --cov-report=term-missing:skip-covered $(ARGS)

.PHONY: explore
explore: $(VENV)/.dev.stamp  ## Try every order of steps and every crash of small scenarios (ARGS="heirs carts")
	@exec $(BIN)/python -m tests.faults.explore $(ARGS)

.PHONY: lint
lint: lint-python types lint-deploy lint-clients docs  ## Check style, formatting, types, security, deployment files and documentation

.PHONY: lint-python
lint-python: $(VENV)/.dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive inventory loadtests wsgi.py gunicorn.conf.py

.PHONY: types
types: $(VENV)/.dev.stamp  ## Check the types (mypy, strict)
	$(BIN)/mypy

.PHONY: pictures
pictures: $(VENV)/.dev.stamp  ## Take the pictures of the dashboard for docs/dashboard.md anew
	@exec $(BIN)/python -m tests.dashboard.pictures

.PHONY: format
format: $(VENV)/.dev.stamp  ## Sort imports and format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# --- deploy it ------------------------------------------------------------------------------------

.PHONY: lint-deploy
-include deploy/*.mk loadtests/*.mk

# --- keep it --------------------------------------------------------------------------------------

LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header -q

.PHONY: lock
lock: $(VENV)/.dev.stamp  ## Recompile the hashed requirements (ARGS=--upgrade)
	$(LOCK) $(ARGS) requirements.in -o requirements.txt
	$(LOCK) $(ARGS) requirements-local.in -o requirements-local.txt
	$(LOCK) $(ARGS) requirements-tracing.in -o requirements-tracing.txt
	$(LOCK) $(ARGS) requirements-dev.in -o requirements-dev.txt

.PHONY: clean
clean:  ## Remove the virtual environment and all caches; keeps the data in .local
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help
help:  ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- the virtual environment ----------------------------------------------------------------------

$(BIN)/python:
	@for python in $(PYTHON) python3.13 python3.12 python3.11 python3.14 python3; do \
	  if "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
	    >/dev/null 2>&1; then exec "$$python" -m venv --clear $(VENV); fi; \
	done; \
	echo "No Python 3.11 or newer with its venv module was found. Install one (on Debian and" \
	  "Ubuntu: apt install python3 python3-venv), or name it: make run PYTHON=/path/to/python3" >&2; \
	exit 1

$(VENV)/.run.stamp: requirements.txt requirements-local.txt | $(BIN)/python
	@echo "Installing the service and its local servers into $(VENV); once, for half a minute ..."
	@$(PIP) -r requirements.txt -r requirements-local.txt
	@touch $@

$(VENV)/.dev.stamp: requirements-dev.txt | $(BIN)/python
	@echo "Installing the development tools into $(VENV); once, for a minute ..."
	@$(PIP) -r requirements-dev.txt
	@$(BIN)/python -m pip --quiet check
	@touch $@
