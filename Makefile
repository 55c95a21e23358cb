# Risk warehouse. `make help` lists every target; settings: .env, or NAME=value here.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
# Without byte code every start of dbt takes two seconds longer.
unexport PYTHONDONTWRITEBYTECODE

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/bin/risk ## Make .venv, with the pinned dependencies and the command `risk`

# With the setuptools that the pins bring: an isolated build would download its own.
$(VENV)/bin/risk: pyproject.toml $(VENV)/runtime
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Not compiled: Python does that to what it imports, a fifth of it.
$(VENV)/runtime: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "error: $(PYTHON) is missing or older than 3.11. Install Python 3.11+, or run make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
		|| { echo "error: this Python cannot make virtual environments. Install it: apt-get install python3-venv"; exit 1; }
	@echo "Installing the pinned dependencies into $(VENV), once; this takes a minute ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --requirement requirements.txt
	@$(PY) -c 'import lightgbm' 2>/dev/null \
		|| { echo "error: LightGBM needs the OpenMP library. Install it: apt-get install libgomp1 (dnf: libgomp)"; exit 1; }
	@touch $@

$(VENV)/dev: requirements-dev.txt $(VENV)/bin/risk
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --requirement requirements-dev.txt
	@touch $@

setup-spark: $(VENV)-spark/runtime ## Make .venv-spark, to build the same models on Spark

$(VENV)-spark/runtime: requirements-spark.txt
	@command -v java > /dev/null || test -n "$$JAVA_HOME" \
		|| { echo "error: Spark needs Java 17 or newer. Install it: apt-get install openjdk-17-jre-headless"; exit 1; }
	@$(PYTHON) -m venv $(VENV)-spark
	@$(VENV)-spark/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-spark.txt
	@touch $@

daily: setup ## Run the whole morning (SOURCE= EXPORTS= DESK= AS_OF= RISK_HOME=)
	@$(PY) -m daily run

ingest: setup ## Load what is new or changed from the source
	@$(PY) -m daily ingest

backfill: setup ## Read the days FROM= to TO= again (YYYY-MM-DD), from the API
	@$(PY) -m daily backfill

sweep: setup ## Read again what the broker restated this month or the last
	@$(PY) -m daily sweep

upgrade: setup ## Bring a warehouse of an earlier version to this one; a copy is kept
	@$(PY) -m daily upgrade

doctor: setup ## Check settings, log-in, calendar, disk, mail server and warehouse
	@$(PY) -m daily doctor

freshness: setup ## Check how long ago the data was loaded
	@$(PY) -m daily freshness

build: setup ## Build and test the models up to features and labels
	@$(PY) -m daily build

build-spark: setup setup-spark ## Build and test the same models on Spark
	@$(PY) -m daily build-spark

train: setup ## Train the models
	@$(PY) -m daily train

score: setup ## Predict the next session
	@$(PY) -m daily score

tune: setup ## Choose the models' settings on a validation split
	@$(PY) -m daily tune

verify: setup ## Check that the models are sound and fresh; say what beats its baseline
	@$(PY) -m daily verify

retrain-weekly: setup ## Tune, train, score, publish and verify: once a week, from cron
	@$(PY) -m daily retrain-weekly

backtest: setup ## Walk through the past (SOURCE= EXPORTS= ACCOUNTS= FROM= TO= AFTER_DAYS= JSON=)
	@$(PY) -m daily backtest

risk: setup ## Build and test the risk marts on the predictions
	@$(PY) -m daily risk

publish: setup ## Publish a read-only copy of the marts
	@$(PY) -m daily publish

sql: setup ## Query the published copy (Q="select …", or stdin), also during a run
	@$(PY) -m daily sql

report: setup ## Write the report and mail it
	@$(PY) -m daily report

statement: setup ## Write a CSV and a page of each account's month (MONTH=2025-11)
	@$(PY) -m daily statement

note: setup ## Note what was done about a breach (SCOPE= DATE= NOTE= RULE= CLOSE=1)
	@$(PY) -m daily note

board: setup ## Write the board: pages of the desk, its traders, models and data
	@$(PY) -m daily board

status: setup ## Say what runs, how the last runs ended, how fresh data and models are
	@$(PY) -m daily status

watchdog: setup ## Alert if the morning is not done by its hour (DUE_AT)
	@$(PY) -m daily watchdog

schedule: setup ## Print a crontab and systemd units that run the morning
	@$(PY) -m daily schedule

predictions: setup ## Show the latest calls, most at risk first
	@$(PY) -m daily predictions

explain: setup ## Say why a trader has his call, or none (TRADER=); without it, the models
	@$(PY) -m daily explain

what-if: setup ## Say what a rule would have done (RULE="stop 1500", "stop 250..5000"); without it, the candidates
	@$(PY) -m daily what-if

stats: setup ## Say how large everything is, and what the database holds
	@$(PY) -m daily stats

test-email: setup ## Send everybody who gets mail a test, and say who has it
	@$(PY) -m daily test-email

docs: setup ## Write the lineage site, one page that works offline
	@$(PY) -m daily docs

# One more than cores: some wait, for a browser or for a server that does not answer.
TESTS_AT_ONCE := 3

test: $(VENV)/dev ## Run the tests, pytest's and dbt's (one: T=tests/x.py::name)
	@$(PY) -m pytest $(if $(T),-n 0 $(T),-n $(TESTS_AT_ONCE))

test-long: $(VENV)/dev ## Run every test, with larger draws and more kills (one: T=)
	@$(PY) -m pytest --long $(if $(T),-n 0 $(T),-n $(TESTS_AT_ONCE))

test-spark: $(VENV)/dev setup-spark ## Compare every mart of Spark with DuckDB's
	@$(PY) -m pytest tests/test_spark.py

lint: $(VENV)/dev ## Check the style of Python and SQL, and the types of Python
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/sqlfluff lint --processes 0 dbt_project

bench: $(VENV)/dev ## Measure the daily run, a million fills, a thousand models, training, report and board
	@$(PY) -m tests.bench
	@$(PY) -m tests.bench_load
	@$(PY) -m tests.bench_build
	@$(PY) -m tests.bench_models
	@$(PY) -m tests.bench_training
	@$(PY) -m tests.bench_scale
	@$(PY) -m tests.bench_board

# Every file of a pin has its hash, those of other platforms too; no index is named.
LOCK := uv pip compile --quiet --upgrade --generate-hashes --no-strip-extras --no-header \
	--no-annotate --no-emit-index-url --no-emit-find-links

BASE_IMAGE := python:3.11-slim

lock: ## Pin what pyproject.toml resolves to today, with the hashes of its files; the base image, too
	@set -e -o pipefail; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	$(PYTHON) -m venv "$$folder"; export PATH="$$folder/bin:$$PATH"; \
	pip install --quiet --disable-pip-version-check uv; \
	$(LOCK) pyproject.toml > "$$folder/requirements.txt"; \
	$(LOCK) pyproject.toml --extra dev --constraint "$$folder/requirements.txt" \
		> "$$folder/requirements-dev.txt"; \
	python -c 'import tomllib; print("\n".join(tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["spark"]))' \
		| $(LOCK) - > "$$folder/requirements-spark.txt"; \
	mv "$$folder"/requirements*.txt .; \
	if command -v docker > /dev/null; then \
		digest=$$(docker buildx imagetools inspect $(BASE_IMAGE) --format '{{.Manifest.Digest}}'); \
		sed -i "s|^FROM $(BASE_IMAGE).*|FROM $(BASE_IMAGE)@$$digest|" Dockerfile; \
	else echo "The pins have their hashes. Docker is not here to ask for the digest of $(BASE_IMAGE): Dockerfile is as it was"; fi

check-install: ## Install the pins anew, hashes required; see that a wrong hash is refused
	@set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	$(PYTHON) -m venv "$$folder/venv"; pip="$$folder/venv/bin/pip --quiet --disable-pip-version-check"; \
	$$pip install --no-compile --require-hashes --requirement requirements.txt; \
	"$$folder/venv/bin/python" -m daily --help > /dev/null; \
	sed -n '/^six==/,/[^\\]$$/s/sha256:......../sha256:00000000/p; /^six==/p' requirements.txt > "$$folder/tampered.txt"; \
	if $$pip download --no-deps --no-cache-dir --require-hashes --dest "$$folder" \
		--requirement "$$folder/tampered.txt" 2> "$$folder/refusal.txt"; \
	then echo "error: a file whose hash is not the pinned one was taken"; exit 1; fi; \
	grep -q 'DO NOT MATCH' "$$folder/refusal.txt" || { cat "$$folder/refusal.txt"; exit 1; }; \
	echo "The pins install with hashes required, the command starts, a wrong hash is refused"

clean: ## Remove .venv, .venv-spark, caches and the sample warehouse (a firm's data stays)
	@rm -rf $(VENV) $(VENV)-spark var/sample .ruff_cache .mypy_cache .hypothesis build *.egg-info
	@find . -name __pycache__ -not -path './var/*' -prune -exec rm -rf {} +

.PHONY: help setup setup-spark daily ingest backfill sweep upgrade doctor freshness build build-spark train score tune verify retrain-weekly backtest risk publish sql report statement note board status watchdog schedule predictions explain what-if stats test-email docs test test-long test-spark lint bench lock check-install clean
