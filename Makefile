# The README's commands. Each installs what it needs; on a machine without apt, install libyaml, zlib,
# zstd and SQLite first.

SWIFT ?= swift
BURSAR := .build/release/bursar
# What is installed needs no library of the toolchain, and starts faster without them.
INSTALLED := .build/installed/release/bursar
INSTALLED_FLAGS := -c release --scratch-path .build/installed $(if $(filter Linux,$(shell uname)),--static-swift-stdlib)
SAMPLE ?= Policies/saas-tiers/traffic.jsonl

VENV := .build/venv
PREFIX ?= /usr/local

.PHONY: all deps build demo test checks fuzz fuzz-coverage hostile lint schema editors report docs installed man install soak laws sanitize bench summaries record clean

all: build

# Libraries with their headers, and the time zone files.
deps:
	@if [ ! -e /usr/share/zoneinfo/Europe/Berlin ] || ! pkg-config --exists yaml-0.1 zlib libzstd sqlite3 2>/dev/null; then \
	  if command -v apt-get >/dev/null; then \
	    echo "installing libyaml, zlib, zstd, SQLite and tzdata"; \
	    $$( [ "$$(id -u)" = 0 ] || echo sudo ) sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq pkg-config libyaml-dev zlib1g-dev libzstd-dev libsqlite3-dev tzdata' >/dev/null; \
	  else echo "needed: pkg-config, libyaml, zlib, zstd, SQLite, tzdata" >&2; exit 1; fi; fi

build: deps checks
	$(SWIFT) build -c release --product bursar

# The list of checks, from the files in Sources/BursarAnalysis/Checks.
checks:
	@python3 -B Tests/Lint/checks.py --write

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
	$(FUZZ) run --seed 1 --inputs 300
	@$(MAKE) --no-print-directory sanitize editors report docs

# Python packages for the tests of the schema, the language server and the report.
$(VENV)/ready: Tests/requirements.txt
	@if ! python3 -m venv $(VENV) >/dev/null 2>&1; then \
	  $$( [ "$$(id -u)" = 0 ] || echo sudo ) sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv' >/dev/null; \
	  python3 -m venv $(VENV); fi
	@$(VENV)/bin/pip install -q --disable-pip-version-check -r Tests/requirements.txt
	@touch $@

# The examples and fixtures against the JSON Schema, with a public validator.
schema: $(VENV)/ready
	@$(VENV)/bin/python Tests/Schema/check.py

# The language server, spoken to by a real client.
editors: $(VENV)/ready
	@$(VENV)/bin/python -m pytest -q -p no:cacheprovider Tests/LanguageServer

# The HTML report in a real browser; screenshots go to .build/screenshots.
report: $(VENV)/ready
	@command -v chromium >/dev/null || ! command -v apt-get >/dev/null || \
	  $$( [ "$$(id -u)" = 0 ] || echo sudo ) sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium' >/dev/null 2>&1
	@if command -v chromium >/dev/null; then $(VENV)/bin/python -m pytest -q -p no:cacheprovider Tests/Report; \
	  else echo "no Chromium here and no apt to install it: the report was not looked at" >&2; fi

# Documentation of the library from its doc comments, in .build/docs/site; a warning fails.
docs: deps
	$(SWIFT) build --scratch-path .build/docs --target Bursar \
	  -Xswiftc -emit-symbol-graph -Xswiftc -emit-symbol-graph-dir -Xswiftc .build/docs/graphs
	docc convert Sources/Bursar/Bursar.docc --additional-symbol-graph-dir .build/docs/graphs \
	  --output-path .build/docs/site --warnings-as-errors

installed: deps
	$(SWIFT) build $(INSTALLED_FLAGS) --product bursar

# A manual page of all verbs, from their help.
man: installed
	$(SWIFT) build $(INSTALLED_FLAGS) --product generate-manual
	@mkdir -p .build/man
	$(dir $(INSTALLED))generate-manual $(INSTALLED) --section 1 --output-directory .build/man

install: man
	install -D -m 755 $(INSTALLED) $(DESTDIR)$(PREFIX)/bin/bursar
	install -D -m 644 .build/man/bursar.1 $(DESTDIR)$(PREFIX)/share/man/man1/bursar.1
	@mkdir -p $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	$(INSTALLED) --generate-completion-script bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/bursar
	$(INSTALLED) --generate-completion-script zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_bursar
	$(INSTALLED) --generate-completion-script fish > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/bursar.fish

# Memory and threads: the address sanitizer over tests, example sets and inputs that once failed. LONG=1 for more.
sanitize: deps
	SWIFT=$(SWIFT) LONG=$(LONG) Tests/Sanitizers/run.sh $(or $(SANITIZER),address)

lint:
	$(SWIFT) format lint --strict --parallel --recursive Package.swift Sources Tests
	@cd Tests/Lint && python3 -B -m unittest -q test_lint test_arithmetic
	@python3 -B Tests/Lint/checks.py
	@python3 -B Tests/Lint/prose.py
	@python3 -B Tests/Lint/links.py
	@python3 -B Tests/Lint/arrows.py

# Random policies and logs give the same bytes with any number of threads and shards: make laws POLICIES=20000 SEED=7
laws: deps
	BURSAR_POLICIES=$(or $(POLICIES),2000) BURSAR_SEED=$(or $(SEED),1) \
	  $(SWIFT) test -c release --filter 'LawTests|PartialReplayTests'

# As many decisions as asked: make soak DECISIONS=5000000 SEED=7
soak: deps
	BURSAR_DECISIONS=$(or $(DECISIONS),5000000) BURSAR_SEED=$(or $(SEED),1) \
	  $(SWIFT) test -c release --filter ReferenceAgreement
	@$(MAKE) --no-print-directory sanitize LONG=1

# Random inputs for every command: make fuzz SECONDS=60 SEED=7 SURFACE="policy log". The seed is printed; each input that
# fails is saved below .build/fuzz, with the command that runs it again.
FUZZ := .build/release/bursar-fuzz
fuzz: build
	$(SWIFT) build -c release --product bursar-fuzz
	$(FUZZ) run --seconds $(or $(SECONDS),60) --seed $(or $(SEED),$(shell date +%s)) $(if $(SURFACE),--surface $(SURFACE))

# Inputs of 10 MB that are built to be slow: each command must end within 10 s and with less than 1 GiB. NAME="one two" for some.
hostile: build
	python3 -B Tests/Hostile/run.py $(BURSAR) $(NAME)

# Guided by coverage (libFuzzer): make fuzz-coverage TARGET=yaml SECONDS=60. Targets: yaml, condition, json, csv.
COVERAGE := .build/coverage
fuzz-coverage: deps
	$(SWIFT) build --scratch-path $(COVERAGE) --product bursar-fuzz-coverage \
	  -Xswiftc -sanitize=fuzzer -Xswiftc -parse-as-library -Xswiftc -DCOVERAGE_GUIDED
	@mkdir -p $(COVERAGE)/corpus/$(or $(TARGET),yaml) $(COVERAGE)/failed
	BURSAR_FUZZ_TARGET=$(or $(TARGET),yaml) $(COVERAGE)/debug/bursar-fuzz-coverage -max_total_time=$(or $(SECONDS),60) \
	  -seed=$(or $(SEED),1) -max_len=4096 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix=$(COVERAGE)/failed/ \
	  $(COVERAGE)/corpus/$(or $(TARGET),yaml) $(FUZZ_SEEDS_$(or $(TARGET),yaml))
FUZZ_SEEDS_yaml := Tests/Fixtures/clean Tests/Fixtures/format Policies
FUZZ_SEEDS_csv := Tests/Fixtures/logs
FUZZ_SEEDS_json := Tests/Fixtures/logs
FUZZ_SEEDS_condition :=

bench: installed
	$(SWIFT) run -c release engine-bench Policies/saas-tiers
	BURSAR=$(INSTALLED) Benchmarks/run.sh $(SAMPLE)

# Writes anew the expected summaries of the example sets; read the difference before you commit it.
summaries: build
	@for set in Policies/*/; do \
	  $(BURSAR) replay --quiet --policies $$set $${set}traffic.jsonl > $${set}expected-summary.txt; done

# Writes anew what fixtures are expected to say, and the pages of the codes; read the difference before you commit it.
record: deps checks
	BURSAR_RECORD=1 $(SWIFT) test -c release --filter 'DiagnosticFixture|CommandFixture|Page|LogFormat|Guide'

clean:
	rm -rf .build
