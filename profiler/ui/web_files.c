#include "ui/web_files.h"

#include <string.h>

/*
 * The page's files, put into the program by the assembler as they are: nothing is fetched, and nothing needs
 * to be installed beside pprof. The Makefile knows that this depends on them.
 */
#define EMBED(symbol, path)                                                                           \
    __asm__(".section .rodata\n.globl web_" #symbol "_start\nweb_" #symbol "_start:\n.incbin \"" path \
            "\"\n.globl web_" #symbol "_end\nweb_" #symbol "_end:\n.byte 0\n.previous\n");            \
    extern const char web_##symbol##_start[], web_##symbol##_end[]

EMBED(page, "profiler/ui/web/page.html");
EMBED(base, "profiler/ui/web/base.js");
EMBED(header, "profiler/ui/web/header.js");
EMBED(flame, "profiler/ui/web/flame.js");
EMBED(top, "profiler/ui/web/top.js");
EMBED(graph, "profiler/ui/web/graph.js");
EMBED(text, "profiler/ui/web/text.js");
EMBED(locks, "profiler/ui/web/locks.js");
EMBED(timeline, "profiler/ui/web/timeline.js");
EMBED(all, "profiler/ui/web/all.js");
EMBED(compare, "profiler/ui/web/compare.js");
EMBED(app, "profiler/ui/web/app.js");
EMBED(style, "profiler/ui/web/style.css");

static const char javascript[] = "text/javascript; charset=utf-8";

bool web_file_find(const char *name, struct web_file_text *out)
{
    const struct {
        const char *name, *type, *start, *end;
    } files[] = {
        {"page.html", "text/html; charset=utf-8", web_page_start, web_page_end},
        {"base.js", javascript, web_base_start, web_base_end},
        {"header.js", javascript, web_header_start, web_header_end},
        {"flame.js", javascript, web_flame_start, web_flame_end},
        {"top.js", javascript, web_top_start, web_top_end},
        {"graph.js", javascript, web_graph_start, web_graph_end},
        {"text.js", javascript, web_text_start, web_text_end},
        {"locks.js", javascript, web_locks_start, web_locks_end},
        {"timeline.js", javascript, web_timeline_start, web_timeline_end},
        {"all.js", javascript, web_all_start, web_all_end},
        {"compare.js", javascript, web_compare_start, web_compare_end},
        {"app.js", javascript, web_app_start, web_app_end},
        {"style.css", "text/css; charset=utf-8", web_style_start, web_style_end},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (strcmp(files[i].name, name) == 0) {
            *out = (struct web_file_text){
                files[i].type, files[i].start, (size_t)(files[i].end - files[i].start)};
            return true;
        }
    }
    return false;
}
