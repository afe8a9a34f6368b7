# make                the program, ./vigil, and build/gcc/libvigil.a, with what is installed
# make check          sets up what is missing, builds everything, runs every test; totals on the last line
# make install        PREFIX=/usr/local DESTDIR=
# make check-unit     one suite: also check-store, check-client, check-tmux, check-runner, check-cli, check-browser, check-tools,
#                     check-install
# make check-sim      the runner in virtual time, in SEEDS=100 worlds that go wrong; SEED= tells one of them
# make e2e            the end-to-end tests alone; OPENCODE_VERSION=1.2.27, VIGIL=path
# make check-crash    kill -9 at every failpoint, alone and with OpenCode (of the latter check does every third), and
#                     a minute of chaos
# make chaos          kill -9 at random moments while tasks come in; SECONDS=60 SEED=
# make fuzz           the decoders of what OpenCode sends; FUZZ_SECONDS=20 each
# make lint           layers, purity, layout, and what static checkers find; make format lays out
# make bench          speed and memory, with the numbers
# make demo           the main job, offline; REAL=1 with your own OpenCode and models
# make schema         schema/schema.sql, made again from the migrations
# make manual         build/gcc/man: vigil(1), vigil-config(5), vigil-schema(5), as they are installed
# make uninstall, make clean, make help
#
# CC=clang, SAN=1 (sanitizers), DEV=1 (warnings are errors), V=1 (whole commands), CFLAGS, LDFLAGS: as usual.
#
# All paths are relative: make cannot cope with a space in a path, and the folder that holds this one may
# have one.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/sh

PREFIX ?= /usr/local
ifneq ($(filter ~%,$(firstword $(PREFIX))),) # only some shells expand it there
override PREFIX := $(HOME)$(patsubst ~%,%,$(PREFIX))
endif
DESTDIR ?=
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

# ---- the build's variant: compilers and sanitizers have their objects apart --------------------

ifeq ($(origin CC),default)
CC := gcc
endif
VARIANT ?= $(if $(FUZZ),fuzz,$(if $(SAN),san,$(if $(findstring clang,$(CC)),clang,gcc)))
B := build/$(VARIANT)
GEN := build/gen

CFLAGS ?= $(if $(SAN),-O1,-O2) -g
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Wundef -Wpointer-arith -Wwrite-strings -Wformat=2 $(if $(DEV),-Werror)
# glibc warns about _FORTIFY_SOURCE where nothing is optimized.
HARDEN := -fstack-protector-strong $(if $(filter -O -O1 -O2 -O3 -Os -Og,$(CFLAGS)),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
SANITIZE := -fsanitize=address,undefined $(if $(FUZZ),-fsanitize=fuzzer-no-link) -fno-sanitize-recover=all -fno-omit-frame-pointer
# src/core is pure, and `nm -u` is to show it: no calls that a compiler option put there.
PLAIN := -fno-stack-protector -U_FORTIFY_SOURCE

PACKAGES := sqlite3 libcurl libcjson libsystemd md4c
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lev -lm
CHECK_LIBS := $(shell pkg-config --libs check 2>/dev/null)
CHECK_CFLAGS := $(shell pkg-config --cflags check 2>/dev/null)

ALL_CFLAGS = -std=c11 -D_POSIX_C_SOURCE=200809L $(WARNINGS) -Isrc -I$(GEN) $(PKG_CFLAGS) -fPIC \
	$(if $(SAN),$(SANITIZE),$(HARDEN)) $(CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS = $(if $(SAN),$(SANITIZE),-pie -Wl,-z,relro,-z,now) $(CFLAGS) $(LDFLAGS)

# ---- what there is to build --------------------------------------------------------------------

SRC := $(sort $(wildcard src/*.c src/*/*.c))
PROGRAM_SRC := $(filter src/main.c src/cli/%,$(SRC))
LIB_SRC := $(filter-out $(PROGRAM_SRC),$(SRC))
TEST_SRC := $(sort $(wildcard tests/*/test_*.c))
BENCH_SRC := $(sort $(wildcard tests/bench/bench_*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
SHIM_SRC := $(sort $(wildcard tests/shim/*.c))
HELPER_SRC := $(filter-out $(TEST_SRC) $(BENCH_SRC) $(FUZZ_SRC) $(SHIM_SRC),$(sort $(wildcard tests/*/*.c)))
quiet = $(if $(V),,@echo '$(1) $@' &&)
obj = $(patsubst %.c,$(B)/%.o,$(1))
OBJ := $(call obj,$(SRC) $(TEST_SRC) $(BENCH_SRC) $(HELPER_SRC) $(FUZZ_SRC))
LIB := $(B)/libvigil.a
TESTS := $(TEST_SRC:%.c=$(B)/%)
BENCHES := $(BENCH_SRC:%.c=$(B)/%)
FUZZERS := $(FUZZ_SRC:%.c=$(B)/%)
SHIMS := $(SHIM_SRC:tests/%.c=build/%.so)
SIM := $(B)/tests/sim/sim
COMPARERS := $(B)/tests/sim/compare-real $(B)/tests/sim/compare-sim

.PHONY: all variant tests fuzzers FORCE
all: vigil
variant: $(B)/vigil $(LIB)
tests: $(TESTS) $(BENCHES) $(SHIMS) $(SIM) $(COMPARERS)
fuzzers: $(FUZZERS)

# A copy, so that the program is one file to move; renamed into place, so that a running one is not written to.
vigil: $(B)/vigil FORCE
	@cmp -s $< $@ || { cp $< $@.part && mv $@.part $@; }

$(B)/vigil: $(call obj,$(PROGRAM_SRC)) $(LIB)
	$(call quiet,link) $(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) $(LIBS)

# Made anew, so that no object of a source that is gone stays in it.
$(LIB): $(call obj,$(LIB_SRC)) $(B)/sources
	@rm -f $@
	$(call quiet,ar) $(AR) rcs $@ $(filter %.o,$^)

# Each test is a program of its own, with the helpers of its folder and of tests/lib.
define test_rule
$(B)/$(1:.c=): $(call obj,$(1) $(filter $(dir $(1))% tests/lib/%,$(HELPER_SRC))) $(LIB)
endef
$(foreach source,$(TEST_SRC) $(BENCH_SRC),$(eval $(call test_rule,$(source))))
$(TESTS) $(BENCHES):
	$(call quiet,link) $(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) $(CHECK_LIBS) $(LIBS)
# The simulation has fakes linked in, in the place of libev, of curl and of the clocks. What asks both its
# OpenCode and the real one is linked in two ways.
SIM_MAINS := tests/sim/sim.c tests/sim/compare.c tests/sim/compare_real.c tests/sim/compare_sim.c
SIM_FAKES := $(call obj,$(filter-out $(SIM_MAINS),$(filter tests/sim/%,$(HELPER_SRC))))
$(SIM): $(call obj,tests/sim/sim.c) $(SIM_FAKES) $(LIB)
$(B)/tests/sim/compare-sim: $(call obj,tests/sim/compare.c tests/sim/compare_sim.c) $(SIM_FAKES) $(LIB)
$(SIM) $(B)/tests/sim/compare-sim:
	$(call quiet,link) $(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) $(filter-out -lev,$(LIBS))
$(B)/tests/sim/compare-real: $(call obj,tests/sim/compare.c tests/sim/compare_real.c) $(LIB)
	$(call quiet,link) $(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) $(LIBS)
$(FUZZERS): %: %.o $(LIB)
	$(call quiet,link) $(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

# Preloaded into the program by tests; the same for every variant.
$(SHIMS): build/%.so: tests/%.c Makefile
	@mkdir -p $(@D)
	$(call quiet,shim) $(CC) -std=c11 $(WARNINGS) -fPIC -shared -O1 -o $@ $<

$(OBJ): $(B)/%.o: %.c $(B)/flags Makefile | $(B)/have $(GEN)/queries.inc $(GEN)/migrations.inc $(GEN)/page.inc
	@mkdir -p $(@D)
	$(call quiet,cc) $(CC) $(ALL_CFLAGS) $(EXTRA) -MMD -MP -c -o $@ $<
$(B)/src/core/%.o: EXTRA = $(if $(SAN),,$(PLAIN))
$(B)/tests/%.o: EXTRA = -Itests $(CHECK_CFLAGS)
$(call obj,$(TEST_SRC) $(HELPER_SRC) $(BENCH_SRC)): | $(B)/have-check
-include $(OBJ:.o=.d)

# ---- generated files -----------------------------------------------------------------------------

$(GEN)/queries.inc: $(sort $(wildcard src/store/queries.sql src/store/queries/*.sql))
$(GEN)/migrations.inc: $(sort $(wildcard migrations/*.sql))
$(GEN)/page.inc: tools/embed-page.sh src/cli/report.css src/cli/report.js
	@mkdir -p $(@D)
	@tools/embed-page.sh $(filter src/%,$^) >$@.part
	@mv $@.part $@
$(GEN)/queries.inc $(GEN)/migrations.inc: $(GEN)/%.inc: tools/embed-sql.awk
	@mkdir -p $(@D)
	@awk -v mode=$* -f tools/embed-sql.awk $(filter %.sql,$^) >$@.part
	@mv $@.part $@

# Files that hold a value, and change only when it does: what depends on them is then made again.
quoted = '$(subst ','\'',$(1))'
keep = @mkdir -p $(@D); printf '%s\n' $(call quoted,$(1)) | cmp -s - $@ || printf '%s\n' $(call quoted,$(1)) >$@
$(B)/flags: FORCE
	$(call keep,$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(LIBS))
$(B)/sources: FORCE
	$(call keep,$(SRC))

# What git says, for a tree that is a checkout; else what VERSION says. Only the source that names
# VIGIL_VERSION is compiled again for another commit.
VERSION := $(shell cat VERSION)
DESCRIBED := $(shell [ -e .git ] && { git describe --tags --dirty 2>/dev/null || \
	git describe --always --dirty 2>/dev/null | sed 's/^/$(VERSION)+g/'; } )
VERSION_SRC := $(shell grep -rlw VIGIL_VERSION src --include='*.c')
$(GEN)/version: FORCE
	$(call keep,$(or $(DESCRIBED:v%=%),$(VERSION)))
$(call obj,$(VERSION_SRC)): $(GEN)/version
$(call obj,$(VERSION_SRC)): EXTRA = -DVIGIL_VERSION='"$(or $(DESCRIBED:v%=%),$(VERSION))"'

# ---- is what is needed there? Looked at once for each variant; names Debian's packages ---------------

define look
@mkdir -p $(@D)
@missing=; \
has() { echo "#include <$$1>" | $(CC) $(PKG_CFLAGS) $(CPPFLAGS) -E - >/dev/null 2>&1; }; \
run() { command -v "$$1" >/dev/null 2>&1; }; \
lack() { missing="$$missing $$1"; }; \
run $(firstword $(CC)) || lack $(firstword $(notdir $(CC))); \
run pkg-config || lack pkg-config; \
$(1) \
if [ -n "$$missing" ]; then \
	echo "missing:$$missing (run tools/setup, or apt install$$missing)" >&2; exit 1; \
fi; touch $@
endef
$(B)/have: Makefile
	$(call look,if [ -z "$$missing" ]; then \
		has stdio.h || lack libc6-dev; \
		pkg-config --exists sqlite3 || lack libsqlite3-dev; \
		pkg-config --exists libcurl || lack libcurl4-openssl-dev; \
		pkg-config --exists libcjson || lack libcjson-dev; \
		pkg-config --exists libsystemd || lack libsystemd-dev; \
		pkg-config --exists md4c || lack libmd4c-dev; \
		has ev.h || lack libev-dev; \
	fi;)
$(B)/have-check: Makefile
	$(call look,pkg-config --exists check || lack check;)

# ---- tests: tests/run runs them, with a time limit, and adds up what they say ----------------------

# tests/FOLDER/test_*.c are programs with Check; test_*.sh and *.test.js find the program in $VIGIL, and the
# end-to-end ones OpenCode's in $OPENCODE. A folder without a test gives a name that is not there, and fails.
in_c = $(patsubst %.c,build/$(2)/%,$(filter tests/$(1)/%,$(TEST_SRC)))
scripts = $(sort $(wildcard tests/$(1)/test_*.sh tests/$(1)/*.test.js))
tested = $(if $(filter command%,$(origin VIGIL)),$(VIGIL),build/$(1)/vigil)
suites = VIGIL='$(call tested,$(2))' $(foreach folder,$(1),$(or \
	$(strip $(call in_c,$(folder),$(2)) $(call scripts,$(folder))),tests/$(folder)/test_none))
RUN := tests/run -j $(JOBS)
WITH_OPENCODE = OPENCODE=$$(tools/opencode/install $(OPENCODE_VERSION)) && export OPENCODE &&

.PHONY: check-crash chaos fuzz check check-sim check-unit check-store check-client check-tmux check-runner \
	check-cli check-browser check-install check-tools e2e bench lint format
check-cli: variant
check-unit check-store check-client check-tmux check-runner check-cli: check-%: tests
	$(RUN) $(call suites,$*,$(VARIANT))
check-browser: variant
	@tests/browser/install >/dev/null
	$(RUN) $(call suites,browser,$(VARIANT))
e2e: variant tests
	$(WITH_OPENCODE) $(RUN) LIMIT=900 $(call suites,e2e,$(VARIANT))
check-sim: $(SIM)
	$(if $(SEED),SEED='$(SEED)' $(SIM),$(RUN) $(if $(SEEDS),SEEDS='$(SEEDS)') LIMIT=3600 $(SIM))
check-crash: variant
	$(WITH_OPENCODE) $(RUN) LIMIT=900 $(call suites,crash,$(VARIANT))
chaos: variant
	@$(WITH_OPENCODE) VIGIL='$(call tested,$(VARIANT))' node tests/crash/chaos.js \
		--seconds '$(SECONDS)' --seed '$(SEED)'
fuzz:
	+@$(MAKE) --no-print-directory CC=clang SAN=1 FUZZ=1 fuzzers
	@tests/fuzz/run $(FUZZ_SRC:%.c=build/fuzz/%)
check-install: all
	$(RUN) tests/install.sh
check-tools:
	$(RUN) tools/offline-model tests/driver.sh tests/lint.sh
bench: variant $(BENCHES)
	@$(WITH_OPENCODE) VIGIL="$$PWD/$(call tested,$(VARIANT))" && export VIGIL && \
	for bench in $(BENCHES) $(wildcard tests/bench/bench_*.sh tests/bench/bench_*.js); do \
		echo "$$bench" && "./$$bench" || exit 1; \
	done
lint: variant
	BUILD='$(B)' tools/lint/lint
format:
	clang-format -i $(wildcard src/*.[ch] src/*/*.[ch] tests/*/*.[ch] examples/*.c)

check: export DEV := 1
check:
	tools/setup check
	tools/opencode/install >/dev/null
	tests/browser/install >/dev/null
	+$(MAKE) -j$(JOBS) CC=clang variant tests
	+$(MAKE) -j$(JOBS) CC=gcc SAN=1 variant tests
	+$(MAKE) -j$(JOBS) CC=clang SAN=1 FUZZ=1 fuzzers
	+$(MAKE) -j$(JOBS) CC=gcc all tests
	$(WITH_OPENCODE) $(RUN) LIMIT=900 EACH=3 $(call suites,crash e2e,gcc) LIMIT=600 \
		tools/lint/lint tests/lint.sh tests/driver.sh tests/install.sh tools/offline-model tests/fuzz/run \
		$(call suites,unit store client tmux runner cli browser,gcc) $(call suites,unit store client tmux runner cli,san) \
		build/gcc/tests/sim/sim SEEDS=10 build/san/tests/sim/sim

# ---- installing ------------------------------------------------------------------------------------

.PHONY: install uninstall manual clean schema demo help
to = "$(DESTDIR)$(PREFIX)/$(1)"
completions = share/bash-completion/completions share/zsh/site-functions share/fish/vendor_completions.d

# The program is asked for what they say of it.
PAGES := $(patsubst man/%.in,%,$(wildcard man/*.in))
manual: $(B)/man/made
$(B)/man/made: $(B)/vigil $(PAGES:%=man/%.in) tools/manual tools/manual.awk src/config/settings.def schema/schema.sql
	tools/manual $(B)/vigil $(B)/man
	@touch $@

install: $(B)/vigil $(LIB) $(B)/man/made
	install -d $(call to,bin) $(call to,lib/pkgconfig) $(call to,include) $(call to,share/doc/vigil) \
		$(call to,share/systemd/user) $(call to,share/man/man1) $(call to,share/man/man5) \
		$(foreach folder,$(completions),$(call to,$(folder)))
	install -m 755 $(B)/vigil $(call to,bin/vigil)
	install -m 644 $(LIB) $(call to,lib/libvigil.a)
	install -m 644 src/ops/vigil.h $(call to,include/vigil.h)
	install -m 644 README.md $(call to,share/doc/vigil/README.md)
	install -m 644 $(B)/man/*.1 $(call to,share/man/man1)
	install -m 644 $(B)/man/*.5 $(call to,share/man/man5)
	install -m 644 completions/vigil.bash $(call to,share/bash-completion/completions/vigil)
	install -m 644 completions/_vigil $(call to,share/zsh/site-functions/_vigil)
	install -m 644 completions/vigil.fish $(call to,share/fish/vendor_completions.d/vigil.fish)
	sed -e 's|@PREFIX@|$(PREFIX)|' -e '/^prefix=/s/ /\\ /g' -e 's|@VERSION@|$(VERSION)|' tools/vigil.pc.in \
		>$(call to,lib/pkgconfig/vigil.pc)
	sed -e 's|@PREFIX@|$(PREFIX)|' tools/vigil.service.in >$(call to,share/systemd/user/vigil.service)
	chmod 644 $(call to,lib/pkgconfig/vigil.pc) $(call to,share/systemd/user/vigil.service)

uninstall:
	rm -f $(call to,bin/vigil) $(call to,lib/libvigil.a) $(call to,include/vigil.h) \
		$(call to,lib/pkgconfig/vigil.pc) $(call to,share/doc/vigil/README.md) \
		$(call to,share/systemd/user/vigil.service) \
		$(call to,share/bash-completion/completions/vigil) $(call to,share/zsh/site-functions/_vigil) \
		$(call to,share/fish/vendor_completions.d/vigil.fish) \
		$(foreach page,$(PAGES),$(call to,share/man/man$(subst .,,$(suffix $(page)))/$(page)))
	-@rmdir $(call to,share/doc/vigil) 2>/dev/null

schema: vigil
	tools/schema-snapshot

demo:
	@tools/setup
	+@$(MAKE) --no-print-directory -j$(JOBS) all
	@REAL='$(REAL)' tools/demo "$$PWD/vigil"

# Not the OpenCode under build/opencode: it was downloaded.
clean:
	rm -rf build/gcc build/clang build/san build/fuzz build/gen build/shim vigil

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile
