# make demo       tag sample records in a real Fluent Bit
# make test       format, lints, every test (C and Fluent Bit included)
# make test-long  differential and corpus tests, optimised and long
# make bench      every figure of docs/benchmarks.md and the README; ONLY=SECTION, QUICK=1 for less
# make rivals     other Sigma engines on the same rules and events
# make pack       compile rules/mysql again after a change
# make install    PREFIX=/usr/local, DESTDIR= for packages
#
# demo and test install the Debian packages that they miss.

CARGO   ?= cargo
PREFIX  ?= /usr/local
DESTDIR ?=
BINDIR     = $(DESTDIR)$(PREFIX)/bin
LIBDIR     = $(DESTDIR)$(PREFIX)/lib
INCLUDEDIR = $(DESTDIR)$(PREFIX)/include
DOCDIR     = $(DESTDIR)$(PREFIX)/share/doc/sigmatag
MANDIR     = $(DESTDIR)$(PREFIX)/share/man/man1
SHAREDIR   = $(DESTDIR)$(PREFIX)/share

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
TARGET  := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
# The library as it is shipped has no compiler of rules in it. It is built in a folder of its own:
# in one folder, each of the two builds would replace the other's files and undo its cache.
SHIPPED := $(TARGET)/library
FILTER  := $(MAKE) -C plugin/fluent-bit CARGO_TARGET_DIR=$(abspath $(SHIPPED))
MODULE  := $(MAKE) -C plugin/vector CARGO_TARGET_DIR=$(abspath $(SHIPPED))
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
BUILT        := SIGMATAG=$(abspath $(TARGET))/release/sigmatag SIGMATAG_MODULE=$(abspath $(SHIPPED))/release

LONG_TESTS := $(basename $(notdir $(wildcard tests/differential*.rs tests/corpus*.rs)))

.PHONY: all library demo test test-long bench rivals pack install clean

all:
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
	scripts/need test
	@test -n "$(LONG_TESTS)" || { echo "no long tests in tests/" >&2; exit 1; }
	SIGMATAG_LONG=1 $(CARGO) test --release --locked $(addprefix --test ,$(LONG_TESTS))
	$(MAKE) all library
	$(CARGO) fmt --manifest-path benches/report/Cargo.toml --check
	$(CARGO) clippy --release $(REPORT) --all-targets -- -D warnings
	$(CARGO) test --release $(REPORT)
	$(CARGO) fmt --manifest-path tests/vector_host/Cargo.toml --check
	$(CARGO) clippy $(VECTOR_HOST) --all-targets -- -D warnings
	$(BUILT) $(CARGO) test $(VECTOR_HOST)
	$(CARGO) fmt --manifest-path tests/vrl/Cargo.toml --check
	$(BUILT) $(CARGO) test $(VRL)

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

install: library
	$(CARGO) build --release --locked
	install -d $(BINDIR) $(LIBDIR)/pkgconfig $(INCLUDEDIR) $(DOCDIR)
	install -s -m 0755 $(TARGET)/release/sigmatag $(BINDIR)/sigmatag
	$(TARGET)/release/sigmatag man --out $(MANDIR)
	install -d $(SHAREDIR)/bash-completion/completions $(SHAREDIR)/zsh/site-functions \
	    $(SHAREDIR)/fish/vendor_completions.d
	$(TARGET)/release/sigmatag completions bash >$(SHAREDIR)/bash-completion/completions/sigmatag
	$(TARGET)/release/sigmatag completions zsh >$(SHAREDIR)/zsh/site-functions/_sigmatag
	$(TARGET)/release/sigmatag completions fish >$(SHAREDIR)/fish/vendor_completions.d/sigmatag.fish
	install -s -m 0755 $(SHIPPED)/release/libsigmatag.so $(LIBDIR)/libsigmatag.so.$(VERSION)
	ln -sf libsigmatag.so.$(VERSION) $(LIBDIR)/libsigmatag.so.$(ABI)
	ln -sf libsigmatag.so.$(ABI) $(LIBDIR)/libsigmatag.so
	install -m 0644 $(SHIPPED)/release/libsigmatag.a $(LIBDIR)/libsigmatag.a
	strip --strip-debug $(LIBDIR)/libsigmatag.a
	install -m 0644 include/sigmatag.h $(INCLUDEDIR)/sigmatag.h
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' scripts/sigmatag.pc.in \
	    >$(LIBDIR)/pkgconfig/sigmatag.pc
	$(FILTER) install DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)
	strip --strip-unneeded $(LIBDIR)/fluent-bit/flb-filter_sigmatag.so
	$(MODULE) install DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)
	install -m 0644 README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT $(DOCDIR)
	install -m 0644 rules/mysql/LICENSES.md $(DOCDIR)/LICENSES-RULES.md

clean:
	$(CARGO) clean
