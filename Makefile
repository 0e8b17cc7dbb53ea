# Everything runs from .venv, which is built from the pinned requirements when they have changed.

COVERAGE_MIN ?= 90
ARGS ?=

PY := .venv/bin/python
PACKAGES := asahi_site inference caching governance billing analytics

# The first Python that is new enough; name another one with PYTHON=...
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$name; break; }; done)

# What the deployment checks need to see. None of it opens anything.
PRODUCTION := ASAHI_SITE_ENVIRONMENT=production \
	ASAHI_SITE_SECRET_KEY=only-checked-never-used-0123456789-abcdefghijklmnopqrstuvwxyz \
	ASAHI_ENCRYPTION_KEY=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff \
	DATABASE_URL=postgres://nobody@127.0.0.1:1/nothing REDIS_URL=redis://127.0.0.1:1/0

.DEFAULT_GOAL := help
.PHONY: help run test check bench lock clean reset runtime development

help: ## Show what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: runtime ## Run the product: http://127.0.0.1:8000, or PORT=…; ARGS=--mock simulates the providers
	@exec $(PY) -m asahi_site.launch $(ARGS)

test: development ## Run the tests; ARGS="tests/governance -k keys" for some of them, without coverage
	@$(PY) -m pytest $(if $(strip $(ARGS)),$(ARGS),--cov --cov-report=term --cov-fail-under=$(COVERAGE_MIN))

check: development ## Lint, types, layers, templates, deployment, missing migrations, security
	@$(PY) -m ruff check
	@$(PY) -m ruff format --check --quiet
	@$(PY) -m bandit -q -ll -r -c pyproject.toml $(PACKAGES)
	@$(PY) -m mypy $(PACKAGES) manage.py
	@$(PY) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'
	@$(PY) -m djlint templates --check --lint --quiet
	@$(PRODUCTION) $(PY) manage.py check --deploy --fail-level WARNING
	@$(PRODUCTION) $(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@echo "check: everything passed"

bench: runtime ## Measure the gateway against the direct floor; writes var/bench.json
	@$(PY) manage.py benchmark $(ARGS)

lock: development ## Pin requirements*.in anew, with hashes, for every platform
	@for name in requirements requirements-dev; do $(PY) -m uv pip compile --quiet --universal --generate-hashes \
		--no-header --python-version 3.11 -o $$name.txt $$name.in || exit 1; done

clean: ## Remove what can be built again; the data in var/ stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov tests/conformance/node/node_modules
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

reset: ## Forget all data of this clone, its secrets included
	@if [ -L var/postgres ]; then rm -rf "$$(dirname "$$(readlink var/postgres)")"; fi
	@rm -rf var

runtime:
	@$(if $(PYTHON),$(PYTHON) -I asahi_site/embedded/environment.py,echo "asahi: Python 3.11 or newer is needed" >&2; exit 1)

development:
	@$(if $(PYTHON),$(PYTHON) -I asahi_site/embedded/environment.py --dev,echo "asahi: Python 3.11 or newer is needed" >&2; exit 1)
