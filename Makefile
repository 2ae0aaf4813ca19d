# Signalbox. `make` lists what there is to do; what a target does is in scripts/.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup run dev bundle test bench lint fmt clean

# What `make setup` decided about the compiler.
WITH_TOOLCHAIN = . target/toolchain.env &&
HOST_CRATES = --workspace --exclude signalbox-frontend

help: ## Lists the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Installs what is missing on this machine (called by the others)
	@scripts/setup.sh test

run: ## Builds and starts everything on http://127.0.0.1:3000; Ctrl-C stops it
	@scripts/run.sh

dev: ## As run, and rebuilds and restarts on every change
	@scripts/dev.sh

bundle: ## Builds the part that runs in the browser, into target/site
	@scripts/setup.sh run
	@$(WITH_TOOLCHAIN) cargo run --quiet --package xtask -- bundle

test: ## Runs every check and every test, browser tests included
	@scripts/test.sh

bench: ## Measures Signalbox beside its peers, and prints the table (ARGS="--only P1 --rounds 9")
	@scripts/bench.sh $(ARGS)

lint: ## Checks the invariants, and lints for the server and the browser
	@scripts/setup.sh test
	@$(WITH_TOOLCHAIN) cargo run --quiet --package xtask -- tidy
	@$(WITH_TOOLCHAIN) cargo clippy $(HOST_CRATES) --all-targets -- -D warnings
	@$(WITH_TOOLCHAIN) cargo clippy --package signalbox-frontend --target wasm32-unknown-unknown -- -D warnings
	@$(WITH_TOOLCHAIN) cargo clippy --package signalbox-frontend --features split --target wasm32-unknown-unknown -- -D warnings

fmt: ## Formats the code
	@scripts/setup.sh test
	@$(WITH_TOOLCHAIN) cargo fmt --all

clean: ## Removes everything built (not the data in .data/)
	@rm -rf target end2end/node_modules end2end/test-results end2end/playwright-report
