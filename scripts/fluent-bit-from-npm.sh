#!/bin/sh
# A real Fluent Bit for the tests of machines that have none: version 1.8.15,
# built from the C sources inside npm's package fluent-bit@0.0.3.
#
#   scripts/fluent-bit-from-npm.sh [TARGET_DIR]     prints the executable's path
#
# The result is kept in TARGET_DIR/fluent-bit-<hash of this script>/ (default
# TARGET_DIR: target), so that a change of the recipe builds anew and nothing
# else does. Runs at the same time wait for each other. No script of the npm
# package is executed.
set -eu

PACKAGE=fluent-bit@0.0.3
TARBALL=fluent-bit-0.0.3.tgz
TARBALL_SHA512=6a986a6007566c0efccc138967c30c4e188c1912901c5a0f97df3c20dae26519d33d8aebcb2c8f946f1cb02dd964e7bfc406206ee059e2663de22f91c8344615

fail() {
    echo "fluent-bit-from-npm.sh: $*" >&2
    exit 1
}

# Every missing package is named at once, not the first one only.
missing=
for tool in gcc make cmake flex bison npm; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
has_header() {
    echo "#include <$1>" | gcc -E -x c - >/dev/null 2>&1
}
if command -v gcc >/dev/null 2>&1; then
    has_header openssl/ssl.h || missing="$missing libssl-dev"
    has_header oniguruma.h || missing="$missing libonig-dev"
fi
[ -z "$missing" ] || fail "missing:$missing. Repair: apt-get install$missing"

script_hash=$(sha256sum "$0" | cut -c1-16)
mkdir -p "${1:-target}"
work=$(cd "${1:-target}" && pwd)/fluent-bit-$script_hash
binary=$work/fluent-bit
mkdir -p "$work"

# The lock goes away with this process, however it ends.
exec 9>"$work/lock"
flock 9
if [ -f "$work/complete" ]; then
    echo "$binary"
    exit 0
fi

echo "building Fluent Bit 1.8.15 in $work (two to three minutes, once)" >&2
rm -rf "$work/src" "$work/build"
cd "$work"

if ! echo "$TARBALL_SHA512  $TARBALL" | sha512sum -c --status 2>/dev/null; then
    rm -f "$TARBALL"
    npm pack --silent "$PACKAGE" >npm.log 2>&1 || fail "npm pack $PACKAGE failed: $(tail -n 3 npm.log)"
    echo "$TARBALL_SHA512  $TARBALL" | sha512sum -c --status 2>/dev/null ||
        fail "$TARBALL is not the package this script was written for (SHA-512 differs)"
fi
tar xzf "$TARBALL" package/src/fluent-bit
mv package/src/fluent-bit src
rmdir -p package/src 2>/dev/null || true

# The package was published without the onigmo submodule. Its ancestor
# Oniguruma has the same interface for what Fluent Bit calls, so lib/onigmo
# becomes a stand-in whose "static library" is a linker script naming -lonig.
mkdir -p src/lib/onigmo
cat >src/lib/onigmo/configure <<'SHIM'
#!/bin/sh
for argument; do
    case $argument in --prefix=*) echo "PREFIX=${argument#--prefix=}" >prefix.mk ;; esac
done
SHIM
chmod +x src/lib/onigmo/configure
echo '#include <oniguruma.h>' >src/lib/onigmo/onigmo.h
cat >src/lib/onigmo/Makefile <<'SHIM'
include prefix.mk
all:
install:
	mkdir -p $(PREFIX)/lib $(PREFIX)/include
	echo "INPUT(-lonig)" >$(PREFIX)/lib/libonigmo.a
	cp onigmo.h $(PREFIX)/include/
SHIM

# All plugins off but those a test names: most of the build time is plugins.
off=$(sed -n 's/^option(\(FLB_\(IN\|OUT\|FILTER\)_[A-Z0-9_]*\) .*/-D\1=Off/p' src/CMakeLists.txt)
on=
for plugin in IN_TAIL IN_DUMMY IN_STDIN IN_LIB IN_FORWARD IN_HTTP IN_TCP IN_STORAGE_BACKLOG IN_EMITTER \
    FILTER_GREP FILTER_LUA FILTER_MODIFY OUT_NULL OUT_FILE OUT_STDOUT OUT_FORWARD OUT_HTTP OUT_LIB; do
    on="$on -DFLB_$plugin=On"
done

# jemalloc's configure is missing from the package as well; it is off by default.
# FLB_DEBUG is on by default and would override the flags below. TLS stays on:
# src/flb_io.c does not compile without it. cmake 4 refuses the bundled
# libraries' minimum versions unless told which policy they follow.
# shellcheck disable=SC2086
cmake -G 'Unix Makefiles' -S src -B build $off $on \
    -DFLB_DEBUG=Off -DFLB_RELEASE=Off -DFLB_SHARED_LIB=Off -DFLB_EXAMPLES=Off -DFLB_AWS=Off \
    -DFLB_SIGNV4=Off -DFLB_PROXY_GO=Off -DFLB_CUSTOM_CALYPTIA=Off -DFLB_BACKTRACE=Off \
    -DCMAKE_POLICY_VERSION_MINIMUM=3.5 -DCMAKE_C_FLAGS="-O1 -w" >cmake.log 2>&1 ||
    fail "cmake failed; the end of $work/cmake.log: $(tail -n 20 cmake.log)"
# MAKEFLAGS of a calling make would hand over its job server.
MAKEFLAGS= make -C build -j"$(nproc)" fluent-bit-bin >make.log 2>&1 ||
    fail "make failed; the end of $work/make.log: $(tail -n 20 make.log)"

mv build/bin/fluent-bit "$binary"
"$binary" --version >&2 || fail "$binary does not start"
rm -rf src build "$TARBALL"
: >complete
echo "$binary"
