# How the alerts are checked and tried. Part of the Makefile.
#
# promtool belongs to Prometheus. The system's own is used where there is one; else it is taken out of
# Debian's package, without installing that: it would start a server.

PROMTOOL := $(or $(shell command -v promtool 2>/dev/null),deploy/lint/promtool)
OBSERVABILITY := deploy/observability

.PHONY: lint-observability
lint-deploy: lint-observability
lint-observability: $(PROMTOOL)
	$(PROMTOOL) check rules $(OBSERVABILITY)/alerts.yml
	$(PROMTOOL) test rules $(OBSERVABILITY)/alerts.test.yml
	$(PROMTOOL) check config --syntax-only $(OBSERVABILITY)/prometheus.yml

deploy/lint/promtool:
	@command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || { \
	  echo "The alerts are tried with promtool, a part of Prometheus: see to it that it is on the PATH" \
	    "(on a Mac: brew install prometheus)." >&2; exit 1; }
	@cd deploy/lint && apt-get download -qq prometheus && \
	  dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x -O ./usr/bin/promtool > promtool.part && \
	  rm prometheus_*.deb && chmod +x promtool.part && mv promtool.part promtool
