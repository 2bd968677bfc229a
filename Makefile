# What people do with this repository. Every target installs what it needs: Python packages into .venv, the
# generators into .venv-proto, Node packages into tests/e2e/node. Arguments: make serve ARGS="--port 8080".
.PHONY: serve test test-clients histories chaos hostile fuzz check check-proto proto proto-clients lint types format bench clean

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
PYTHON ?= python3

serve: $(VENV)/installed
	@$(BIN)/understudy serve $(ARGS)

test: $(VENV)/installed-dev
	@tests/setup.sh
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

# The clients in other languages, and the official SDKs of Go and Java: built, and run against real servers. Installs
# what that needs where it can (Go, Node.js, a JDK, Maven).
test-clients: $(VENV)/installed-dev
	@tests/clients/setup.sh
	@proto/check_clients_fresh.sh
	UNDERSTUDY_CLIENTS=python,typescript,go,java $(BIN)/python -m pytest -n 2 --dist loadgroup tests/clients $(ARGS)

# Random histories of the run engine, more of them than `make test` plays: UNDERSTUDY_HISTORIES=100000 make histories
histories: $(VENV)/installed-dev
	$(BIN)/python -m tests.server.runs

# Servers killed, stopped and ended under load, more often than `make test` does it; each report says what there was.
# UNDERSTUDY_CHAOS_SEED=word takes other faults. A run that fails is repeated by its seed.
chaos: $(VENV)/installed-dev
	@tests/setup.sh
	UNDERSTUDY_CHAOS_ROUNDS=$${UNDERSTUDY_CHAOS_ROUNDS:-20} $(BIN)/python -m pytest -n 2 -rP tests/e2e/chaos $(ARGS)

# Hostile model providers, more of them than `make test` meets: UNDERSTUDY_HOSTILE_EXAMPLES=20000 make hostile
hostile: $(VENV)/installed-dev
	UNDERSTUDY_HOSTILE_EXAMPLES=$${UNDERSTUDY_HOSTILE_EXAMPLES:-10000} $(BIN)/python -m pytest -n 2 \
	  --hypothesis-profile=explore tests/models/hostile $(ARGS)

# Random requests to both faces, more of them than `make test` sends: UNDERSTUDY_FUZZ_CASES=1000000 make fuzz
fuzz: $(VENV)/installed-dev
	UNDERSTUDY_FUZZ_CASES=$${UNDERSTUDY_FUZZ_CASES:-100000} $(BIN)/python -m pytest -n 2 -rP tests/fuzz $(ARGS)

# Everything that is checked without running: fresh generated code, the contract, style, types.
check: check-proto lint types

check-proto: $(VENV)/installed-dev
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code
	$(BIN)/buf build --output - | $(BIN)/buf breaking - --against proto/released.binpb
	proto/check_fresh.sh

proto: $(VENV)/installed-dev
	$(BIN)/buf format --write
	proto/generate.sh

# The committed code of the Go and TypeScript clients; needs what `make test-clients` installs.
proto-clients: $(VENV)/installed-dev
	@tests/clients/setup.sh packages
	proto/generate_clients.sh

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed-dev
	$(BIN)/mypy clients/python/understudy clients/python/examples server/understudy_server server/understudy_cli edge/understudy_edge tests

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/installed-dev
	@for file in tests/bench/bench_*.py; do echo "== $$file"; $(BIN)/python -m $$(echo $${file%.py} | tr / .); done

clean:
	rm -rf .venv .venv-proto .venv-openai1 tests/e2e/node/node_modules tests/store/cosmos/node/node_modules
	rm -rf clients/go/.bin clients/java/target clients/typescript/dist clients/typescript/node_modules
	rm -rf tests/clients/java-sdk/target

$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Understudy needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Set PYTHON=..."; exit 1; }
	@echo "installing into $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --upgrade 'pip>=25.1'
	@$(PIP) install --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	@echo "installing the development tools into $(VENV)"
	@$(PIP) install --group dev
	@touch $@
