# The commands of this project. Each installs the tools that it needs and reports its steps; a second run installs nothing.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

TOOLS := $(or $(LATCHKEY_TOOLS),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/latchkey/tools)
export TOOLS
export PATH := $(shell TOOLS='$(TOOLS)' scripts/install path):$(PATH)

# Settings from .env; the environment takes precedence.
ENV_FILE := exported=$$(export -p); set -a; if [ -f .env ]; then . ./.env; fi; set +a; eval "$$exported";
SSR := --package latchkey --package latchkey-base --no-default-features --features ssr
# For an image or a release, `make build LOCKED=--cargo-locked` fails if Cargo.lock is not up to date.
LOCKED ?=

.PHONY: help run test check watch build tools lint unit suite browser soak fuzz bench tunnel rename audit pictures

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' Makefile

run: ## Make a quick build and serve it (http://localhost:3000)
	scripts/install quick
	scripts/build-quick
	$(ENV_FILE) exec target/quick/latchkey

build: ## Release build: target/release/latchkey, with the site files embedded
	scripts/install build
	cargo leptos build --release --precompress --frontend-only $(LOCKED)
	scripts/build-program $(LOCKED)

watch: ## Rebuild and reload on every change
	scripts/install build
	$(ENV_FILE) cargo leptos watch

check: lint unit ## The quick checks: format, lints, unit tests

tools: ## Install cargo-leptos and the browser, and print the PATH to use
	scripts/install build
	scripts/install browser
	@printf 'export PATH=%s:$$PATH\n' "$$(scripts/install path)"

tunnel: build ## An https address for a phone, through cloudflared or ngrok, with a mail catcher
	scripts/tunnel

pictures: build ## Retake the screenshots of README.md
	scripts/install browser
	npx playwright test --config end2end/pictures.config.ts

rename: ## Rename a fork everywhere: make rename NAME='Acme Door'
	scripts/rename '$(NAME)'

audit: ## Check licences, sources and known vulnerabilities of all dependencies
	scripts/install audit
	cargo deny --all-features check
	npm audit --audit-level=moderate

lint:
	scripts/install lint
	cargo fmt --check
	cargo clippy $(SSR) --all-targets -- --deny warnings
	cargo clippy --package latchkey-front --target wasm32-unknown-unknown --target-dir target/front -- --deny warnings
	cargo check --manifest-path fuzz/Cargo.toml --locked --target-dir target

unit:
	cargo test $(SSR) --lib

suite:
	scripts/install suite
	scripts/with-backends cargo test $(SSR)

browser: build
	scripts/install browser
	LATCHKEY_PROGRAM=$(CURDIR)/target/release/latchkey scripts/with-backends npx playwright test --config end2end/playwright.config.ts

soak: ## The long tests: races, crashes, rolling restarts and random requests, repeated many times
	scripts/install suite
	LATCHKEY_SOAK=1 scripts/with-backends cargo test $(SSR) --test suite -- --test-threads 2 --show-output races crash random

fuzz: ## Each fuzz target for ten minutes
	scripts/install suite
	scripts/fuzz 600

# Numbers of accounts in the last part of `make bench`.
ACCOUNTS ?= 1000,100000,1000000

bench: build ## Benchmarks of speed and size: tables, and JSON in target/bench
	scripts/install browser
	npm ci --prefix benches/peer
	cargo build --release $(SSR) --example bench
	@ls -l --block-size=K target/release/latchkey | awk '{ print "binary: " $$5 }'
	target/release/examples/bench load
	target/release/examples/bench floor
	target/release/examples/bench sign-on
	target/release/examples/bench start
	npx playwright test --config end2end/bench.config.ts
	target/release/examples/bench growth --accounts $(ACCOUNTS)

test: lint suite browser ## Everything: format, lints, unit, contract, HTTP and browser tests, on every backend
