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
EMBED(script, "profiler/ui/web/app.js");
EMBED(style, "profiler/ui/web/style.css");

bool web_file_find(const char *name, struct web_file_text *out)
{
    const struct {
        const char *name, *type, *start, *end;
    } files[] = {
        {"page.html", "text/html; charset=utf-8", web_page_start, web_page_end},
        {"app.js", "text/javascript; charset=utf-8", web_script_start, web_script_end},
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
