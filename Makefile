# Everything here works from a clean checkout: each target makes the environment that it needs.
# Wanted on the machine: Python 3.11 or later with venv, a C++ compiler, make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Exact versions, also of what builds the compiled kernels, so that everyone gets the same.
PIP := PIP_CONSTRAINT="$(CURDIR)/constraints.txt" PIP_BUILD_CONSTRAINT="$(CURDIR)/constraints.txt" \
	PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet
SOURCES := pyproject.toml constraints.txt CMakeLists.txt $(wildcard csrc/*)

.PHONY: help demo test lint sanitize soak fuzz docs bench page static-site clean distclean

help:
	@echo "make demo       enhance the photos in examples/ into demo/"
	@echo "make test       lint, types, layers, documentation and all tests"
	@echo "make lint       the first three of these"
	@echo "make docs       the documentation as a site, into docs_site/"
	@echo "make sanitize   the compiled kernels' tests under AddressSanitizer and UBSan (GCC)"
	@echo "make soak       the tests of damaged files with 20000 of each format"
	@echo "make fuzz       readers of photos, bundles and grids against atheris, 10 minutes each"
	@echo "make static-site  the page with the network in it, for any static host, into site/ (Node)"
	@echo "make bench      the figures of the performance table"
	@echo "make clean      remove what the targets made; make distclean: $(VENV) as well"

demo: $(VENV)/runtime.stamp
	rm -rf demo
	$(BIN)/fivefold enhance examples -o demo
	$(BIN)/python examples/contact_sheet.py examples demo demo/contact_sheet.jpg
	@echo
	@echo "Enhanced photos: $(CURDIR)/demo"
	@echo "Before and after: $(CURDIR)/demo/contact_sheet.jpg"

# The tests come last, so that their closing line is the last one. A process for each core takes a file
# of them after the other; more threads than cores would mostly wait for each other.
test: lint docs
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --maxprocesses 4 \
		--dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# A link that leads nowhere, and a page that is not in the navigation, fail; but not with --quiet, which
# keeps warnings from being counted. The variable silences Material's announcement of its successor.
docs: $(VENV)/dev.stamp
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# A copy of the package in a folder of its own; -S keeps the environment's from hiding it. These
# are the tests that lead every path of the kernels to the edges of its arrays.
SANITIZED := build/sanitized
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all -g1
sanitize: $(VENV)/dev.stamp
	@$(PIP) --no-deps --upgrade --target $(SANITIZED) \
		--config-settings=build-dir=$(SANITIZED)-objects \
		--config-settings=cmake.define.FIVEFOLD_OPTIMIZATION=-O1 \
		--config-settings=cmake.define.CMAKE_CXX_FLAGS="$(SANITIZERS)" .
	@ls $(SANITIZED)/fivefold/_native* >/dev/null  # a build that failed installs no kernels
	ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
	LD_PRELOAD="$$($(CXX) -print-file-name=libasan.so) $$($(CXX) -print-file-name=libstdc++.so)" \
	PYTHONPATH="$(SANITIZED):$$($(BIN)/python -c 'import sysconfig as s; print(s.get_path("purelib"))')" \
		$(BIN)/python -S -m pytest -q -p no:cacheprovider -k "not numpy or compiled" \
		tests/kernels/test_engines.py tests/kernels/test_exact.py tests/kernels/test_fixed_point.py \
		tests/kernels/test_thumbnail.py tests/photo/test_jpeg_pieces.py tests/photo/test_model_space.py

SOAK ?= 20000
soak: $(VENV)/dev.stamp
	FIVEFOLD_SOAK=$(SOAK) $(BIN)/python -m pytest --timeout 0 -o faulthandler_timeout=0 tests/photo/test_hostile.py

SECONDS_EACH ?= 600
fuzz: $(VENV)/dev.stamp
	@$(PIP) atheris
	PYTHONPATH=tests:tests/photo $(BIN)/python tests/fuzz/seeds.py build/fuzz
	cd build/fuzz && for target in photo jpeg bundle grid; do \
		../../$(BIN)/python ../../tests/fuzz/fuzz_$$target.py $$target \
			-max_total_time=$(SECONDS_EACH) || exit 1; done

# The page in the package, from its source.
page: web/node_modules/.package-lock.json
	npm --prefix web run --silent build

# DIR=... names another folder, BUNDLES="--bundle A --bundle B" other models.
DIR ?= site
static-site: $(VENV)/runtime.stamp web/node_modules/.package-lock.json
	npm --prefix web run --silent build:static -- --outDir "$(abspath $(DIR))" --emptyOutDir
	$(BIN)/python -m fivefold.web.static_site "$(abspath $(DIR))" $(BUNDLES)
	@echo
	@echo "The site is in $(abspath $(DIR)); any static host can serve it."

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	npm --prefix web ci --ignore-scripts --no-audit --no-fund

bench: $(VENV)/dev.stamp
	@for script in benchmarks/*.py; do echo; echo "$$script"; $(BIN)/python $$script || exit 1; done

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) must be Python 3.11 or later; say make PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime.stamp: $(SOURCES) | $(VENV)/bin/python
	@echo "Installing fivefold into $(VENV)"
	@$(PIP) --editable .
	@touch $@

$(VENV)/dev.stamp: $(SOURCES) | $(VENV)/bin/python
	@echo "Installing fivefold and its development tools into $(VENV)"
	@$(PIP) --editable '.[dev]'
	@touch $(VENV)/runtime.stamp $@

clean:
	rm -rf build dist demo docs_site htmlcov .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV)
