#include "ui/compare.h"

#include "ui/collection_json.h"
#include "ui/output.h"
#include "ui/web_page.h"
#include "view/combine.h"
#include "view/jsontext.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct side {
    const char *folder;
    struct collection collection;
};

static int open_side(struct side *s, const struct options *o, const char *folder, struct error *error)
{
    struct stat st;
    s->folder = folder;
    if (stat(folder, &st) || !S_ISDIR(st.st_mode))
        return error_set(error, ERR_INVALID, "-compare: there is no folder %s", folder);
    return collection_open(&s->collection, o, folder, error);
}

/* ---- the page ---- */

/* The last part of its path. */
static void put_name(const char *folder, struct buf *out)
{
    struct buf name = {0};
    size_t len = strlen(folder);
    while (len > 1 && folder[len - 1] == '/')
        len--;
    const char *slash = memrchr(folder, '/', len);
    const char *start = slash && slash + 1 < folder + len ? slash + 1 : folder;
    buf_append(&name, start, (size_t)(folder + len - start));
    jsontext_put(out, name.data ? name.data : "");
    buf_fini(&name);
}

static int put_side(const struct side *s, struct buf *out, struct error *error)
{
    int code = collection_put_json(&s->collection, false, out, error);
    if (code)
        return code;
    out->len--; /* its object goes on */
    buf_puts(out, ",\"name\":");
    put_name(s->folder, out);
    buf_putc(out, '}');
    return 0;
}

/* What after differs by, as a flame graph. */
static int put_flame(const struct profile *after, const struct profile *before,
    const struct report_request *request, struct buf *out, struct error *error)
{
    struct profile *change;
    struct buf notes = {0};
    size_t type = 0;
    int code = combine_with_base(after, before, true, false, &change, error);
    if (code)
        return code;
    code = report_sample_index(change, request->config.sample_index, &type, error);
    if (!code) {
        buf_puts(out, "{\"unit\":");
        jsontext_put(out, change->sample_types.items[type].unit);
        buf_puts(out, ",\"tree\":");
        code = report_generate(change, request, out, &notes, error);
        buf_putc(out, '}');
    }
    buf_fini(&notes);
    profile_free(change);
    return code;
}

static int put_flames(const struct collection *before, const struct collection *after,
    const struct report_request *request, struct buf *out, struct error *error)
{
    static const enum triage_lens compared[] = {LENS_CPU, LENS_HEAP, LENS_THREADS, LENS_MUTEX, LENS_BLOCK};
    const char *separator = "";
    int code = 0;
    for (size_t i = 0; i < sizeof compared / sizeof *compared && !code; i++) {
        enum triage_lens lens = compared[i];
        if (!before->profiles[lens] || !after->profiles[lens])
            continue;
        buf_printf(out, "%s\"%s\":", separator, triage_lens_name(lens));
        separator = ",";
        code = put_flame(after->profiles[lens], before->profiles[lens], request, out, error);
        if (code)
            error_prefix(error, "%s", triage_lens_name(lens));
    }
    return code;
}

static int put_data(const struct side *before, const struct side *after, const struct report_request *request,
    struct buf *out, struct error *error)
{
    buf_puts(out, "{\"view\":\"compare\",\"legend\":[],\"types\":[],\"notes\":[],\"defaults\":{},"
                  "\"configs\":[],\"views\":[],\"body\":{\"before\":");
    int code = put_side(before, out, error);
    buf_puts(out, ",\"after\":");
    if (!code)
        code = put_side(after, out, error);
    buf_puts(out, ",\"flames\":{");
    if (!code)
        code = put_flames(&before->collection, &after->collection, request, out, error);
    buf_puts(out, "}}}");
    return code;
}

/* ---- where it goes ---- */

static int put(const char *file, const struct buf *page, struct error *error)
{
    if (page->failed)
        return error_set(error, ERR_NOMEM, "out of memory");
    if (*file)
        return output_write_file(file, page, error);
    return isatty(STDOUT_FILENO) ? output_write_new_file("compare", "html", page, error)
                                 : output_write_stdout(page, error);
}

int compare_run(const struct options *o, const volatile sig_atomic_t *cancel, struct error *error)
{
    struct side before = {0}, after = {0};
    struct buf json = {0}, page = {0};
    struct report_request request = {
        .format = REPORT_FLAMETREE, .config = o->settings.config, .cancel = cancel};
    int code = open_side(&before, o, o->sources.items[0], error);
    if (!code)
        code = open_side(&after, o, o->sources.items[1], error);
    if (!code)
        code = put_data(&before, &after, &request, &json, error);
    if (!code) {
        page.failed = json.failed;
        web_page_put_shell(&json, true, &page);
        code = put(o->settings.config.output, &page, error);
    }
    buf_fini(&json);
    buf_fini(&page);
    collection_fini(&before.collection);
    collection_fini(&after.collection);
    return code;
}
