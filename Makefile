# SPDX-License-Identifier: MIT
# Short names for what one does most; meson and ninja do the work. See docs/HACKING.md.

BUILD ?= build/main
PREFIX ?= /usr/local
SCENARIO ?= scenarios/tour.lua scenarios/live-snapshot.lua
FUZZ_RUNS ?= 6000
FUZZ_OPS ?= 50
USERMM = $(BUILD)/cli/usermm

.PHONY: all build run test bench fuzz-long stress-long install tidy ci clean
.PHONY: deps deps-check configure

all: build

build: deps-check configure
	@ninja -C $(BUILD)

# Installs with apt what is missing, when it may; else says what to type.
deps:
	@tools/deps install

deps-check:
	@tools/deps check

configure:
	@test -f $(BUILD)/build.ninja || meson setup --prefix $(PREFIX) $(BUILD)

run: deps configure
	@ninja -C $(BUILD)
	$(USERMM) run $(SCENARIO)
	@echo
	@echo "The same on the kernel of this machine, compared step by step:"
	@echo "$(USERMM) diff $(SCENARIO)"
	@$(USERMM) diff $(SCENARIO) || test $$? -eq 3

test: deps configure
	@tools/suite $(BUILD)

bench: build
	$(USERMM) bench --vs linux

# At least 200,000 system calls against the kernel.
fuzz-long: build
	$(USERMM) fuzz --vs linux --runs $(FUZZ_RUNS) --ops $(FUZZ_OPS)

# Real threads on one machine: as many processors as threads, and fewer; with files and swap; under
# userfaultfd.
stress-long: build
	$(BUILD)/tests/stress --seconds 10 --cpus 4
	$(BUILD)/tests/stress --seconds 10 --cpus 2
	$(BUILD)/tests/stress-files 1 100 100
	$(BUILD)/tests/stress-uffd 1 20 12

install: build
	@meson configure $(BUILD) -Dprefix=$(PREFIX)
	meson install -C $(BUILD)

tidy:
	@tools/tidy

ci:
	@.ci/run

clean:
	rm -rf build
