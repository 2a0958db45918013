#include "harness.h"

#include "view/assembly.h"
#include "view/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- listings ---- */

static int listing(void *context, const char *file, uint64_t start, uint64_t stop, bool intel,
    struct buf *text, struct error *e)
{
    (void)file, (void)start, (void)stop, (void)intel, (void)e;
    buf_puts(text, context);
    return 0;
}

static struct assembly read_listing(const char *text, uint64_t start, uint64_t stop)
{
    struct assembly a;
    struct error e;
    struct disassembler d = {listing, (void *)text};
    ck_assert_int_eq(assembly_read(&a, &d, "file", start, stop, false, &e), 0);
    return a;
}

static void expect(const struct assembly *a, size_t i, uint64_t address, const char *text,
    const char *function, const char *file, int64_t line)
{
    ck_assert_uint_gt(a->instructions.len, i);
    const struct instruction *in = &a->instructions.items[i];
    ck_assert_uint_eq(in->address, address);
    ck_assert_str_eq(in->text, text);
    ck_assert_str_eq(in->function, function);
    ck_assert_str_eq(in->file, file);
    ck_assert_int_eq(in->line, line);
}

START_TEST(gnu_listings_are_read)
{
    struct assembly a =
        read_listing("\na:     file format elf64-x86-64\n\n\nDisassembly of section .text:\n\n"
                     "0000000000001220 <work>:\nwork():\n/srv/a.c:5\n"
                     "    1220:\txor    %ecx,%ecx\n"
                     "inner(int):\n"
                     "/srv/a.h:4 (discriminator 3)\n"
                     "    1222:\tje     1259 <work+0x39>\n"
                     "\t...\n"
                     "    1230:\tret\n"
                     "    1230:\tret\n"
                     "    1240:\tnop\n",
            0x1220, 0x1240);
    ck_assert_uint_eq(a.instructions.len, 3); /* neither "a:" nor what is there twice or beyond the end */
    expect(&a, 0, 0x1220, "xor    %ecx,%ecx", "work", "/srv/a.c", 5);
    expect(&a, 1, 0x1222, "je     1259 <work+0x39>", "", "/srv/a.h", 4);
    expect(&a, 2, 0x1230, "ret", "", "", 0);
    assembly_fini(&a);
}
END_TEST

START_TEST(llvm_listings_are_read)
{
    struct assembly a = read_listing("0000000000001220 <ns::work(int)>:\n; ns::work(int)():\n; /srv/a.c:5\n"
                                     "    1220: 31 c9                        \txorl\t%ecx, %ecx\n",
        0x1220, 0x1240);
    expect(&a, 0, 0x1220, "31 c9                        \txorl\t%ecx, %ecx", "ns::work(int)", "/srv/a.c", 5);
    assembly_fini(&a);
    a = read_listing("", 0, 1);
    ck_assert_uint_eq(a.instructions.len, 0);
    assembly_fini(&a);
}
END_TEST

/* ---- reports on this very program ---- */

static volatile int answer;

__attribute__((noinline, aligned(4))) static void a_function_to_be_listed(void)
{
    answer = answer * 3 + 1;
}

static struct profile *own_profile(void)
{
    struct profile *p = profile_new(NULL);
    uint64_t address = (uint64_t)(uintptr_t)a_function_to_be_listed;
    char line[600], self[400];
    uint32_t loc[2];
    struct mapping m = {0};
    FILE *maps = fopen("/proc/self/maps", "re");
    while (fgets(line, sizeof line, maps) && m.limit == 0) {
        unsigned long start, limit, offset;
        if (sscanf(line, "%lx-%lx %*s %lx %*s %*s %399s", &start, &limit, &offset, self) == 4 &&
            address >= start && address < limit)
            m = (struct mapping){
                .start = start, .limit = limit, .offset = offset, .file = profile_string(p, self)};
    }
    fclose(maps);
    ck_assert(m.limit != 0);
    profile_add_sample_type(p, profile_string(p, "samples"), profile_string(p, "count"));
    profile_add_mapping(p, &m, NULL);
    struct function f = {.name = profile_string(p, "a_function_to_be_listed"),
        .file = profile_string(p, "/nonexistent/own.c")};
    f.system_name = f.name;
    profile_add_function(p, &f, NULL);
    struct line at = {.line = 7};
    for (uint32_t i = 0; i < 2; i++) /* the second within the instruction */
        profile_add_location(p, &(struct location){.address = address + i}, &at, 1, &loc[i]);
    profile_add_sample(p, &loc[0], 1, (int64_t[]){5}, NULL, 0);
    profile_add_sample(p, loc, 2, (int64_t[]){2}, NULL, 0);
    return p;
}

static uint64_t asked[2];

/* Two instructions, a long one at the end. */
static int two_instructions(void *context, const char *file, uint64_t start, uint64_t stop, bool intel,
    struct buf *text, struct error *e)
{
    (void)file, (void)e, (void)context;
    uint64_t first = asked[0] = start;
    asked[1] = stop;
    ck_assert(intel);
    buf_printf(text, "own():\nown.c:3\n %" PRIx64 ":\tfirst\n", first);
    buf_printf(text, "own.c:4\n %" PRIx64 ":\ta second one, which is longer than forty bytes\n", first + 4);
    return 0;
}

static int report(enum report_format format, const char *pattern, const struct disassembler *d,
    struct buf *out, struct buf *notes, struct error *e)
{
    struct profile *p = own_profile();
    struct report_request q = {
        .format = format, .pattern = pattern, .config = CONFIG_DEFAULT, .disassembler = d};
    q.config.intel_syntax = true;
    out->len = notes->len = 0;
    int code = report_generate(p, &q, out, notes, e);
    profile_free(p);
    return code;
}

START_TEST(disasm_charges_instructions)
{
    struct buf out = {0}, notes = {0};
    struct error e;
    struct disassembler d = {two_instructions, NULL};
    ck_assert_msg(report(REPORT_DISASM, "to_be_listed", &d, &out, &notes, &e) == 0, "%s", e.text);
    char want[1000];
    snprintf(want, sizeof want,
        "Total: 7\n"
        "ROUTINE ======================== a_function_to_be_listed\n"
        "         7          9 (flat, cum) 128.57%% of Total\n"
        "         7          9 %10" PRIx64 ": first                                   ;own own.c:3\n"
        "%74s;own own.c:4\n"
        "         .          . %10" PRIx64 ": a second one, which is longer than forty bytes\n",
        asked[0], "", asked[0] + 4);
    ck_assert_str_eq(out.data, want);
    ck_assert_uint_lt(asked[0], asked[1]);
    ck_assert_msg(
        report(REPORT_DISASM, "^a_function_to_be_listed$", &d, &out, &notes, &e) == 0, "%s", e.text);
    ck_assert_str_eq(out.data, want);
    ck_assert_int_eq(report(REPORT_DISASM, "no_such_function", &d, &out, &notes, &e), ERR_NOTFOUND);
    ck_assert_str_eq(e.text, "no matches found for regexp: no_such_function");
    ck_assert_int_eq(report(REPORT_DISASM, "to_be_listed", NULL, &out, &notes, &e), ERR_UNSUPPORTED);
    char address[40];
    snprintf(address, sizeof address, "%#" PRIx64, (uint64_t)(uintptr_t)a_function_to_be_listed + 2);
    ck_assert_msg(report(REPORT_DISASM, address, &d, &out, &notes, &e) == 0, "%s", e.text);
    ck_assert_int_eq(report(REPORT_DISASM, "0x1", &d, &out, &notes, &e), ERR_NOTFOUND);
    ck_assert_str_eq(e.text, "no matches found for address 0x1");
    buf_fini(&out);
    buf_fini(&notes);
}
END_TEST

/* One every four bytes: functions begin at some of them. */
static int many_instructions(void *context, const char *file, uint64_t start, uint64_t stop, bool intel,
    struct buf *text, struct error *e)
{
    (void)file, (void)e, (void)context, (void)intel;
    for (uint64_t at = (start + 3) & ~UINT64_C(3); at < stop; at += 4)
        buf_printf(text, " %" PRIx64 ":\tan <instruction>\n", at);
    return 0;
}

START_TEST(weblist_is_a_page)
{
    struct buf out = {0}, notes = {0};
    struct error e;
    struct disassembler d = {many_instructions, NULL};
    ck_assert_msg(report(REPORT_WEBLIST, "to_be_listed", &d, &out, &notes, &e) == 0, "%s", e.text);
    static const char *const parts[] = {"<!DOCTYPE html>", "<h2>a_function_to_be_listed</h2>",
        "class=livesrc", "an &lt;instruction&gt;", "test_assembly.c:", "</html>"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        ck_assert_msg(strstr(out.data, parts[i]) != NULL, "no %s in %s", parts[i], out.data);
    ck_assert_ptr_null(strstr(out.data, "src=")); /* it needs no other file */
    /* Without a disassembler the sources remain, and it is said. */
    ck_assert_int_eq(report(REPORT_WEBLIST, "to_be_listed", NULL, &out, &notes, &e), 0);
    ck_assert_msg(strstr(notes.data, "No assembly: ") != NULL, "%s", notes.data);
    ck_assert_msg(strstr(out.data, "<span class=deadsrc>           7          9") != NULL, "%s", out.data);
    ck_assert_int_eq(report(REPORT_WEBLIST, "zzz", &d, &out, &notes, &e), ERR_NOTFOUND);
    buf_fini(&out);
    buf_fini(&notes);
}
END_TEST

/* An instruction of a function that is inlined into itself counts once below a line, and below each of its
 * lines. */
START_TEST(weblist_counts_an_instruction_once_a_line)
{
    static const struct {
        int64_t value, lines[2];
    } at[] = {{3, {10, 8}}, {5, {10, 10}}, {7, {12, 12}}, {11, {12}}};
    struct report_request q = {.format = REPORT_WEBLIST, .pattern = "again", .config = CONFIG_DEFAULT};
    struct profile *p = profile_new(NULL);
    struct buf out = {0}, notes = {0};
    struct error e;
    profile_add_sample_type(p, profile_string(p, "samples"), profile_string(p, "count"));
    struct function f = {.name = profile_string(p, "again"), .file = profile_string(p, "/nonexistent/a.c")};
    profile_add_function(p, &f, NULL);
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        struct line lines[2] = {{.line = at[i].lines[0]}, {.line = at[i].lines[1]}};
        struct location l = {.address = 0x1000 + 16 * i, .mapping = NO_INDEX};
        uint32_t loc;
        profile_add_location(p, &l, lines, lines[1].line ? 2 : 1, &loc);
        profile_add_sample(p, &loc, 1, &at[i].value, NULL, 0);
    }
    ck_assert_msg(report_generate(p, &q, &out, &notes, &e) == 0, "%s", e.text);
    /* 3 below line 8; 3 and 5 below line 10; 7 and 11 below line 12 */
    ck_assert_msg(
        strstr(out.data, "Total:          29         29 (flat, cum) 111.54%") != NULL, "%s", out.data);
    static const char *const lines[] = {
        "<span class=line>      8</span> <span class=livesrc>           3          3 ",
        "<span class=line>     10</span> <span class=livesrc>           8          8 ",
        "<span class=line>     12</span> <span class=livesrc>          18         18 "};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_msg(strstr(out.data, lines[i]) != NULL, "no %s in %s", lines[i], out.data);
    buf_fini(&out);
    buf_fini(&notes);
    profile_free(p);
}
END_TEST

Suite *suite(void)
{
    a_function_to_be_listed();
    const TTest *tests[] = {gnu_listings_are_read, llvm_listings_are_read, disasm_charges_instructions,
        weblist_is_a_page, weblist_counts_an_instruction_once_a_line};
    return HARNESS_SUITE("assembly", 20, tests);
}
