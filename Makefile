# The README's commands. Each installs what it needs; on a machine without apt, install libyaml and zlib first.

SWIFT ?= swift
BURSAR := .build/release/bursar
SAMPLE ?= Policies/saas-tiers/traffic.jsonl

.PHONY: all deps build demo test lint schema soak bench summaries record clean

all: build

# libyaml and zlib with their headers, and the time zone files.
deps:
	@if [ ! -e /usr/share/zoneinfo/Europe/Berlin ] || ! pkg-config --exists yaml-0.1 zlib 2>/dev/null; then \
	  if command -v apt-get >/dev/null; then \
	    echo "installing libyaml, zlib and tzdata"; \
	    $$( [ "$$(id -u)" = 0 ] || echo sudo ) sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq pkg-config libyaml-dev zlib1g-dev tzdata' >/dev/null; \
	  else echo "needed: pkg-config, libyaml, zlib, tzdata" >&2; exit 1; fi; fi

build: deps
	$(SWIFT) build -c release --product bursar

# Replays an example policy set against its log, and explains one refusal.
demo: build
	@echo; echo '$$ bursar check Policies/saas-tiers'
	@$(BURSAR) check Policies/saas-tiers
	@echo; echo '$$ bursar replay --policies Policies/saas-tiers $(SAMPLE)'
	@$(BURSAR) replay --policies Policies/saas-tiers --decisions .build/demo-decisions.jsonl $(SAMPLE)
	@id=$$(grep '"outcome":"deny"' .build/demo-decisions.jsonl | grep -m1 quota_exceeded | sed 's/^{"request_id":"\([^"]*\)".*/\1/'); \
	echo; echo "\$$ bursar explain --policies Policies/saas-tiers --log $(SAMPLE) --request-id $$id"; \
	$(BURSAR) explain --policies Policies/saas-tiers --log $(SAMPLE) --request-id $$id

test: deps lint schema
	$(SWIFT) build -c release --build-tests
	$(SWIFT) test -c release --skip-build

# The examples and fixtures against the JSON Schema, with a public validator (Debian: python3-jsonschema, python3-yaml).
schema:
	@python=python3; \
	if ! $$python -c 'import jsonschema, yaml; jsonschema.Draft202012Validator' 2>/dev/null; then \
	  $$( [ "$$(id -u)" = 0 ] || echo sudo ) sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-jsonschema python3-yaml' >/dev/null; \
	  python=/usr/bin/python3; fi; \
	$$python Tests/Schema/check.py

lint:
	$(SWIFT) format lint --strict --parallel --recursive Package.swift Sources Tests

# As many decisions as asked: make soak DECISIONS=5000000 SEED=7
soak: deps
	BURSAR_DECISIONS=$(or $(DECISIONS),5000000) BURSAR_SEED=$(or $(SEED),1) \
	  $(SWIFT) test -c release --filter ReferenceAgreement

bench: build
	$(SWIFT) run -c release engine-bench Policies/saas-tiers
	Benchmarks/run.sh

# Writes anew the expected summaries of the example sets; read the difference before you commit it.
summaries: build
	@for set in Policies/*/; do \
	  $(BURSAR) replay --quiet --policies $$set $${set}traffic.jsonl > $${set}expected-summary.txt; done

# Writes anew what fixtures are expected to say, and the pages of the codes; read the difference before you commit it.
record: deps
	BURSAR_RECORD=1 $(SWIFT) test -c release --filter 'DiagnosticFixture|Page'

clean:
	rm -rf .build
