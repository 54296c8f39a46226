# SPDX-License-Identifier: Apache-2.0
# A short way to what CMake and tools/ do.  `make` builds build/bin and build/lib.
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 20
export FUZZ_SECONDS

.PHONY: all demo test test-long bench lint fuzz coverage install package clean

all:
	@command -v cmake >/dev/null || { echo "make: there is no cmake; tools/setup.sh demo installs what the build needs" >&2; exit 1; }
	@cmake --preset release >/dev/null
	@cmake --build --preset release

demo:
	@tools/setup.sh demo
	@$(MAKE) --no-print-directory all
	@tools/demo/run

test:
	@tools/test

test-long:
	@tools/test long

bench:
	@tools/setup.sh full
	@cmake --preset release -DBUILD_TESTING=ON -DPINTLE_JVM=ON >/dev/null
	@cmake --build --preset release --target pintle-libraries pintle-archives bench_programs pintle_jni jvm_jar program_pintle
	@tests/bench/run

lint:
	@tools/lint

fuzz:
	@tools/fuzz

coverage:
	@tools/setup.sh test
	@tools/coverage

install: all
	@DESTDIR="$(DESTDIR)" cmake --install build --prefix "$(PREFIX)"
	@if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" -eq 0 ]; then ldconfig; fi

package: all
	@cd build && cpack -G DEB

clean:
	@rm -rf build build-dev build-asan build-tsan build-fuzz build-coverage build-aarch64
	@find tests tools -name __pycache__ -prune -exec rm -rf {} +
