# The one entry point; CI calls the same targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

DATA_DIR ?= /var/lib/swiftlet
RELEASE := .build/release/swiftlet
SOURCES = $(shell git ls-files --cached --others --exclude-standard 'Sources/*.swift' 'Tests/*.swift' 'Fuzzing/*.swift' 'Benchmarks/*.swift' Package.swift | grep -v /Generated/)

.PHONY: help run test test-unit test-peers test-counts test-cluster check format build generate parity bench clean

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: ## install what is missing, build, start a cluster, say what to do next
	@dev/setup run
	@$(MAKE) --no-print-directory build
	@$(RELEASE) up --detach --data-dir $(DATA_DIR)

build: ## build in release mode
	@dev/setup build
	@echo "building in release mode (the first time takes some minutes)"
	@swift build -c release --product swiftlet

test: ## the same set-up, then every test
	@dev/setup test
	@$(MAKE) --no-print-directory test-unit
	@$(MAKE) --no-print-directory test-peers
	@$(MAKE) --no-print-directory test-counts
	@$(MAKE) --no-print-directory test-cluster

# All thousand tests at once would have a thousand threads and starve each other.
AT_A_TIME := --experimental-maximum-parallelization-width 16
# Suites that compute for long would starve those that wait for servers in the same process: they come by themselves.
LONG_SUITES := ^(APITests|FuzzTests|LifeTests)\.

# After a crash, the backtrace of a thousand threads would take longer than the tests.
test-unit: export SWIFT_BACKTRACE := threads=crashed
test-unit: ## every Swift test
	@swift build --build-tests
	@timeout 1500 swift test --skip-build $(AT_A_TIME) --skip '$(LONG_SUITES)'
	@timeout 1500 swift test --skip-build $(AT_A_TIME) --filter '$(LONG_SUITES)'

test-peers: ## our encodings beside independent implementations
	@swift build --product peer-samples
	@dev/test-peers

test-counts: ## allocations and instructions per operation beside their baselines
	@dev/counts

test-cluster: ## real peers on a real cluster (needs root)
	@swift build --product swiftlet
	@dev/test-cluster

check: ## format, lint, generated code up to date
	@dev/setup build
	@swift format lint --strict --parallel --configuration .swift-format $(SOURCES)
	@dev/tidy
	@dev/conformance
	@swift run -q apigen --check

format: ## rewrite the sources in the project's format
	@swift format -i --parallel --configuration .swift-format $(SOURCES)

generate: ## write the generated code anew
	@swift run -q apigen

parity: ## compare discovery and OpenAPI with upstream's published documents
	@dev/parity/run

bench: build ## measure against the budgets of the design
	@dev/bench

clean: ## remove what was built
	@rm -rf .build
