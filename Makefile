# `make demo` and `make test` are all that a newcomer needs; both create the environment first.

.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
PYTHON := $(VENV)/bin/python
INSTALLED := $(VENV)/installed
# The stamp lives in the cache that it vouches for, so deleting the cache fills it again. Checkouts that share one have a
# stamp each.
WARM := $(if $(RELASI_COMPILED),$(RELASI_COMPILED)/filled-$(shell pwd | cksum | cut -d ' ' -f 1),.numba-cache/filled)
COMPILED := $(shell grep -l "^@compiled" -r processors schemas streams --include=*.py)

# Of tests, side by side. Those of a broker wait more than they work: where they run, one more finds something to do.
PROCESSES ?= 2
WITH_A_BROKER ?= 3

# Where the collector of `make live` listens.
PORT ?= 8080
LIVE := relasi-live

# Where it is set, every process would read and rewrite each module and each test anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: docs help setup demo live kafka-demo check checked-and-warm quick one test test-faults bench bench-many bench-kafka bench-collector truth lock FORCE

help:
	@echo "make setup   create $(VENV) from the locked dependencies; leaves the command $(VENV)/bin/relasi"
	@echo "make demo    replay the CDNOW purchases and show what became of the relationships"
	@echo "make live    take events over HTTP on this machine, with a page to click on, until Ctrl-C (PORT=8080)"
	@echo "make quick   lint, types and the short tests that need neither broker nor server nor browser, with a part of their cases"
	@echo "make one T=… one file of tests, or one test"
	@echo "make test    lint, types and every test"
	@echo "make test-faults  minutes of killed, paused and cut-off workers, brokers and servers"
	@echo "make check   lint and types only"
	@echo "make bench   the benchmarks"
	@echo "make bench-many   ten million customers: memory, events per second, restore (some minutes, 14 GB)"
	@echo "make truth   how good the forecasts are out of sample, beside naive ones and their bars"
	@echo "make kafka-demo   the demo on a local Kafka and ClickHouse server with two workers (Java, Maven and npm; no Docker)"
	@echo "make bench-kafka  the benchmarks on a local broker, beside Faust and Quix Streams"
	@echo "make bench-collector  events over HTTP: CPU for each, beside a plain handler"
	@echo "make docs    write the table of rooms in docs/architecture.md anew"
	@echo "make lock    compile both locks anew from pyproject.toml: for developers, and for the image (needs uv)"

setup: $(WARM)

demo: setup
	@$(VENV)/bin/relasi demo $(if $(CLEAN),--clean)

live: setup
	@mkdir -p $(LIVE)
	@[ -s $(LIVE)/relasi.toml ] || \
	  $(VENV)/bin/relasi sources --settings $(LIVE)/relasi.toml add web --browser --host http://127.0.0.1:$(PORT)
	@echo "Open http://127.0.0.1:$(PORT)/demo in a browser; the keys stand in $(LIVE)/relasi.toml"
	@$(VENV)/bin/relasi run --data $(LIVE)/data --settings $(LIVE)/relasi.toml --http 127.0.0.1:$(PORT) --demo

check: $(INSTALLED)
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

# Types are checked while code is compiled: each has one processor.
checked-and-warm:
	@$(MAKE) --no-print-directory --jobs=2 check setup

quick: checked-and-warm
	RELASI_TEST_QUICK=1 $(PYTHON) -m pytest -q -n $(PROCESSES) -m "not broker and not server and not browser and not slow"

# Only what the test calls is compiled; and no processes, which would take longer to start than one test takes.
one: $(INSTALLED)
	$(if $(T),,$(error give a file or a test: make one T=tests/unit/test_bonds.py))
	$(PYTHON) -m pytest $(T)

test: checked-and-warm
	$(PYTHON) -m pytest -n $(WITH_A_BROKER)

test-faults: setup
	RELASI_TEST_FAULTS=long $(PYTHON) -m pytest tests/kafka -m long

bench: setup
	PYTHONPATH=tests $(PYTHON) -m benchmarks

bench-many: setup
	PYTHONPATH=tests $(PYTHON) -m benchmarks.many

truth: setup
	@PYTHONPATH=tests $(PYTHON) -m benchmarks.truth

kafka-demo: setup
	@PYTHONPATH=tests $(PYTHON) -m support.kafka_demo

# The one page that has a part which is written and not told.
docs: $(INSTALLED)
	@PYTHONPATH=tests $(PYTHON) -m support.rooms

bench-kafka: setup
	@PYTHONPATH=tests $(PYTHON) -m benchmarks.kafka_bench

bench-collector: setup
	@PYTHONPATH=tests $(PYTHON) -m benchmarks.collector

# A candidate counts only if it runs: version managers put commands on the PATH that merely explain themselves.
$(PYTHON):
	@for candidate in python3.13 python3.12 python3.11 python3 python; do \
	  if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then found=$$candidate; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Relasi needs Python 3.11 or newer on the PATH, and found none. Install one, then run make again." >&2; exit 1; \
	fi; \
	if ! $$found -c 'import ensurepip, venv' >/dev/null 2>&1; then \
	  echo "$$found cannot create virtual environments: its venv module is missing. On Debian and Ubuntu: apt-get install python3-venv, then run make again." >&2; exit 1; \
	fi; \
	echo "Creating $(VENV) with $$($$found --version)"; \
	$$found -m venv --clear $(VENV)

# FORCE: an environment whose interpreter has gone is made anew, and make has looked at the old stamp by then.
$(INSTALLED): requirements.lock pyproject.toml $(PYTHON) $(if $(wildcard $(PYTHON)),,FORCE)
	@echo "Installing the locked dependencies (some hundred megabytes to download the first time)"
	@$(PYTHON) -m pip install --disable-pip-version-check --no-input --quiet --require-hashes -r requirements.lock
	@$(PYTHON) -m pip install --disable-pip-version-check --no-input --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(WARM): $(INSTALLED) $(COMPILED)
	@echo "Compiling what is not compiled yet (the first time some six minutes on one processor)"
	@$(VENV)/bin/relasi warm
	@mkdir -p $(@D) && touch $@

FORCE:

lock:
	@uv=$$(command -v uv || echo $(VENV)/bin/uv); \
	if ! $$uv --version >/dev/null 2>&1; then echo "make lock needs uv: install it with $(PYTHON) -m pip install uv" >&2; exit 1; fi; \
	lock() { $$uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-header --quiet pyproject.toml "$$@"; }; \
	lock --group dev -o requirements.lock && lock --group install -c requirements.lock -o deploy/requirements.lock
