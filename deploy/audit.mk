# What is known about the packages that are installed, and a list of them. Part of the Makefile.
#
# Unlike a lint, the audit asks others: what it says can change overnight, and it needs the network.

VENV ?= .venv
BIN ?= $(VENV)/bin
SBOM ?= sbom.cdx.json

.PHONY: audit
audit: audit-packages audit-actions  ## Ask what is known against the pinned packages and actions (OSV_URL= GH_TOKEN=)

# deploy/audit.py tells what its exit codes mean; make shows them, and ends with 2 itself.
.PHONY: audit-packages
audit-packages: $(VENV)/.dev.stamp
	$(BIN)/python deploy/audit.py $(if $(OSV_URL),--osv-url '$(OSV_URL)')

# Only GitHub knows whether a pinned commit is the version that stands beside it, and it wants a token.
.PHONY: audit-actions
audit-actions: $(VENV)/.dev.stamp
ifdef GH_TOKEN
	$(BIN)/zizmor --quiet --persona pedantic .github
else
	@echo "Without GH_TOKEN GitHub is not asked about the actions; \`make lint\` has checked what can be without."
endif

# Of what the service runs on, for all platforms. From the lock file: it has the hashes, needs no network,
# and the same lock file gives the same list, byte for byte.
.PHONY: sbom
sbom: $(VENV)/.dev.stamp  ## List the packages that the service runs on, with hashes (CycloneDX; SBOM=file)
	$(BIN)/python -W ignore::UserWarning -m cyclonedx_py requirements requirements.txt \
	  --pyproject pyproject.toml --output-reproducible --validate --output-file $(SBOM)
