# Load tests; loadtests/README.md tells how to read them. Exit code 0 only if the books are exact.
# Each target starts what it needs; URL=http://... names a running service instead.

load_option = $(if $($(1)),$(2) "$($(1))")
load_size = $(call load_option,USERS,--users) $(call load_option,SECONDS,--seconds) \
  $(call load_option,STOCK,--stock) $(call load_option,PROCESSES,--processes)

.PHONY: load-flash-sale
load-flash-sale: $(VENV)/.dev.stamp  ## Everybody wants one product (URL= USERS= SECONDS= STOCK=)
	@exec $(BIN)/python -m loadtests flash-sale $(call load_option,URL,--url) $(load_size)

.PHONY: load-browse
load-browse: $(VENV)/.dev.stamp  ## Many look, few buy (URL= USERS= SECONDS= STOCK= PRODUCTS=)
	@exec $(BIN)/python -m loadtests browse $(call load_option,URL,--url) $(load_size) \
	  $(call load_option,PRODUCTS,--products)

.PHONY: load-checkout
load-checkout: $(VENV)/.dev.stamp  ## Buy, hold, commit, release, return (URL= CLIENTS= SECONDS= STOCK=)
	@exec $(BIN)/python -m loadtests checkout $(call load_option,URL,--url) \
	  $(call load_option,CLIENTS,--clients) $(call load_option,PROCESSES,--processes) \
	  $(call load_option,SECONDS,--seconds) $(call load_option,STOCK,--stock)

.PHONY: bench
bench: $(VENV)/.dev.stamp  ## Beside its yardsticks (ROUNDS= SECONDS= CONNECTIONS= ONLY="..." KEEP=1)
	@exec $(BIN)/python -m loadtests bench $(call load_option,ROUNDS,--rounds) \
	  $(call load_option,SECONDS,--seconds) $(call load_option,CONNECTIONS,--connections) \
	  $(call load_option,ONLY,--only) $(if $(KEEP),--keep)

.PHONY: flame
flame: $(VENV)/.dev.stamp  ## Draw where the time of a purchase and a read goes, into docs/flames (SECONDS=)
	@exec $(BIN)/python -m loadtests flame $(call load_option,SECONDS,--seconds)

.PHONY: bench-growth
bench-growth: $(VENV)/.dev.stamp  ## What requests cost as the catalogue grows (SIZES= ROUNDS= SECONDS= KEEP=1)
	@exec $(BIN)/python -m loadtests growth $(call load_option,SIZES,--sizes) \
	  $(call load_option,ROUNDS,--rounds) $(call load_option,SECONDS,--seconds) \
	  $(call load_option,CONNECTIONS,--connections) $(if $(KEEP),--keep)

.PHONY: bench-footprint
bench-footprint: $(VENV)/.dev.stamp  ## What sales take on disk, in oplog, backup and cache (PRODUCTS= SECONDS=)
	@exec $(BIN)/python -m loadtests footprint $(call load_option,PRODUCTS,--products) \
	  $(call load_option,SECONDS,--seconds)

.PHONY: soak
soak: $(VENV)/.dev.stamp  ## Half of its peak for long: does anything grow? (MINUTES= PRODUCTS=)
	@exec $(BIN)/python -m loadtests soak $(call load_option,MINUTES,--minutes) \
	  $(call load_option,PRODUCTS,--products)

.PHONY: chaos
chaos: $(VENV)/.dev.stamp  ## Sell while everything dies (SEED= MINUTES= TOPOLOGY=one|set SHOPPERS= ONLY="..." KEEP=1 CONTROL=1)
	@exec $(BIN)/python -m loadtests chaos $(call load_option,SEED,--seed) \
	  $(call load_option,MINUTES,--minutes) $(call load_option,TOPOLOGY,--topology) \
	  $(call load_option,SHOPPERS,--shoppers) $(call load_option,ONLY,--only) \
	  $(if $(KEEP),--keep) $(if $(CONTROL),--control)

.PHONY: bench-integrity
bench-integrity: $(VENV)/.dev.stamp  ## How long a check of all books takes (PRODUCTS=)
	@exec $(BIN)/python -m loadtests check $(call load_option,PRODUCTS,--products)

.PHONY: load-replicas
load-replicas: $(VENV)/.dev.stamp  ## Three instances on three members, behind nginx (ROUNDS= SECONDS= CONNECTIONS=)
	@exec $(BIN)/python -m loadtests replicas $(call load_option,ROUNDS,--rounds) \
	  $(call load_option,SECONDS,--seconds) $(call load_option,CONNECTIONS,--connections)

.PHONY: power-cut
power-cut: $(VENV)/.dev.stamp  ## Lose what mongod never synced; as root (ROUNDS= SECONDS= SEED=)
	@exec $(BIN)/python -m loadtests power-cut $(call load_option,ROUNDS,--rounds) \
	  $(call load_option,SECONDS,--seconds) $(call load_option,SEED,--seed)

.PHONY: fuzz
fuzz: $(VENV)/.dev.stamp  ## Call everything in ways nobody thought of (CALLS= SEED= URL= KEY=)
	@exec $(BIN)/python -m loadtests fuzz $(call load_option,CALLS,--calls) \
	  $(call load_option,SEED,--seed) $(call load_option,URL,--url) $(call load_option,KEY,--key)

.PHONY: bench-import
bench-import: $(VENV)/.dev.stamp  ## Time and memory of imports and exports (ROWS= PICTURE=)
	@exec $(BIN)/python -m loadtests.bulk $(call load_option,ROWS,--rows) \
	  $(call load_option,PICTURE,--picture)

.PHONY: bench-dashboards
bench-dashboards: $(VENV)/.dev.stamp  ## What pages cost that watch the service (PAGES= EVERY= SECONDS= WORKERS= PRODUCTS=)
	@exec $(BIN)/python -m loadtests.dashboards $(call load_option,PAGES,--pages) \
	  $(call load_option,EVERY,--every) $(call load_option,SECONDS,--seconds) \
	  $(call load_option,WORKERS,--workers) $(call load_option,PRODUCTS,--products)

.PHONY: bench-painting
bench-painting: $(VENV)/.dev.stamp  ## How soon pages of the dashboard are there, and what they weigh (PRODUCTS= ROUNDS=)
	@exec $(BIN)/python -m loadtests.painting $(call load_option,ROUNDS,--rounds) \
	  $(call load_option,PRODUCTS,--products)
