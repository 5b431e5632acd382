# What the plug-ins share: an object of C sources over libsigmatag.a, loaded by a host. Included by their
# Makefiles, which set HERE, their folder, and NAME, the object's file name, and say how it is installed.
#
#   make PROFILE=dev        debug build into target/debug/
#   make LIBSIGMATAG=...    link a given libsigmatag.a, run no cargo

ROOT    := $(abspath $(HERE)/../..)
PROFILE ?= release
CARGO   ?= cargo
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
CFLAGS  ?= -O2 -g
STRIP   ?= strip
SOURCES := $(sort $(wildcard $(HERE)/*.c))
HEADERS := $(sort $(wildcard $(HERE)/*.h))
TARGET  := $(if $(CARGO_TARGET_DIR),$(abspath $(CARGO_TARGET_DIR)),$(ROOT)/target)
BUILT   := $(TARGET)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))
OUT     ?= $(BUILT)/$(NAME)

# -Bsymbolic, the version script and --exclude-libs: neither the host nor another
# plugin can replace a function of ours, nor we one of theirs.
# -static-libgcc: no libgcc_s.so, which small images lack.
# Of GNU's compiler and linker. With zig (scripts/release) this is empty: its compiler has no libgcc,
# and the version script alone hides what is in archives.
GNU_FLAGS ?= -static-libgcc -Wl,--exclude-libs,ALL
LDFLAGS_OBJECT := -shared $(GNU_FLAGS) -Wl,--version-script=$(HERE)/exports.map -Wl,-Bsymbolic \
    -Wl,--gc-sections -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-soname,$(NAME)
WARNINGS := -std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror

.PHONY: all library install clean
all: $(OUT)

ifeq ($(origin LIBSIGMATAG),undefined)
LIBSIGMATAG := $(BUILT)/libsigmatag.a
library:
	cd $(ROOT) && $(CARGO) build --lib --no-default-features --profile $(PROFILE)
$(LIBSIGMATAG): library ;
endif

# Written beside and moved into place: a running host may have the old file mapped.
$(OUT): $(SOURCES) $(HEADERS) $(HERE)/exports.map $(HERE)/Makefile $(ROOT)/plugin/object.mk $(ROOT)/include/sigmatag.h $(LIBSIGMATAG)
	@mkdir -p $(dir $@)
	$(CC) $(CFLAGS) $(WARNINGS) -fPIC -fvisibility=hidden -fstack-protector-strong -ffunction-sections \
	    -I$(ROOT)/include $(SOURCES) $(LIBSIGMATAG) $(LDFLAGS_OBJECT) $(LDFLAGS) \
	    -lpthread -ldl -lm -lrt -lutil -o $@.new
	mv -f $@.new $@

clean:
	rm -f $(OUT) $(OUT).new
