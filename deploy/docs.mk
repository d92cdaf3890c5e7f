# How the documentation becomes a site. Part of the Makefile, and of `make lint`.
#
# Needs no server, and the network only once, for what draws the diagrams.

VENV ?= .venv
BIN ?= $(VENV)/bin

DIAGRAMS := deploy/docs/node_modules/.stamp

.PHONY: docs
docs: $(VENV)/.dev.stamp $(DIAGRAMS)  ## Build the documentation into site/, and check every link
	@exec $(BIN)/python -m deploy.docs site

# It runs in the reader's browser. npm has it with a hash; PyPI has no wheel that is its authors' own.
$(DIAGRAMS): deploy/docs/package.json deploy/docs/package-lock.json
	@command -v npm >/dev/null || { \
	  echo "The diagrams are drawn by a package of npm: install Node 20 or newer, with npm (on Debian and" \
	    "Ubuntu: apt install nodejs npm), or see to it that both are on the PATH." >&2; exit 1; }
	@npm ci --prefix deploy/docs --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
