# The commands of this project. Each installs what it lacks and says what it is doing; a second run installs nothing.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

TOOLS := $(or $(LATCHKEY_TOOLS),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/latchkey/tools)
export TOOLS
export PATH := $(shell TOOLS='$(TOOLS)' scripts/install path):$(PATH)

# What .env says, unless the environment says otherwise.
ENV_FILE := exported=$$(export -p); set -a; if [ -f .env ]; then . ./.env; fi; set +a; eval "$$exported";
SSR := --no-default-features --features ssr
# For an image or a release, `make build LOCKED=--cargo-locked` refuses what Cargo.lock does not name.
LOCKED ?=

.PHONY: help run test check watch build tools lint unit suite browser soak fuzz bench tunnel rename audit pictures

help: ## What there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' Makefile

run: ## Build a program to try, which compiles fast, and serve it (http://localhost:3000)
	scripts/install quick
	scripts/build-quick
	$(ENV_FILE) exec target/quick/latchkey

build: ## Release build: target/release/latchkey, which carries its site files
	scripts/install build
	cargo leptos build --release --precompress --frontend-only $(LOCKED)
	scripts/build-program $(LOCKED)

watch: ## Rebuild and reload at every change
	scripts/install build
	$(ENV_FILE) cargo leptos watch

check: lint unit ## The quick part of the tests: format, lints, unit tests

tools: ## Install cargo-leptos and the browser, and print the PATH to use
	scripts/install build
	scripts/install browser
	@printf 'export PATH=%s:$$PATH\n' "$$(scripts/install path)"

tunnel: build ## A https address for a phone, by cloudflared or ngrok, with a mail catcher
	scripts/tunnel

pictures: build ## The pictures of README.md, taken anew
	scripts/install browser
	npx playwright test --config end2end/pictures.config.ts

rename: ## A fork's own name, everywhere: make rename NAME='Acme Door'
	scripts/rename '$(NAME)'

audit: ## Licences, sources and known weaknesses of everything that is used
	scripts/install audit
	cargo deny --all-features check
	npm audit --audit-level=moderate

lint:
	scripts/install lint
	cargo fmt --check
	cargo clippy $(SSR) --all-targets -- --deny warnings
	cargo clippy --package latchkey-front --target wasm32-unknown-unknown --target-dir target/front -- --deny warnings

unit:
	cargo test $(SSR) --lib

suite:
	scripts/install suite
	scripts/with-backends cargo test $(SSR)

browser: build
	scripts/install browser
	LATCHKEY_PROGRAM=$(CURDIR)/target/release/latchkey scripts/with-backends npx playwright test --config end2end/playwright.config.ts

soak: ## The long tests: races, crashes, rolling restarts and random requests, many times over
	scripts/install suite
	LATCHKEY_SOAK=1 scripts/with-backends cargo test $(SSR) --test suite -- --test-threads 2 --show-output races crash random

fuzz: ## Each fuzz target for ten minutes
	scripts/install suite
	scripts/fuzz 600

# How many accounts there are in the last part of `make bench`.
ACCOUNTS ?= 1000,100000,1000000

bench: build ## How fast, how small, how far from the floor: tables, and JSON in target/bench
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
