# Two commands matter: `make site` and `make test`. Each makes .venv and installs what it needs, then does its job.
PYTHON ?= python3
BIN := .venv/bin
# Idle torch threads must not spin where another process needs the core.
export OMP_WAIT_POLICY ?= passive

.PHONY: site preview check-site lighthouse test test-all test-browser test-peers check bench bench-logs bench-peers bench-towers clean
site: .venv/.installed
	@$(BIN)/strata run digits
	@$(BIN)/strata render

preview: site
	@$(BIN)/strata serve

# Links, HTML, every page in chromium, the keyboard, budgets. Options in ARGS: `make check-site ARGS=--no-browser`.
check-site: site
	@$(BIN)/strata check $(ARGS)

# Scores of a few pages; without the pages in chromium, which `make check-site` goes through.
lighthouse: site
	@$(BIN)/strata check --lighthouse --no-browser $(ARGS)

test: .venv/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-all: .venv/.installed-dev
	$(BIN)/strata run digits
	$(BIN)/strata render --renderer embedded
	$(BIN)/python -m pytest -m "" -n 2 --dist loadfile

# What a reader does, in a browser, on the site that is there: `make site` first.
test-browser: .venv/.installed-dev
	$(BIN)/python -m pytest -m browser tests/browser

# Against the field's libraries: large, and with pins of their own, so in an environment of their own.
test-peers: build/venv-peers/.installed
	build/venv-peers/bin/python -m pytest -m peers tests/peers

check: .venv/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: .venv/.installed
	$(BIN)/python benchmarks/site.py

# A thousand logs, cold and after one change.
bench-logs: .venv/.installed
	$(BIN)/python -m benchmarks.logs

# Experiments in ARGS; without them the two whose time is promised.
bench-towers: .venv/.installed
	$(BIN)/python -m benchmarks.towers $(ARGS)

# Options in ARGS; `make bench-peers ARGS=--help` lists them.
bench-peers: .venv/.installed
	$(BIN)/python -m benchmarks.peers $(ARGS)

clean:
	rm -rf _site build data/runs report/_generated report/assets/generated

# A stamp for each set of dependencies; made again when pyproject.toml changes.
.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Strata needs Python 3.11 or later") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/.installed-dev: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ .venv/.installed

build/venv-peers/.installed: pyproject.toml
	$(PYTHON) -m venv build/venv-peers
	build/venv-peers/bin/python -m pip install --quiet --editable '.[dev,peers]'
	@touch $@
