# make demo       tag sample records in a real Fluent Bit
# make test       format, lints, every test (C and Fluent Bit included)
# make test-long  differential and corpus tests, optimised and long
# make bench      every figure of docs/benchmarks.md and the README; ONLY=SECTION, QUICK=1 for less
# make rivals     other Sigma engines on the same rules and events
# make pack       compile rules/mysql again after a change
# make static     the command without shared libraries: target/static/sigmatag
# make install    PREFIX=/usr/local, DESTDIR= for packages; install-library, -command, -filter, -module: parts
#
# demo and test install the Debian packages that they miss.

CARGO   ?= cargo
PREFIX  ?= /usr/local
DESTDIR ?=
# Where things go, without DESTDIR. Packages of distributions set LIBDIR to their folder of the
# architecture; Fluent Bit's plugins have none.
BINDIR     ?= $(PREFIX)/bin
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DATADIR    ?= $(PREFIX)/share
DOCDIR     ?= $(DATADIR)/doc/sigmatag
FILTERDIR  ?= $(PREFIX)/lib/fluent-bit
STRIP      ?= strip

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
TARGET  := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
# The library as it is shipped has no compiler of rules in it. It is built in a folder of its own:
# in one folder, each of the two builds would replace the other's files and undo its cache.
SHIPPED := $(TARGET)/library
# A target of rustc other than this machine's: CARGO_BUILD_TARGET=aarch64-unknown-linux-gnu. Its
# command cannot run here, so that manual pages and completions come from this machine's.
BUILT         := $(TARGET)/$(if $(CARGO_BUILD_TARGET),$(CARGO_BUILD_TARGET)/)release
BUILT_LIBRARY := $(SHIPPED)/$(if $(CARGO_BUILD_TARGET),$(CARGO_BUILD_TARGET)/)release
COMMAND       ?= $(BUILT)/sigmatag
FILTER  := $(MAKE) -C plugin/fluent-bit LIBSIGMATAG=$(abspath $(BUILT_LIBRARY))/libsigmatag.a \
    OUT=$(abspath $(BUILT_LIBRARY))/flb-filter_sigmatag.so
MODULE  := $(MAKE) -C plugin/vector LIBSIGMATAG=$(abspath $(BUILT_LIBRARY))/libsigmatag.a \
    OUT=$(abspath $(BUILT_LIBRARY))/sigmatag.so
# What rustc builds for, where a target has to be named.
HOST = $(shell rustc -vV | sed -n 's/^host: //p')
# The number in the soname, see build.rs.
ABI     := 0

# Crates of their own, each with its lock file, so that the library's tree stays small.
BUILD_RIVALS := $(CARGO) build --release --locked --manifest-path benches/rivals/Cargo.toml \
    --target-dir $(TARGET)/rivals
REPORT       := --locked --manifest-path benches/report/Cargo.toml --target-dir $(TARGET)/report
BUILD_REPORT := $(CARGO) build --release $(REPORT)
RUN_REPORT   := $(TARGET)/report/release/sigmatag-report
VECTOR_HOST  := --locked --manifest-path tests/vector_host/Cargo.toml --target-dir $(TARGET)/vector-host
VRL          := --locked --manifest-path tests/vrl/Cargo.toml --target-dir $(TARGET)/vrl
# What was built for release, in hosts of these crates.
HOSTED       := SIGMATAG=$(abspath $(TARGET))/release/sigmatag SIGMATAG_MODULE=$(abspath $(SHIPPED))/release

LONG_TESTS := $(basename $(notdir $(wildcard tests/differential*.rs tests/corpus*.rs tests/packages.rs tests/hosts_go.rs)))

# Templates of scripts/install, filled in. The header is found from the library, so that what is
# installed may be moved.
FILL_IN = sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
    -e "s|@INCLUDE_FROM_LIB@|$$(realpath -ms --relative-to=$(LIBDIR) $(INCLUDEDIR))|" \
    -e 's|@VERSION@|$(VERSION)|' -e 's|@ABI@|$(ABI)|'

.PHONY: all library demo test test-long bench rivals pack install install-library install-command \
    install-filter install-module static clean

all: library
	$(CARGO) build --release --locked
	$(FILTER)
	$(MODULE)

library:
	$(CARGO) build --release --locked --no-default-features --lib --target-dir $(SHIPPED)

demo:
	scripts/need demo
	scripts/demo

test:
	scripts/need test
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) clippy --locked --no-default-features --lib -- -D warnings
	$(CARGO) test --locked --workspace

test-long:
	scripts/need long
	@test -n "$(LONG_TESTS)" || { echo "no long tests in tests/" >&2; exit 1; }
	SIGMATAG_LONG=1 $(CARGO) test --release --locked $(addprefix --test ,$(LONG_TESTS))
	$(MAKE) all library
	$(CARGO) fmt --manifest-path benches/report/Cargo.toml --check
	$(CARGO) clippy --release $(REPORT) --all-targets -- -D warnings
	$(CARGO) test --release $(REPORT)
	$(CARGO) fmt --manifest-path tests/vector_host/Cargo.toml --check
	$(CARGO) clippy $(VECTOR_HOST) --all-targets -- -D warnings
	$(HOSTED) $(CARGO) test $(VECTOR_HOST)
	SIGMATAG_VECTOR_HOST=$(abspath $(TARGET))/vector-host/debug/examples/frames \
	    $(CARGO) test --release --locked --test hosts_lua
	$(CARGO) fmt --manifest-path tests/vrl/Cargo.toml --check
	$(HOSTED) $(CARGO) test $(VRL)

# Everything is built before anything is measured. What a machine cannot build or has not got is left
# out, and the document says so.
bench: all library
	$(CARGO) bench --locked --no-run --bench engine --bench sources --bench indicators
	$(BUILD_RIVALS)
	$(BUILD_REPORT)
	$(RUN_REPORT) $(if $(ONLY),--only $(ONLY)) $(if $(QUICK),--quick)

rivals:
	$(BUILD_RIVALS)
	$(TARGET)/rivals/release/sigmatag-rivals --json $(TARGET)/rivals.json

pack:
	$(CARGO) run --release --locked -- compile rules/mysql -o rules/mysql/pack.sgt

install: install-library install-command install-filter install-module
	install -d $(DESTDIR)$(DOCDIR)
	install -m 0644 README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT $(DESTDIR)$(DOCDIR)
	install -m 0644 rules/mysql/LICENSES.md $(DESTDIR)$(DOCDIR)/LICENSES-RULES.md

# What programs are built against: shared and static library, header, pkg-config and CMake.
install-library: library
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(LIBDIR)/cmake/sigmatag $(DESTDIR)$(INCLUDEDIR)
	install -m 0644 $(BUILT_LIBRARY)/libsigmatag.so $(DESTDIR)$(LIBDIR)/libsigmatag.so.$(VERSION)
	$(STRIP) --strip-unneeded --remove-section=.comment $(DESTDIR)$(LIBDIR)/libsigmatag.so.$(VERSION)
	ln -sf libsigmatag.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libsigmatag.so.$(ABI)
	ln -sf libsigmatag.so.$(ABI) $(DESTDIR)$(LIBDIR)/libsigmatag.so
	install -m 0644 $(BUILT_LIBRARY)/libsigmatag.a $(DESTDIR)$(LIBDIR)/libsigmatag.a
	$(STRIP) --strip-debug --remove-section=.comment --enable-deterministic-archives \
	    $(DESTDIR)$(LIBDIR)/libsigmatag.a
	install -m 0644 include/sigmatag.h $(DESTDIR)$(INCLUDEDIR)/sigmatag.h
	for file in sigmatag.pc sigmatag-static.pc; do \
	    $(FILL_IN) scripts/install/$$file.in >$(DESTDIR)$(LIBDIR)/pkgconfig/$$file || exit 1; done
	for file in sigmatagConfig.cmake sigmatagConfigVersion.cmake; do \
	    $(FILL_IN) scripts/install/$$file.in >$(DESTDIR)$(LIBDIR)/cmake/sigmatag/$$file || exit 1; done

install-command:
	$(CARGO) build --release --locked
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(DATADIR)/man/man1 \
	    $(DESTDIR)$(DATADIR)/bash-completion/completions $(DESTDIR)$(DATADIR)/zsh/site-functions \
	    $(DESTDIR)$(DATADIR)/fish/vendor_completions.d
	install -m 0755 $(BUILT)/sigmatag $(DESTDIR)$(BINDIR)/sigmatag
	$(STRIP) $(DESTDIR)$(BINDIR)/sigmatag
	$(COMMAND) man --out $(DESTDIR)$(DATADIR)/man/man1
	$(COMMAND) completions bash >$(DESTDIR)$(DATADIR)/bash-completion/completions/sigmatag
	$(COMMAND) completions zsh >$(DESTDIR)$(DATADIR)/zsh/site-functions/_sigmatag
	$(COMMAND) completions fish >$(DESTDIR)$(DATADIR)/fish/vendor_completions.d/sigmatag.fish

# The command with the C library inside: one file for any Linux of this kind of machine.
static:
	RUSTFLAGS="$(RUSTFLAGS) -C target-feature=+crt-static" $(CARGO) build --release --locked \
	    --bin sigmatag --target $(HOST) --target-dir $(TARGET)/static/build
	install -m 0755 $(TARGET)/static/build/$(HOST)/release/sigmatag $(TARGET)/static/sigmatag
	$(STRIP) $(TARGET)/static/sigmatag
	@! readelf -d $(TARGET)/static/sigmatag | grep NEEDED

# The filter, and the script for those who may not load it.
install-filter: library
	$(FILTER) install DESTDIR=$(DESTDIR) FILTERDIR=$(FILTERDIR)
	$(STRIP) --strip-unneeded $(DESTDIR)$(FILTERDIR)/flb-filter_sigmatag.so
	install -d $(DESTDIR)$(DATADIR)/sigmatag/fluent-bit
	install -m 0644 plugin/fluent-bit-lua/sigmatag.lua $(DESTDIR)$(DATADIR)/sigmatag/fluent-bit/sigmatag.lua

# The module of Lua for Vector, where Lua looks without configuration.
install-module: library
	$(MODULE) install DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) STRIP=$(STRIP)

clean:
	$(CARGO) clean
