# Risk warehouse. `make help` lists every target; settings: .env, or NAME=value here.
# It reads the lines below: `##@ who`, and `target: ## what`, in up to 62 characters.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
# Without byte code every start of dbt takes two seconds longer.
unexport PYTHONDONTWRITEBYTECODE

##@ Every morning

daily: setup ## The whole morning (SOURCE= EXPORTS= DESK= AS_OF= RISK_HOME=)
	@$(PY) -m daily run

status: setup ## What runs, how the last runs ended, how fresh all is
	@$(PY) -m daily status

predictions: setup ## The latest forecasts, most at risk first
	@$(PY) -m daily predictions

report: setup ## Write the report and mail it (FORCE=1, AS_OF=)
	@$(PY) -m daily report

board: setup ## Write the board: pages of the desk, traders, models, data
	@$(PY) -m daily board

doctor: setup ## Check settings, log-in, calendar, disk, mail and warehouse
	@$(PY) -m daily doctor

limits-demo: setup ## The sample desk's limits: proposed to read back, a drift
	@$(PY) -m daily limits-demo

##@ Risk manager

live: setup setup-live ## Watch the session (LIVE_SOURCE=, SPEED=max UNTIL=close)
	@$(PY) -m daily live

acknowledge-alert: setup ## Note that you have seen an alert (ALERT= NAME= REASON=)
	@$(PY) -m daily acknowledge-alert

release-breach: setup ## Release a breach of the live desk (ALERT= NAME= REASON=)
	@$(PY) -m daily release-breach

explain: setup ## Why a trader has that forecast, or none (TRADER=); the models
	@$(PY) -m daily explain

what-if: setup ## What a rule would have done (RULE="stop 250..5000")
	@$(PY) -m daily what-if

note: setup ## Note what was done on a breach (SCOPE= DATE= NOTE= CLOSE=1)
	@$(PY) -m daily note

limits: setup ## Propose the next session's limits, with the evidence
	@$(PY) -m daily limits

limits-key: setup ## Make your key for approvals (NAME=), or REVOKE= one
	@$(PY) -m daily limits-key

approve-limits: setup ## Approve what another proposed (SESSION= NAME= REASON= ONLY=)
	@$(PY) -m daily approve-limits

reject-limits: setup ## Reject what is proposed (SESSION= NAME= REASON= ONLY=)
	@$(PY) -m daily reject-limits

amend-limits: setup ## Propose another value (ACCOUNT= LIMIT= VALUE= UNTIL=, too)
	@$(PY) -m daily amend-limits

extend-limits: setup ## Propose that a temporary limit lasts (ACCOUNT= LIMIT= UNTIL=)
	@$(PY) -m daily extend-limits

revert-limits: setup ## Propose that a temporary limit ends (ACCOUNT= LIMIT=)
	@$(PY) -m daily revert-limits

export-limits: setup ## Write what is approved (SESSION= PLATFORM= DRY_RUN=1)
	@$(PY) -m daily export-limits

limits-trial: setup ## Withhold proposals from half, compare once (LOOK= NAME=)
	@$(PY) -m daily limits-trial

check-limits: setup ## Compare what a platform has with ours (PLATFORM= FILE=)
	@$(PY) -m daily check-limits

confirm-limits: setup ## Confirm what was keyed in (SESSION= PLATFORM= NAME= FILE=)
	@$(PY) -m daily confirm-limits

verify-limits: setup ## Check the ledger of limits and what came of it
	@$(PY) -m daily verify-limits

statement: setup ## A CSV and a page of each account's month (MONTH=2025-11)
	@$(PY) -m daily statement

backtest: setup ## Walk through the past (FROM= TO= ACCOUNTS= AFTER_DAYS= JSON=)
	@$(PY) -m daily backtest

##@ Analyst

sql: setup ## Query the published copy (Q="select ..."), also during a run
	@$(PY) -m daily sql

stats: setup ## How large everything is, and what the database holds
	@$(PY) -m daily stats

docs: setup ## Write the lineage site, one page that works offline
	@$(PY) -m daily docs

##@ Operator

schedule: setup ## Print a crontab and systemd units that run the morning
	@$(PY) -m daily schedule

watchdog: setup ## Alert if the morning is not done by its hour (DUE_AT=)
	@$(PY) -m daily watchdog

test-email: setup ## Send everybody who gets mail a test
	@$(PY) -m daily test-email

upgrade: setup ## Bring a warehouse of an earlier version to this one
	@$(PY) -m daily upgrade

setup: $(VENV)/bin/risk ## Install the pinned dependencies, and the command `risk`

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

setup-live: $(VENV)/live ## Install what the live desk and limits over FIX need

$(VENV)/live: requirements-live.txt $(VENV)/bin/risk
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --requirement requirements-live.txt
	@touch $@

$(VENV)/dev: requirements-dev.txt $(VENV)/bin/risk
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --requirement requirements-dev.txt
	@touch $@

live-login: setup ## Let somebody log in to the live page (NAME=)
	@$(PY) -m daily live-login

##@ Data engineer

ingest: setup ## Load what is new or changed from the source
	@$(PY) -m daily ingest

backfill: setup ## Read the days FROM= to TO= again (YYYY-MM-DD), from the API
	@$(PY) -m daily backfill

sweep: setup ## Read again what the broker restated this month or the last
	@$(PY) -m daily sweep

freshness: setup ## Check how long ago the data was loaded
	@$(PY) -m daily freshness

build: setup ## Build and test the models up to features and labels
	@$(PY) -m daily build

build-spark: setup setup-spark ## Build and test the same models on Spark
	@$(PY) -m daily build-spark

train: setup ## Train the models
	@$(PY) -m daily train

score: setup ## Forecast the next session
	@$(PY) -m daily score

risk: setup ## Build and test the risk marts on the forecasts
	@$(PY) -m daily risk

publish: setup ## Publish a read-only copy of the marts
	@$(PY) -m daily publish

tune: setup ## Choose the models' settings on a validation split
	@$(PY) -m daily tune

verify: setup ## Check that the models are sound; which beat their baseline
	@$(PY) -m daily verify

retrain-weekly: setup ## Tune, train, score, publish, verify: weekly, from cron
	@$(PY) -m daily retrain-weekly

##@ Developer

# One more than cores: some wait, for a browser or for a server that does not answer.
TESTS_AT_ONCE := 3

test: $(VENV)/dev ## Run the tests, pytest's and dbt's (one: T=tests/x.py::name)
	@$(PY) -m pytest $(if $(T),-n 0 $(T),-n $(TESTS_AT_ONCE))

test-long: $(VENV)/dev ## Run every test, with larger draws and more kills (T=)
	@$(PY) -m pytest --long $(if $(T),-n 0 $(T),-n $(TESTS_AT_ONCE))

test-spark: $(VENV)/dev setup-spark ## Compare every mart of Spark with DuckDB's
	@$(PY) -m pytest tests/test_spark.py

lint: $(VENV)/dev ## Check style and types of Python, and style of SQL
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/sqlfluff lint --processes 0 dbt_project

bench: $(VENV)/dev ## Measure load, build, training, scale, board, limits, live
	@$(PY) -m tests.bench
	@$(PY) -m tests.bench_load
	@$(PY) -m tests.bench_build
	@$(PY) -m tests.bench_models
	@$(PY) -m tests.bench_training
	@$(PY) -m tests.bench_scale
	@$(PY) -m tests.bench_board
	@$(PY) -m tests.bench_limits
	@$(PY) -m tests.bench_live
	@$(PY) -m tests.bench_live_page

setup-spark: $(VENV)-spark/runtime ## Make .venv-spark, to build the same models on Spark

$(VENV)-spark/runtime: requirements-spark.txt
	@command -v java > /dev/null || test -n "$$JAVA_HOME" \
		|| { echo "error: Spark needs Java 17 or newer. Install it: apt-get install openjdk-17-jre-headless"; exit 1; }
	@$(PYTHON) -m venv $(VENV)-spark
	@$(VENV)-spark/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-spark.txt
	@touch $@

# Every file of a pin has its hash, those of other platforms too; no index is named.
LOCK := uv pip compile --quiet --upgrade --generate-hashes --no-strip-extras --no-header \
	--no-annotate --no-emit-index-url --no-emit-find-links

BASE_IMAGE := python:3.11-slim

lock: ## Pin the dependencies anew, with their files' hashes
	@set -e -o pipefail; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	$(PYTHON) -m venv "$$folder"; export PATH="$$folder/bin:$$PATH"; \
	pip install --quiet --disable-pip-version-check uv; \
	$(LOCK) pyproject.toml > "$$folder/requirements.txt"; \
	$(LOCK) pyproject.toml --extra live --constraint "$$folder/requirements.txt" \
		> "$$folder/requirements-live.txt"; \
	$(LOCK) pyproject.toml --extra dev --extra live --constraint "$$folder/requirements-live.txt" \
		> "$$folder/requirements-dev.txt"; \
	python -c 'import tomllib; print("\n".join(tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["spark"]))' \
		| $(LOCK) - > "$$folder/requirements-spark.txt"; \
	mv "$$folder"/requirements*.txt .; \
	if command -v docker > /dev/null; then \
		digest=$$(docker buildx imagetools inspect $(BASE_IMAGE) --format '{{.Manifest.Digest}}'); \
		sed -i "s|^FROM $(BASE_IMAGE).*|FROM $(BASE_IMAGE)@$$digest|" Dockerfile; \
	else echo "The pins have their hashes. Docker is not here to ask for the digest of $(BASE_IMAGE): Dockerfile is unchanged"; fi

check-install: ## Install the pins anew; see that a wrong hash is refused
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

clean: ## Remove environments, caches and sample; a firm's data stays
	@rm -rf $(VENV) $(VENV)-spark var/sample .ruff_cache .mypy_cache .hypothesis build *.egg-info
	@find . -name __pycache__ -not -path './var/*' -prune -exec rm -rf {} +

help: ## List the targets
	@awk -F ':.*## ' '/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: daily status predictions report board doctor live-login live acknowledge-alert release-breach explain what-if note limits limits-key approve-limits reject-limits amend-limits extend-limits revert-limits export-limits limits-trial limits-demo check-limits confirm-limits verify-limits statement backtest sql stats docs schedule watchdog test-email upgrade setup ingest backfill sweep freshness build build-spark train score risk publish tune verify retrain-weekly test test-long test-spark lint bench setup-live setup-spark lock check-install clean help
