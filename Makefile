# Two commands do everything on a fresh machine with Python and make: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python
# So many tests at once, each process with servers of its own; `make test WORKERS=0` runs them one after the other.
WORKERS ?= 2
AT_ONCE = -n $(WORKERS) --dist worksteal

apt = { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq \
	&& DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(1) >/dev/null; }

.PHONY: demo test check servers slow bench docs lock clean help
.DEFAULT_GOAL := help

help: ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 8

.venv/ready: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes --requirement requirements-dev.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: .venv/ready ## real orders end to end, faults, one SIGKILL; ORDERS=<csv or folder>, BACKEND=postgres+jetstream
	@$(RUN) -m demo.run $(if $(ORDERS),--orders "$(ORDERS)") $(if $(BACKEND),--backend $(BACKEND)) $(DEMO)

check: .venv/ready ## lint, types, architecture, unit tests: under two minutes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(RUN) -m interlock.cli.main check estates/commerce
	$(RUN) -m pytest -q $(AT_ONCE) --quick -m "not faults and not slow and not journey and not servers and not patient"

servers: ## what the tests start and no package registry has: MariaDB, tools for network faults; on Debian as root; else skipped
	@command -v mariadbd >/dev/null || test -x /usr/sbin/mariadbd || $(call apt,mariadb-server-core) \
		|| echo "MariaDB is not there and cannot be installed here (root on Debian can): its tests will be skipped"
	@{ command -v ip && command -v nft && command -v nsenter; } >/dev/null || $(call apt,iproute2 nftables util-linux) \
		|| echo "iproute2, nftables and util-linux cannot be installed here (root on Debian can): cluster faults are skipped"

test: .venv/ready servers ## everything but the slow suite
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(RUN) -m interlock.cli.main check estates/commerce
	$(RUN) -m pytest -q $(AT_ONCE) -m "not slow"

slow: .venv/ready ## the hundred-fold fault runs
	$(RUN) -m pytest -q -m slow --timeout 7200

bench: .venv/ready ## figures beside rivals, as ratios
	$(RUN) -m bench.run $(BENCH)

docs: .venv/ready ## make the reference pages anew from the tables that the code runs on; tests compare them
	$(RUN) -m interlock.estate.reference docs/reference
	$(RUN) -m interlock.contracts.diff_reference docs/reference
	$(RUN) -m interlock.delivery.outcome_docs docs/reference
	$(RUN) -m interlock.flows.saga.state_docs docs/reference
	$(RUN) -m interlock.edge.problem_docs docs/reference
	$(RUN) -m interlock.edge.registry_docs docs/reference
	$(RUN) -m interlock.app.reference docs/reference

lock: ## resolve the dependencies anew
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 pyproject.toml --group dev -o requirements-dev.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 pyproject.toml -o requirements.lock

clean: ## remove what was built and what ran here
	rm -rf .venv .demo .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis
