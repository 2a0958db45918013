# Read All Three. `make help` lists the targets.
#
# Three products from one set of rooms: profiler/ gives libcprof and pprof, demos/ the servers, and
# exercises/, solutions/, lessons/ the workbook. Objects land in .build/, programs where a reader looks.
# To add a file, add its name to its room's list below.

CC ?= gcc
ifeq ($(origin CC),default)
CC = gcc
endif
AR = ar
LD = ld
OBJCOPY = objcopy
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
VERSION = 0.1.0
SONAME = libcprof.so.0
SYMVER = CPROF_0
CFLAGS ?= $(if $(filter address,$(SAN)),-Og,-O2) -g
# Without the built-in rules, the search through which takes longer than all the rest of starting.
MAKEFLAGS += --no-print-directory -r

# SAN=address, undefined or thread: a second set of everything, below .build/san-*/, beside the first. With address comes
# undefined, whose runtime would bring libstdc++ into the process if it were a library of its own. Fences, which thread
# does not know, are in what it cannot run anyway. With -Og and address all compiles in a third of the time and runs about as
# long; with the others, tests measure what an instruction more or less costs.
SAN ?=
B = .build$(if $(SAN),/san-$(SAN))
OUT = $(if $(SAN),$(B)/)
SANFLAGS_address = ,undefined -static-libubsan
SANFLAGS_thread = $() -Wno-tsan
SANFLAGS = $(if $(SAN),-fsanitize=$(SAN)$(SANFLAGS_$(SAN)) -fno-sanitize-recover=all)

# Warnings are errors where nobody reads them, but never in a learner's file.
WERROR = $(if $(CI),-Werror)
WARN = -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Wvla $(WERROR)
# Of gcc's attributes and options against copies of functions, clang knows none, and makes no such copies. It finds -pthread
# of no use where nothing is linked but what is named.
CLANG = $(findstring clang,$(notdir $(CC)))
WARN += $(if $(CLANG),-Wno-unknown-attributes -Wno-unused-command-line-argument)
STD = -std=gnu11 -D_GNU_SOURCE -fno-omit-frame-pointer -fPIC -pthread
CPPFLAGS += -Iprofiler -Iprofiler/include -I$(B)
ALL_CFLAGS = $(STD) $(CPPFLAGS) $(CFLAGS) $(WARN) $(SANFLAGS)

# A line for each file made; V=1 shows the commands.
say = $(if $(V),,@printf '  %-4s %s\n' $(1) $(2);)

# Asked for only when something is compiled or linked, by when setup.sh has seen to it that it is there.
pkg = $(shell pkg-config $(1))

# One job a core where a target builds much, unless the caller has said how many.
jobs = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

# ---- rooms ----------------------------------------------------------------------------------------------

BASE     = error vec buf intern table nearest decimal hostname asker objects
MODEL    = profile gzip encode
READ     = check idmap wire gunzip decode sample_types merge \
           legacy legacy_build legacy_maps legacy_cpu legacy_heap legacy_stacks legacy_contention legacy_java \
           legacy_jemalloc legacy_perf legacy_perf_line
SYMBOL   = loader maps effort fileguard elffile debugfile linetable debuginfo ifunc demangle symbol
CAPTURE  = capture signals rawlock ticks \
           unwind unwind_libgcc unwind_tables cfi cfi_pushes \
           stacks snapshot \
           interpose interpose_c11 interpose_fortified interpose_io interpose_ipc interpose_lock interpose_signal \
           interpose_thread \
           thread threads peek parked asleep seen ask cpuclocks \
           cpu cpu_timer cpu_perf cpu_watch wall \
           contention \
           heap heap_distance heap_parse heap_samples heap_stack \
           labelset threadlabels
EXPORT   = names feed convert labeltext text deadlock threadwords threadsummary threaddump request endpoints index \
           ownfd ownthread direct guard mount respond listener server environment service
VIEW     = measure regex path frames graph graph_tags order trim labels label_lines tagfilter prune filter combine source_label \
           duration source_file locate readable_names symbolz symbolize \
           report report_labels report_text report_tree report_traces report_raw report_list report_tags \
           report_proto report_dot report_callgrind report_disasm report_weblist dot_name \
           dot_tags assembly binary weblist machinery columns triage triage_text triage_json threadlist \
           report_folded report_table limit report_limits report_growth flame report_flame \
           report_flametree report_heaviest jsontext suggest
UI       = variables commands output subprocess disassembler graphviz viewer produce options progress late_library libcurl fetch \
           store remote_names gather interrupt shell session terminal server_stats moments \
           collection collection_json collector triage_run compare ci completions largepages libmicrohttpd \
           web web_listen web_query web_views web_all web_page web_saved web_files

# cprof.h itself: with the service linked in (libcprof.a), or loaded on demand (libcprof.so).
CPROF_A  = cprof service_linked
CPROF_SO = preload cprof service_loaded arithmetic

objects = $(patsubst %,$(B)/$(1)/%.o,$(2))

BASE_O    = $(call objects,profiler/base,$(BASE))
MODEL_O   = $(call objects,profiler/model,$(MODEL)) $(B)/profile.pb-c.o
READ_O    = $(call objects,profiler/model,$(READ))
SYMBOL_O  = $(call objects,profiler/symbol,$(SYMBOL))
CAPTURE_O = $(call objects,profiler/capture,$(CAPTURE))
EXPORT_O  = $(call objects,profiler/export,$(EXPORT))
VIEW_O    = $(call objects,profiler/view,$(VIEW))
UI_O      = $(call objects,profiler/ui,$(UI))

CPROF_LIBS = $(call pkg,--libs libmicrohttpd libprotobuf-c zlib libdw) -lm
DEFLATE = -l:libdeflate.a
PPROF_LIBS = $(call pkg,--libs libprotobuf-c zlib libdw libedit libpcre2-8) $(DEFLATE) -lm

# The demo servers: what they share, and for each lesson N
#   DEMO_N     the program: demos/NAME, solutions/lessonN/NAME and, of the learner's copy, exercises/lessonN/NAME
#   SWAPPED_N  the modules by which the three differ, which the exercise is about
#   SERVER_N   the other modules of demos/lessonN
#   CHECKS_N   the modules of exercises/lessonN that make its checks
#   USES_N     modules of demos/ that the checks are linked with, as the swapped ones call them
COMMON    = knobs limits histogram reply
WEBSERVER = webserver neighbour
LOADGEN   = loadgen zipf

DEMO_1    = render
SWAPPED_1 = escape
SERVER_1  = render article document
CHECKS_1  = checks_lesson1

DEMO_2    = sessions
SWAPPED_2 = session_table session_report
SERVER_2  = sessions settings html_page
CHECKS_2  = checks_lesson2 session_rig

DEMO_3    = fanout
SWAPPED_3 = pool
SERVER_3  = fanout page services
CHECKS_3  = checks_lesson3
USES_3    = common/limits

DEMO_4    = quota
SWAPPED_4 = stats
SERVER_4  = quota rules audit
CHECKS_4  = checks_lesson4

DEMO_5    = stopwatch
SWAPPED_5 = measure
SERVER_5  = stopwatch tariff rates postage_client release_report
CHECKS_5  = checks_lesson5 measure_rig

DEMO_6    = gateway
SWAPPED_6 = cache
SERVER_6  = gateway routes answer json catalogue upstream upstream_process
CHECKS_6  = checks_lesson6 cache_rig lru_oracle

DEMO_7    = tiles
SWAPPED_7 = tile_store tile_code
SERVER_7  = tiles terrain picture
CHECKS_7  = checks_lesson7 tile_rig
USES_7    = common/zipf

DEMO_8    = admin
SWAPPED_8 = debug_http
SERVER_8  = admin debug_server ticket
CHECKS_8  = checks_lesson8 debug_rig

DEMO_9    = mystery
SWAPPED_9 = incident
SERVER_9  = mystery partners
CHECKS_9  = checks_lesson9 incident_rig
USES_9    = common/limits

COMMON_O    = $(call objects,demos/common,$(COMMON))
WEBSERVER_O = $(call objects,demos/common,$(WEBSERVER))
LOADGEN_O   = $(call objects,demos/common,$(LOADGEN))
server_o    = $(call objects,demos/lesson$(1),$(SERVER_$(1))) $(WEBSERVER_O) $(COMMON_O)

# Names that a lesson speaks of must stay in the stacks: no tail calls, nothing inlined, no
# copies with other parameters.
DEMO_FLAGS = -Idemos -fno-inline -fno-optimize-sibling-calls $(if $(CLANG),,-fno-ipa-sra -fno-ipa-cp)
DEMO_LIBS  = $(call pkg,--libs libmicrohttpd) $(if $(SAN),,-ljemalloc)

# Check programs: tests/test_NAME.c each, with tests/harness.c. By what they are linked with.
TOOL_TESTS  = base profile codec legacy merge maps symbol bounds starved demangle measure regex filter graph report assembly \
              columns triage threadlist limit flame nearest \
              options fetch gather web web_all shell symbolize collection corpora largepages
CAPTURE_TESTS = cpu \
                contention contention_law \
                heap arithmetic \
                threads waits cpuclocks \
                interpose signals snapshot stacks unwind
# By the thousand, by the clock, or rare; `make check` has no time for them.
CROWDED_TESTS = cpu_watch contention_sampling jumps threadload wall
EXPORT_TESTS = labels convert textformats server direct mount limits
CPROF_TESTS = $(CAPTURE_TESTS) $(CROWDED_TESTS) $(EXPORT_TESTS)
DEMO_TESTS  = json histogram loadgen neighbour upstream
# What libFuzzer runs, tests/fuzz/fuzz_*.c, with a folder of inputs each.
FUZZ_TARGETS = proto gzip heap_v2 legacy perf shell expressions http web
# What a sanitizer can run, each test in one of them: the interceptors of the address sanitizer stand in the way of
# libcprof's, of jemalloc's heap, of what the tool tells libc's, and of a test's own malloc.
SAN_TESTS_address   = $(filter-out largepages starved,$(TOOL_TESTS)) snapshot convert textformats
SAN_TESTS_undefined = largepages starved $(filter-out $(SAN_TESTS_address),$(CPROF_TESTS))
SAN_TESTS_thread    = stacks snapshot
# Scripts of the tool alone, run with the sanitized one.
SAN_SCRIPTS_address = pprof_tool pprof_malformed remote_names
# Apart from `make check`, which has no time for them.
LONG_PROGRAMS = accuracy heap_accuracy unwind_steps
STORM_TESTS   = storm
# End-to-end tests: tests/NAME.sh, run from the top folder; exit 77 is "skipped", with a line that says why.
TOOL_SCRIPTS = symbols remote_names
REPORT_SCRIPTS = pprof_tool
DEMO_SCRIPTS = gateway_e2e other_malloc
BOOK_SCRIPTS = setup_script exercises working_copies lesson9_cases
# Those for which `make check` has no time: two lanes of about the same length.
LONG_LESSONS = engine lesson1_run lesson2_run waiting_run lesson5_run lesson6_run lesson8_run lesson9_run
LONG_TESTS   = manual bench_page pprof_malformed doctor embedding pprof_like_go go_pprof_reads web_browser web_all compare completions strangers preload preload_programs preload_servers preload_hostile lesson7_run fleet

# ---- what people type -----------------------------------------------------------------------------------

.DEFAULT_GOAL = all
.PHONY: all help check check-long exam pages sanitized storm steps install uninstall deb stress fuzz fuzzers coverage mutants references bench lint tidy format clean FORCE
sources = $(shell git ls-files "*.c" "*.h")
scripts = $(shell git ls-files "*.sh") .ci/run

all: ## build the tool, the library, every demo and every solution

help: ## this list
	@sed -n 's/^#\{0,1\}\([a-z][a-zA-Z0-9%_-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

# The workbook, for each lesson there is: make lesson6, make check6, …; exercises/engine has a script for each.
LESSONS = $(patsubst exercises/lesson%/lesson.conf,%,$(wildcard exercises/lesson*/lesson.conf))
LESSON_STEPS = lesson predict check hint reset watch report solution
#lessonN: ## build what lesson N needs and make your working copy
#predictN: ## say what you expect, before you measure
#checkN: ## check your fix: what was measured, what is allowed, which profile shows it
#hintN: ## the next of three hints
#resetN: ## a fresh working copy (asks; keeps yours under another name)
#watchN: ## check again on each save
#reportN: ## before and after as a page: what run.sh saved of the flawed server and of yours
#solutionN: ## where our solution is, once yours passes (or FORCE=1)
define lesson_step
.PHONY: $(LESSONS:%=$(1)%)
$(LESSONS:%=$(1)%): $(1)%: $(B)/setup
	@exercises/engine/$(1).sh $$*
endef
$(foreach step,$(LESSON_STEPS),$(eval $(call lesson_step,$(step))))

.PHONY: lessons doctor
lessons: ## the lessons, and how far you are
	@exercises/engine/lessons.sh

doctor: ## is this machine fit for the workbook? what is wrong, and the remedy; changes nothing
	@exercises/engine/doctor.sh

# In four lanes of about the same length. That the other lessons' servers compile, `make` shows, and check-long.
check: ## everything a clone must pass
	@$(MAKE) $(jobs) $(profilers) demos/load demos/gateway $(check_programs) $(B)/tests/target $(B)/tests/target_other $(B)/tests/make_profile
	@tests/run.sh $(tool_tests) $(TOOL_SCRIPTS:%=tests/%.sh) \
	    -- $(CAPTURE_TESTS:%=$(B)/tests/test_%) $(DEMO_SCRIPTS:%=tests/%.sh) \
	    -- $(EXPORT_TESTS:%=$(B)/tests/test_%) $(demo_tests) \
	    -- $(BOOK_SCRIPTS:%=tests/%.sh) $(REPORT_SCRIPTS:%=tests/%.sh)

check-long: ## the tests for which check has no time
	@$(MAKE) $(jobs) all $(long_programs) $(crowded_tests) $(B)/tests/guest $(B)/tests/asked $(B)/tests/target $(B)/tests/target_shared $(B)/tests/make_profile $(B)/tests/scrape_rules
	@tests/run.sh $(long_programs)
	@tests/run.sh --again $(LONG_LESSONS:%=tests/%.sh) -- $(crowded_tests) $(LONG_TESTS:%=tests/%.sh)

exam: ## lesson 9's flaws, three cases each: only their own check fails, and the profile shows them
	@$(MAKE) $(jobs) all
	@tests/lesson9_seeds.sh

pages: ## follow the lessons' pages, word for word, and time them: all, or make pages PAGES="1 4"
	@$(MAKE) $(jobs) all $(B)/fetch
	@tests/pages.sh $(PAGES)

# In two lanes, as they come; then the tool's scripts. A report fails it even where a test swallows it.
sanitized: ## the tests that a sanitizer can run: make sanitized SAN=address, undefined or thread
	@$(MAKE) $(jobs) $(SAN_TESTS_$(SAN):%=$(B)/tests/test_%) $(if $(SAN_SCRIPTS_$(SAN)),$(OUT)profiler/pprof)
	@$(if $(SAN_SCRIPTS_$(SAN)),$(MAKE) $(jobs) SAN= $(addprefix .build/tests/,target make_profile))
	@PPROF=$(OUT)profiler/pprof tests/no_reports.sh tests/run.sh $(wordlist 1,13,$(SAN_TESTS_$(SAN):%=$(B)/tests/test_%)) \
	    -- $(wordlist 14,99,$(SAN_TESTS_$(SAN):%=$(B)/tests/test_%)) $(SAN_SCRIPTS_$(SAN):%=tests/%.sh)

references: ## every exercise's reference under SAN=thread or address: its server with its page's traffic for SECONDS (2), and the checks
	@$(MAKE) $(jobs) SAN= demos/load
	@$(MAKE) $(jobs) $(LESSONS:%=$(B)/references/lesson%)
	@tests/references.sh $(B)/references $(or $(SECONDS),2) $(LESSONS)
	@SAN=$(SAN) tests/no_reports.sh tests/exercises.sh

install: ## pprof, libcprof, cprof.h, cprof.pc and the man pages below PREFIX (/usr/local); DESTDIR for packages
	@$(MAKE) $(jobs) $(profilers)
	@$(install_environment) profiler/packaging/install.sh install

uninstall: ## remove what install put there
	@$(install_environment) profiler/packaging/install.sh uninstall

deb: ## Debian packages in .build/deb: pprof, libcprof.so.0, and what is needed to build with it (needs debhelper)
	@profiler/packaging/deb.sh .build/deb $(VERSION)

storm: ## threads by the ten thousand, cancelled, forked and jumping, under every profile at once
	@$(MAKE) $(jobs) $(storm_tests)
	@tests/run.sh $(storm_tests)

steps: ## the unwinder's proof in full: ROUNDS times (1) a million single instructions
	@$(MAKE) $(jobs) $(B)/tests/test_unwind_steps
	@STEPS_ROUNDS=$(or $(ROUNDS),1) $(B)/tests/test_unwind_steps

lint: ## formatting, cppcheck, shellcheck, the manual, and the direction of includes
	@tests/layering.sh
	@clang-format --dry-run --Werror $(sources)
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
	    --suppressions-list=tests/cppcheck.txt --error-exitcode=1 $(CPPFLAGS) $(filter %.c,$(sources))
	@shellcheck -x $(scripts)
	@mandoc -T lint -W warning $$(grep -L "^\.so " profiler/packaging/man/*)

# On standard error it only counts what it left out.
tidy: $(B)/profile.pb-c.h solutions/lesson9/incident.c ## clang-tidy over every file of C (.clang-tidy says what it looks for)
	@command -v clang-tidy >/dev/null || { echo 'tidy: no clang-tidy (Debian package clang-tidy)'; exit 1; }
	@printf '%s\n' $(filter %.c,$(sources)) | xargs -P "$$(nproc)" -n 16 sh -c 'clang-tidy --quiet $(TIDY) "$$@" -- $(STD) $(CPPFLAGS) $(WARN) \
	    -Idemos -Iexercises/engine -Itests -Itests/fuzz -DFUZZ_TARGET=fuzz_proto -Wno-unknown-attributes 2>/dev/null' tidy

format: ## clang-format everything in place
	@clang-format -i $(sources)

clean: ## remove what was built; never a learner's work
	rm -rf .build compile_commands.json profiler/pprof profiler/libcprof.a profiler/libcprof*.so* demos/load \
	    $(foreach n,$(LESSONS),demos/$(DEMO_$(n)) solutions/lesson$(n)/$(DEMO_$(n)) exercises/lesson$(n)/$(DEMO_$(n)))

# Each figure's own programs; what a peer needs, its script compiles where the peer is installed.
BENCH = cpu_shares exec_cost gateway_cost gateway_load heap_known lock_cost scaling threads_dump tool_profile tool_run unwind_frames
bench: ## how good and how fast, beside the peers, with the bars, as a table and as a page (.build/bench.html): all, or make bench PART="locks heap"
	@$(MAKE) $(jobs) all $(BENCH:%=$(B)/tests/bench/%) $(B)/tests/test_contention_law $(B)/tests/asked $(B)/tests/make_profile
	@tests/bench/run.sh $(PART)

# libFuzzer over every parser, in a build of its own, since it needs clang. That NULL + 0 is undefined is a matter of
# the letter; what is read past an end, the address sanitizer sees.
FUZZ = $(FUZZ_TARGETS)
FUZZ_SAN = -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize=pointer-overflow -fno-sanitize-recover=all
fuzz: ## libFuzzer over every parser, SECONDS (30) each: all, or make fuzz FUZZ="perf shell"
	@+tests/fuzz/run.sh $(or $(SECONDS),30) $(FUZZ)
fuzzers:
	@$(MAKE) $(jobs) CC=clang B=.build/fuzz OUT=.build/fuzz/ CFLAGS='-O1 -g' SAN=fuzzer SANFLAGS='$(FUZZ_SAN)' \
	    $(FUZZ:%=.build/fuzz/tests/fuzz/%)

coverage: ## how much of profiler/ the tests run, in lines, and the least covered files (needs gcovr)
	@+tests/coverage.sh $(tool_tests) $(patsubst %,tests/%.sh,$(TOOL_SCRIPTS) $(REPORT_SCRIPTS) pprof_malformed) -- $(cprof_tests) \
	    -- $(patsubst %,tests/%.sh,gateway_e2e other_malloc preload)

mutants: ## do the tests notice when the code is wrong? COUNT (70) mutants of profiler/ or its ROOMS, chosen by SEED (1)
	@$(MAKE) -s $(jobs) all $(tool_tests) $(cprof_tests) $(patsubst %,$(B)/tests/%,target target_other make_profile guest) $(B)/fetch
	@tests/mutants.sh $(tool_tests) tests/pprof_tool.sh tests/pprof_malformed.sh -- $(cprof_tests) \
	    -- $(patsubst %,tests/%.sh,symbols remote_names gateway_e2e other_malloc preload)

stress: ## everything at once, for SECONDS (60), while the program lacks now this, now that; names from 100 MB of debug information; every exercise's checks RUNS times (20) beside busy loops
	@$(MAKE) $(jobs) $(stress_programs) $(B)/tests/test_bounds
	@$(B)/tests/stress_host $(or $(SECONDS),60)
	@tests/big_library.sh $(B)/tests/test_bounds
	@tests/stress.sh $(RUNS)

# ---- compiling ------------------------------------------------------------------------------------------

# Order-only for everything compiled: lists and installs the packages that are missing, silent when none is.
# Asked again only when packages came or went since (dpkg's status file) or the list of needs changed.
$(B)/setup: exercises/engine/setup.sh $(wildcard /var/lib/dpkg/status)
	@exercises/engine/setup.sh
	@mkdir -p $(@D)
	@touch $@
FORCE:

# For editors; quick, so that it is made anew whenever there may be a file more.
all: $(if $(SAN),,compile_commands.json)
compile_commands.json: FORCE | $(B)/setup
	@exercises/engine/editors.sh $(CC) $(STD) $(CPPFLAGS) $(WARN)

# The flags are in this file, so what is compiled depends on it.
$(B)/%.o: %.c Makefile | $(B)/setup
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(B)/profile.pb-c.c $(B)/profile.pb-c.h &: profiler/profile.proto | $(B)/setup
	$(call say,GEN,$@)protoc-c --proto_path=profiler --c_out=$(B) $<

$(B)/profile.pb-c.o: $(B)/profile.pb-c.c
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) -w -MMD -MP -c $< -o $@

$(B)/profiler/model/encode.o: $(B)/profile.pb-c.h

# The page, script and style that it has in it.
$(B)/profiler/ui/web_files.o: $(wildcard profiler/ui/web/*)

# Inside the target: no lazily allocated TLS (handlers use it), wrappers that cancellation unwinds through.
$(CAPTURE_O): STD += -ftls-model=initial-exec -fexceptions
$(B)/profiler/export/arithmetic.o: STD += -fno-builtin

# A tenth of the time to compile goes into where each variable is after each instruction, which no profile asks for.
$(B)/profiler/%.o $(B)/tests/%.o: STD += -fno-var-tracking

# ---- libraries and programs -----------------------------------------------------------------------------

# All of the tool but its main(): what pprof and its tests are linked with.
$(B)/libtool.a: $(BASE_O) $(MODEL_O) $(READ_O) $(SYMBOL_O) $(VIEW_O) $(UI_O)
	@rm -f $@
	$(call say,AR,$@)$(AR) rcs $@ $^

profilers = $(addprefix $(OUT)profiler/,pprof libcprof.a libcprof.so libcprof-export.so)
all: $(profilers)

$(OUT)profiler/pprof: $(B)/profiler/ui/main.o $(B)/libtool.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $^ $(PPROF_LIBS) -o $@

# Debian's jemalloc as one object, for both libraries; two of the sanitizers have a malloc of their own.
JEMALLOC_O = $(if $(filter address thread,$(SAN)),,$(B)/jemalloc.o)
$(B)/jemalloc.o: profiler/packaging/jemalloc.sh | $(B)/setup
	$(call say,GEN,$@)profiler/packaging/jemalloc.sh $@

$(OUT)profiler/libcprof.a: $(BASE_O) $(MODEL_O) $(SYMBOL_O) $(CAPTURE_O) $(EXPORT_O) $(call objects,profiler/export,$(CPROF_A)) $(JEMALLOC_O)
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR,$@)$(AR) rcs $@ $^

# libcprof.so is what a preloaded program pays for: capture, with jemalloc in it, on libc alone. All else
# is in libcprof-export.so, which it loads when there is something to serve. What that calls in it goes by names
# beginning in cprof_private_, so that no program finds its own functions replaced; exports.sh makes the lists.
# libgcc's unwinder, which jemalloc samples with, is linked in; the one name that
# capture uses of the loader (__libc_stack_end) is left open: the loader is always there.
LIBC_IN_SO = $(if $(SAN),-static-libgcc,-nodefaultlibs -lgcc -lgcc_eh -l:libc.so.6 -l:libc_nonshared.a)
WRAPPERS_O = $(foreach o,$(CAPTURE_O),$(if $(findstring /interpose_,$(o)),$(o)))
CPROF_SO_O = $(call objects,profiler/capture,interpose) $(call objects,profiler/export,$(CPROF_SO)) \
    $(filter-out %/interpose.o,$(CAPTURE_O)) $(BASE_O)

$(B)/libcprof.names: profiler/packaging/exports.sh $(CAPTURE_O) $(EXPORT_O) $(wildcard profiler/capture/*.h)
	$(call say,GEN,$@)profiler/packaging/exports.sh names "$(filter-out $(WRAPPERS_O),$(CAPTURE_O))" "$(EXPORT_O)" >$@

$(B)/libcprof.map: profiler/packaging/exports.sh $(WRAPPERS_O) $(B)/libcprof-core.o $(JEMALLOC_O)
	$(call say,GEN,$@)profiler/packaging/exports.sh map $(SYMVER) "$(WRAPPERS_O)" "$(B)/libcprof-core.o $(JEMALLOC_O)" >$@

$(B)/libcprof-core.o: $(CPROF_SO_O) $(B)/libcprof.names
	$(call say,LD,$@)$(LD) -r $(filter %.o,$^) -o $@
	$(if $(V),,@)$(OBJCOPY) --redefine-syms=$(B)/libcprof.names $@

$(B)/libcprof-export.o: $(EXPORT_O) $(SYMBOL_O) $(MODEL_O) $(BASE_O) $(B)/libcprof.names
	$(call say,LD,$@)$(LD) -r $(filter %.o,$^) -o $@
	$(if $(V),,@)$(OBJCOPY) --redefine-syms=$(B)/libcprof.names $@

$(OUT)profiler/$(SONAME): $(B)/libcprof-core.o $(B)/libcprof.map $(JEMALLOC_O)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=$(B)/libcprof.map \
	    -Wl,--exclude-libs,ALL,-z,now,-z,nodelete,-z,pack-relative-relocs $< $(JEMALLOC_O) $(LIBC_IN_SO) -o $@

$(OUT)profiler/libcprof.so: $(OUT)profiler/$(SONAME)
	$(call say,LN,$@)ln -sf $(<F) $@

$(OUT)profiler/libcprof-export.so: $(B)/libcprof-export.o $(OUT)profiler/$(SONAME)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) -shared -Wl,-soname,$(@F) -Wl,--version-script=profiler/packaging/export.map \
	    -Wl,-z,now,-z,nodelete $^ $(CPROF_LIBS) -o $@

# What the script of `make install` needs to know.
install_environment = PREFIX='$(PREFIX)' LIBDIR='$(LIBDIR)' DESTDIR='$(DESTDIR)' BUILT='$(OUT)profiler' \
    VERSION='$(VERSION)' SONAME='$(SONAME)' LIBS='$(CPROF_LIBS)'

# ---- demos ----------------------------------------------------------------------------------------------

$(B)/demos/%.o $(B)/solutions/%.o $(B)/exercises/%.o: ALL_CFLAGS += $(DEMO_FLAGS)

all: $(OUT)demos/load

$(OUT)demos/load: $(call objects,demos/common,load) $(LOADGEN_O) $(COMMON_O) $(BASE_O)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $^ $(DEMO_LIBS) -o $@

# The same program three times, but for the modules that the exercise is about.
define lesson_programs
all: $(OUT)demos/$(DEMO_$(1)) $(OUT)solutions/lesson$(1)/$(DEMO_$(1))
$(OUT)demos/$(DEMO_$(1)): $(call objects,demos/lesson$(1),$(SWAPPED_$(1)))
$(OUT)solutions/lesson$(1)/$(DEMO_$(1)): $(call objects,solutions/lesson$(1),$(SWAPPED_$(1)))
$(OUT)exercises/lesson$(1)/$(DEMO_$(1)): $(call objects,exercises/lesson$(1),$(SWAPPED_$(1)))
$(OUT)demos/$(DEMO_$(1)) $(OUT)solutions/lesson$(1)/$(DEMO_$(1)) $(OUT)exercises/lesson$(1)/$(DEMO_$(1)): $(call server_o,$(1)) $(OUT)profiler/libcprof.a
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(CC) $$(ALL_CFLAGS) $$(filter %.o,$$^) $$(filter %.a,$$^) $$(CPROF_LIBS) -o $$@

$(B)/references/lesson$(1): $(call objects,solutions/lesson$(1),$(SWAPPED_$(1))) $(call server_o,$(1)) $(BASE_O) $(B)/tests/unprofiled.o
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(CC) $$(ALL_CFLAGS) $$^ $$(DEMO_LIBS) -lm -o $$@

$(B)/checks/lesson$(1): $(call objects,exercises/lesson$(1),$(CHECKS_$(1))) $(USES_$(1):%=$(B)/demos/%.o)
endef
$(foreach n,$(LESSONS),$(eval $(call lesson_programs,$(n))))

# Lesson 9 has another module for each seed, so that its original and its solution are made and not kept.
CASES = $(addprefix exercises/lesson9/,case.sh case.awk words.txt flaws.txt) $(wildcard exercises/lesson9/steps/*.c.in)
exercises/lesson9/.seed:
	@echo 1 >$@
demos/lesson9/incident.c solutions/lesson9/incident.c: %/lesson9/incident.c: exercises/lesson9/.seed $(CASES)
	@mkdir -p $(@D)
	$(call say,GEN,$@)exercises/lesson9/case.sh module "$$(cat $<)" $(if $(filter demos,$*),flawed,reference) >$@.new && mv $@.new $@
$(foreach kind,right wrong,$(patsubst %.c,$(B)/modules/%.so,$(wildcard tests/$(kind)/lesson9/*.c)) \
    $(patsubst %.c,$(B)/modules/%.counted.so,$(wildcard tests/$(kind)/lesson9/*.c))): | solutions/lesson9/incident.c

# Any of its cases, for its tests: .build/cases/SEED/flawed/ and .build/cases/SEED/reference/.
.PRECIOUS: $(B)/cases/%/incident.c $(B)/$(B)/cases/%.o
$(B)/cases/%/incident.c: $(CASES)
	@mkdir -p $(@D)
	$(call say,GEN,$@)exercises/lesson9/case.sh module $(subst /, ,$*) >$@.new && mv $@.new $@
$(B)/$(B)/cases/%.o: ALL_CFLAGS += $(DEMO_FLAGS)
$(B)/cases/%/mystery: $(B)/$(B)/cases/%/incident.o $(call server_o,9) $(OUT)profiler/libcprof.a
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(filter %.o,$^) $(filter %.a,$^) $(CPROF_LIBS) -o $@

# ---- tests ----------------------------------------------------------------------------------------------

# gold takes half as long as ld, where there is one. What people get is linked by ld.
QUICK_LD := $(shell command -v ld.gold >/dev/null && echo -fuse-ld=gold -Wl,--build-id)
$(B)/tests/% $(B)/checks/% $(B)/modules/%: private ALL_CFLAGS += $(QUICK_LD)

tool_tests  = $(TOOL_TESTS:%=$(B)/tests/test_%)
long_programs = $(LONG_PROGRAMS:%=$(B)/tests/test_%)
cprof_tests = $(CPROF_TESTS:%=$(B)/tests/test_%)
storm_tests = $(STORM_TESTS:%=$(B)/tests/test_%)
demo_tests  = $(DEMO_TESTS:%=$(B)/tests/test_%)
crowded_tests = $(CROWDED_TESTS:%=$(B)/tests/test_%)
test_programs = $(tool_tests) $(cprof_tests) $(demo_tests)
check_programs = $(filter-out $(crowded_tests),$(test_programs))

$(test_programs) $(long_programs) $(storm_tests): $(B)/tests/harness.o
$(test_programs) $(long_programs) $(storm_tests): CPPFLAGS += -Itests $(if $(SAN),-DSANITIZED)
# They compile in half the time so, and what they test is as it is for everybody. Under the undefined sanitizer gcc then
# warns of what cannot be.
$(test_programs:%=%.o) $(long_programs:%=%.o) $(storm_tests:%=%.o): CFLAGS := $(if $(SAN),$(CFLAGS),$(CFLAGS:-O2=-Og))

$(tool_tests): %: %.o $(B)/libtool.a
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(filter %.o,$^) $(filter %.a,$^) $(call pkg,--libs check) $(PPROF_LIBS) -o $@

# What the tool's scripts report on.
$(B)/tests/make_profile: %: %.o $(B)/libtool.a
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $^ $(PPROF_LIBS) -o $@

$(cprof_tests) $(long_programs) $(storm_tests): %: %.o $(OUT)profiler/libcprof.a
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(OTHER_MALLOC) $^ $(call pkg,--libs check) $(CPROF_LIBS) -o $@

# A program whose text begins with its headers, as it does on arm64: what is then left of it in a debug file is not nothing.
$(B)/tests/test_symbolize: QUICK_LD = -Wl,-z,noseparate-code

# With jemalloc's own shared object, not with what is in libcprof.a.
$(B)/tests/test_heap $(B)/tests/target_other: OTHER_MALLOC = -Wl,--push-state,--no-as-needed -ljemalloc -Wl,--pop-state

# The fuzzers' targets, over the inputs that are kept, and under libFuzzer. No report of the shell's leaves it; what
# would open a socket, wait or start a process, the targets do themselves. libmicrohttpd is a fake.
FUZZ_O = $(call objects,tests/fuzz,fuzz_use fuzz_json fuzz_proto fuzz_gzip fuzz_texts fuzz_shell fuzz_expressions \
    fuzz_http fuzz_web fake_capture fake_mhd) \
    $(call objects,profiler/export,request endpoints guard mount server respond direct listener) \
    $(call objects,profiler/capture,snapshot)
FUZZ_WRAPS = produce request_wait symbolizer_frames getaddrinfo libmicrohttpd_load web_listen graphviz_run \
    collection_take collector_start
FUZZ_LIBS = $(PPROF_LIBS) $(FUZZ_WRAPS:%=-Wl,--wrap=%)
$(filter $(B)/tests/%,$(FUZZ_O)) $(B)/tests/test_corpora.o: CPPFLAGS += -Itests -Itests/fuzz
$(B)/tests/test_corpora: $(FUZZ_O)
$(B)/tests/test_corpora: PPROF_LIBS += $(FUZZ_WRAPS:%=-Wl,--wrap=%)

# Not by gold, which has a word to say about each function of the sanitizer's.
fuzzers = $(FUZZ_TARGETS:%=$(B)/tests/fuzz/%)
$(fuzzers): QUICK_LD =
$(fuzzers): $(B)/tests/fuzz/%: tests/fuzz/fuzz_main.c $(FUZZ_O) $(B)/libtool.a
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer -DFUZZ_TARGET=fuzz_$* $^ $(FUZZ_LIBS) -o $@

# A program under stress. Its allocations go through its own malloc and mmap before they get to jemalloc, whose names
# are others here. Without debug information, which would be read again whenever a library has come or gone.
STRESS_O = $(call objects,tests,stress_host stress_clients stress_actors stress_faults stress_balance)
STRESS_LIBRARIES = $(B)/tests/lazy_calls.so $(if $(shell command -v $(CXX)),$(B)/tests/throws.so)
stress_programs = $(B)/tests/stress_host $(STRESS_LIBRARIES)
$(B)/tests/stress_faults.o: STD += -fno-builtin
$(B)/tests/stress_actors.o: ALL_CFLAGS += -fno-optimize-sibling-calls
$(B)/tests/stress_jemalloc.o: $(B)/jemalloc.o
	@mkdir -p $(@D)
	$(call say,GEN,$@)$(OBJCOPY) $(foreach f,malloc calloc realloc mmap,--redefine-sym $(f)=under_$(f)) $< $@
$(B)/tests/stress_host: $(STRESS_O) $(READ_O) $(B)/tests/stress_jemalloc.o $(OUT)profiler/libcprof.a
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) -Wl,-S -Wl,--wrap=endpoints_serve -Wl,--wrap=debugfile_open $^ $(CPROF_LIBS) $(DEFLATE) -o $@

# What it makes, it reads again.
$(B)/tests/test_convert: $(READ_O)
$(B)/tests/test_convert: CPROF_LIBS += $(DEFLATE)

$(B)/tests/test_threadload: $(B)/tests/crowd.o
$(B)/tests/test_arithmetic: $(B)/profiler/export/arithmetic.o
$(B)/tests/test_arithmetic.o: STD += -fno-builtin

# What it steps through: calls that the loader binds, and exceptions, where there is a compiler for them.
$(B)/tests/test_unwind_steps: $(B)/tests/steps.o | $(B)/tests/lazy_calls.so $(if $(shell command -v $(CXX)),$(B)/tests/throws.so)
$(B)/tests/lazy_calls.so: $(B)/tests/lazy_calls.o
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) -shared -Wl,-z,lazy $< -o $@
$(B)/tests/throws.so: tests/throws.cc Makefile
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CXX) -Wall -Wextra -Wshadow $(WERROR) $(CFLAGS) -fPIC -shared $< -o $@

# What scrapers would say of an answer.
$(B)/tests/scrape_rules: $(B)/tests/scrape_rules.o $(B)/profile.pb-c.o
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $^ $(call pkg,--libs libprotobuf-c zlib) -o $@
$(B)/tests/scrape_rules.o: $(B)/profile.pb-c.h

# A program with libcprof that tests profile from outside, with all its functions in the stacks.
$(B)/tests/target.o: ALL_CFLAGS += -fno-optimize-sibling-calls
$(B)/tests/target $(B)/tests/target_other: $(B)/tests/target.o $(OUT)profiler/libcprof.a
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(OTHER_MALLOC) $^ $(CPROF_LIBS) -o $@

# The same with libcprof.so, and a program that knows nothing of libcprof.
$(B)/tests/target_shared: $(B)/tests/target.o $(OUT)profiler/libcprof.so $(OUT)profiler/libcprof-export.so
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(filter %.o,$^) -L$(OUT)profiler -Wl,-rpath,$(abspath $(OUT)profiler) -l:libcprof.so -o $@

# What capture does on another machine, for cross_compiles.sh: on libc alone.
$(B)/tests/other_machine: $(B)/tests/other_machine.o $(CAPTURE_O) $(BASE_O)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $^ -lm -o $@

# How fast dumps of thousands of threads are; what the threads do is what the tests park, too.
$(B)/tests/bench/threads_dump $(B)/tests/bench/scaling: %: %.o $(B)/tests/crowd.o $(OUT)profiler/libcprof.a
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $^ $(CPROF_LIBS) -o $@
$(B)/tests/bench/threads_dump.o $(B)/tests/bench/scaling.o: CPPFLAGS += -Itests

# The measuring programs of make bench.
$(patsubst %,$(B)/tests/bench/%,cpu_shares heap_known lock_cost unwind_frames): %: %.o $(OUT)profiler/libcprof.a
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $^ $(CPROF_LIBS) -o $@

$(patsubst %,$(B)/tests/bench/%,exec_cost gateway_load tool_profile tool_run): %: %.o
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $^ -lm -o $@
# The gateway with the reference cache, whose profiling can be switched while it serves.
$(B)/tests/bench/gateway_cost: $(B)/tests/bench/gateway_control.o $(B)/solutions/lesson6/cache.o $(call server_o,6) $(OUT)profiler/libcprof.a
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $^ $(CPROF_LIBS) -o $@

$(B)/tests/guest $(B)/tests/asked: %: %.o
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $^ -o $@

# In C++, whose compiler a learner needs for nothing else.
$(B)/tests/guest_throws: tests/guest_throws.cc Makefile
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CXX) -Wall -Wextra -Wshadow $(WERROR) $(CFLAGS) -pthread $< -o $@

$(demo_tests:%=%.o): CPPFLAGS += -Idemos
$(demo_tests): %: %.o $(filter-out %/gateway.o %/routes.o %/webserver.o,$(call server_o,6)) $(LOADGEN_O) $(COMMON_O) $(BASE_O)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $^ $(call pkg,--libs check) $(DEMO_LIBS) -o $@

# ---- exercises ------------------------------------------------------------------------------------------

$(B)/exercises/% $(B)/modules/exercises/%: WERROR =

# A module under test, as the checks load it: plain, and with every basic block and allocation counted, with those
# in what it uses of base/. What it calls of its own is its own, whatever else has that name.
MODULE_FLAGS = $(ALL_CFLAGS) -fno-optimize-sibling-calls -Idemos -MMD -MP -MF $@.d -shared -Wl,-Bsymbolic
COUNTED = -fno-builtin -fsanitize-coverage=trace-pc -include exercises/engine/counted_names.h
COUNTED_BASE_O = $(patsubst %,$(B)/modules/base/%.o,buf vec)

$(B)/modules/%.so: %.c Makefile | $(B)/setup
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(MODULE_FLAGS) $< -o $@

$(B)/modules/%.counted.so: %.c $(COUNTED_BASE_O) Makefile exercises/engine/counted_names.h | $(B)/setup
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(MODULE_FLAGS) $(COUNTED) $< $(COUNTED_BASE_O) -o $@

$(B)/modules/base/%.o: profiler/base/%.c Makefile exercises/engine/counted_names.h | $(B)/setup
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) $(COUNTED) -MMD -MP -c $< -o $@

# The checks of a lesson: its own modules (CHECKS_N), and the engine's. Of libcprof they need just what tells where threads
# hang, and under a sanitizer that cannot live with it they do without.
ENGINE_O = $(call objects,exercises/engine,counted module trial verdict watchdog)

# What lesson 8 measures of a sample's cost.
$(B)/sample_cost: $(B)/exercises/lesson8/sample_cost.o $(OUT)profiler/libcprof.a
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $^ $(CPROF_LIBS) -o $@

# Lesson 8's box office, which knows nothing of profiling.
$(B)/office: $(B)/exercises/lesson8/fleet/office.o $(B)/demos/lesson8/ticket.o $(BASE_O)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $^ -o $@

# What the scripts fetch with, since a fresh machine has no curl.
$(B)/fetch: $(B)/exercises/engine/fetch.o
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $^ -o $@

$(B)/exercises/%.o: CPPFLAGS += -Iexercises/engine -Idemos
$(LESSONS:%=$(B)/checks/lesson%): $(ENGINE_O) $(if $(filter address thread,$(SAN)),$(BASE_O) $(B)/tests/unprofiled.o,$(OUT)profiler/libcprof.a)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) -rdynamic $(filter %.o,$^) $(filter %.a,$^) $(call pkg,--libs check) $(CPROF_LIBS) -o $@

-include $(shell find $(B) -path $(B)/deb -prune -o -name '*.d' -print 2>/dev/null)
