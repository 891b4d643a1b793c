# Every way in. Needs make and Python 3.11 or newer; the rest is fetched into .venv, gen and var.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
WEB := services/gateway/web
# Tests mostly wait for processes to start and die, so a few at a time are faster even on two cores.
WORKERS ?= 2
ROUNDS ?= 20

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test faults history overload fuzz format bench lint chart rehearsal image sbom setup proto assets browser pooler lock clean

##@ Use it

help: ## show this list
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } /^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: setup proto assets ## start Nhip on this machine, engines included
	@$(VENV)/bin/nhip up

##@ Change it

test: setup proto assets browser pooler ## run all tests; ARGS="tests/unit -k kpi" picks some
	@$(PY) -m pytest -n $(WORKERS) $(ARGS)

faults: setup proto ## kill what runs while people work, ROUNDS=20 times; SEED=… has the same workload again
	@ROUNDS=$(ROUNDS) $(if $(SEED),SEED=$(SEED)) $(PY) -m pytest -n 0 -s --timeout 7200 $(or $(ARGS),tests/faults)

history: setup proto ## break something in each of ROUNDS=20 rounds while callers race, and judge what readers were given; SEED=…
	@$(PY) -m tests.faults.history --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED)) $(ARGS)

overload: setup proto assets ## ask a service for TIMES=4 times what it carries, for SECONDS=60, and say what became of it
	@$(PY) -m tests.faults.overload --seconds $(or $(SECONDS),60) --times $(or $(TIMES),4) $(ARGS)

fuzz: setup proto assets ## send EXAMPLES=50 requests made from the contracts to each RPC, as protobuf and as JSON, by everybody
	@EXAMPLES=$(or $(EXAMPLES),50) $(PY) -m pytest -n 0 --timeout 7200 tests/integration/services/test_gate_fuzzed.py $(ARGS)

format: setup $(WEB)/node_modules/.ready ## write Python, contracts, scripts and styles as `make lint` wants them
	@$(PY) -m ruff check --fix --quiet
	@$(PY) -m ruff format
	@$(VENV)/bin/buf format proto --write
	@$(PY) -m deploy.npm --prefix $(WEB) run format --silent

bench: setup proto $(VENV)/.bench ## measure how fast it is, write docs/benchmarks.md; SHORT=1: two minutes, what got slower
	@$(PY) -m tests.bench $(if $(SHORT),--short,--write) $(ARGS)

lint: setup proto $(VENV)/.bench $(WEB)/node_modules/.ready ## check style, types, boundaries between packages, contracts
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m pyright
	$(VENV)/bin/lint-imports
	$(PY) -m deploy.npm --prefix $(WEB) run lint --silent
	@if [ -n "$(PROTOS)" ]; then set -ex; \
	  $(VENV)/bin/buf lint proto; \
	  $(VENV)/bin/buf format proto --diff --exit-code; \
	  for image in $(wildcard proto/baselines/*.binpb); do $(VENV)/bin/buf breaking proto --against $$image; done; \
	fi

chart: setup ## check the chart: helm lint, kubeconform -strict, kube-score, each where it is installed
	@$(PY) -m deploy.chart_checks

rehearsal: setup ## install, upgrade and break the chart on the cluster that kubectl points to: ARGS="--image … --values … --owner-password-file …"
	@$(PY) -m deploy.rehearsal $(ARGS)

IMAGE ?= nhip:dev
BASE ?= docker.io/library/python:3.11-slim-bookworm
BUILDER ?= buildah bud

# The same bytes from the same commit: every file has its time, and versions are those of a lock.
image: setup proto assets ## build the image from deploy/Dockerfile: IMAGE=nhip:dev, BASE=…, BUILDER="buildah bud"
	@rm -rf build/image && mkdir -p build/image
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(VENV)/bin/uv build --wheel --no-build-isolation --quiet --out-dir build/image
	@cp requirements.image.lock build/image/
	$(BUILDER) --timestamp $$(git log -1 --format=%ct) --build-arg BASE=$(BASE) --file deploy/Dockerfile --tag $(IMAGE) build/image

sbom: setup ## write what the image holds beside Python, with versions and licences, as CycloneDX: build/nhip.cdx.json
	@rm -rf build/sbom && mkdir -p build
	@$(PYTHON) -m venv --without-pip build/sbom
	@$(PY) -m pip --python build/sbom/bin/python --disable-pip-version-check install --quiet --no-deps --require-hashes -r requirements.image.lock
	@$(VENV)/bin/uv tool run --quiet --from 'cyclonedx-bom>=7,<8' cyclonedx-py environment build/sbom/bin/python \
	  --pyproject pyproject.toml --PEP-639 --output-reproducible --output-file build/nhip.cdx.json
	@rm -rf build/sbom && echo "Written to build/nhip.cdx.json"

# --- set-up: .venv holds exactly what requirements.lock says, and this project as editable ---------------------------

##@ What the others call by themselves

setup: $(VENV)/.ready ## fill .venv from requirements.lock

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Nhip needs Python 3.11 or newer ($(PYTHON) is older or missing); name another with make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "Installing python3-venv" && \
	    { apt-get -qq install -y python3-venv >/dev/null 2>&1 || { apt-get -qq update && apt-get -qq install -y python3-venv >/dev/null; }; }; } || \
	  { echo "$(PYTHON) cannot make virtual environments: install its venv module (Debian, Ubuntu: apt install python3-venv)"; exit 1; }
	@echo "Filling $(VENV) from requirements.lock (once, about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes -r requirements.lock
	@$(PY) -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# What benchmarks need beside that; their lock keeps the versions of the other one.
$(VENV)/.bench: $(VENV)/.ready requirements.bench.lock
	@$(PY) -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes -r requirements.bench.lock
	@touch $@

LOCK = $(VENV)/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras --quiet

lock: setup ## choose versions anew: requirements.lock, Kafka's jars
	$(LOCK) pyproject.toml --extra engines --group dev --upgrade --output-file requirements.lock
	$(LOCK) pyproject.toml --extra kurrentdb --constraint requirements.lock --output-file requirements.image.lock
	$(LOCK) --group bench --constraint requirements.lock --upgrade --output-file requirements.bench.lock
	$(PY) -c 'from deploy.engines.jars import main; main()'

# --- generated code --------------------------------------------------------------------------------------------------

PROTOS := $(shell find proto -name '*.proto' 2>/dev/null)

proto: gen/.ready ## generate gen/ from proto/

# The folders are prerequisites too, so that a contract that was removed takes its code with it. google/* comes from
# the wheel googleapis-common-protos; the copy in gen/include is what buf reads as well (see buf.yaml).
gen/.ready: $(VENV)/.ready $(PROTOS) $(shell find proto -mindepth 1 -type d 2>/dev/null)
	@rm -rf gen/new && mkdir -p gen/new/include
	@cd "$$($(PY) -c 'import google.api, pathlib; print(pathlib.Path(google.api.__path__[0]).parent.parent)')" && \
	  find google -name '*.proto' | tar -cf - -T - | tar -xf - -C "$(CURDIR)/gen/new/include"
	@[ -z "$(PROTOS)" ] || PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(PY) -m grpc_tools.protoc -I proto -I gen/new/include \
	  --python_out=gen/new --grpc_python_out=gen/new --mypy_out=quiet:gen/new --mypy_grpc_out=quiet,async_only:gen/new \
	  --include_source_info --descriptor_set_out=gen/new/contracts.binpb $(PROTOS)
	@[ -z "$(PROTOS)" ] || mv gen/new/contracts.binpb gen/new/nhip/
	@rm -rf gen/nhip gen/include
	@mv gen/new/* gen/ && rmdir gen/new
	@touch $@

# --- the console's assets, and a browser to look at it with ------------------------------------------------------------

assets: $(if $(wildcard $(WEB)/package.json),$(WEB)/node_modules/.built) ## build the web console's scripts and styles

$(WEB)/node_modules/.ready: $(WEB)/package-lock.json | $(VENV)/.ready
	@echo "Fetching what the web console is built from (once)"
	@$(PY) -m deploy.npm --prefix $(WEB) ci --no-audit --no-fund --loglevel=error
	@touch $@

# The build also looks for the icons that templates and view-models name.
$(WEB)/node_modules/.built: $(WEB)/node_modules/.ready $(WEB)/package.json \
  $(shell find $(WEB) $(WEB)/../features $(WEB)/../console -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -name '*.pyc' 2>/dev/null)
	@$(PY) -m deploy.npm --prefix $(WEB) run build --silent
	@touch $@

browser: setup ## find or fetch a browser for the tests
	@$(PY) -m deploy.browser

pooler: setup ## find or fetch a PgBouncer for the tests
	@$(PY) -m deploy.pooler

clean: ## remove all that was fetched or generated, data in var/ too
	rm -rf $(VENV) gen var build dist $(WEB)/node_modules $(WEB)/dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
