#include "ui/graphviz.h"

#include "ui/subprocess.h"

#include <string.h>

/* Moves and zooms by the part of the picture that is seen. */
static const char script[] =
    "<script type=\"text/ecmascript\"><![CDATA[\n"
    "(function () {\n"
    "  var svg = document.documentElement, view = svg.viewBox.baseVal, from = null;\n"
    "  function scale() { return Math.max(view.width / svg.clientWidth, view.height / svg.clientHeight); }\n"
    "  function at(e) {\n"
    "    var p = svg.createSVGPoint();\n"
    "    p.x = e.clientX; p.y = e.clientY;\n"
    "    return p.matrixTransform(svg.getScreenCTM().inverse());\n"
    "  }\n"
    "  svg.addEventListener('wheel', function (e) {\n"
    "    var p = at(e), k = Math.pow(1.001, e.deltaY);\n"
    "    view.x = p.x + (view.x - p.x) * k; view.y = p.y + (view.y - p.y) * k;\n"
    "    view.width *= k; view.height *= k;\n"
    "    e.preventDefault();\n"
    "  }, { passive: false });\n"
    "  svg.addEventListener('mousedown', function (e) { from = { x: e.clientX, y: e.clientY }; });\n"
    "  svg.addEventListener('mousemove', function (e) {\n"
    "    if (!from || !e.buttons) { from = null; return; }\n"
    "    var k = scale();\n"
    "    view.x -= (e.clientX - from.x) * k; view.y -= (e.clientY - from.y) * k;\n"
    "    from = { x: e.clientX, y: e.clientY };\n"
    "    e.preventDefault();\n"
    "  });\n"
    "})();\n"
    "]]></script>\n";

/* Fills the window, whose size dot cannot know, and takes the mouse. What is not as expected stays as it is.
 */
static void make_movable(const struct buf *svg, struct buf *out)
{
    const char *tag = svg->data ? strstr(svg->data, "<svg width=\"") : NULL;
    const char *box = tag ? strstr(tag, "viewBox=\"") : NULL, *tag_end = tag ? strchr(tag, '>') : NULL;
    const char *end = NULL;
    for (const char *at = tag; at && (at = strstr(at, "</svg>")); at++)
        end = at;
    if (!end || !box || box > tag_end) {
        buf_append(out, svg->data ? svg->data : "", svg->len);
        return;
    }
    buf_append(out, svg->data, (size_t)(tag - svg->data));
    buf_puts(out, "<svg width=\"100%\" height=\"100%\" ");
    buf_append(out, box, (size_t)(end - box));
    buf_puts(out, script);
    buf_puts(out, end);
}

int graphviz_run(const char *format, const struct buf *graph, struct buf *picture,
    const volatile sig_atomic_t *cancel, struct error *error)
{
    char option[16] = "-T";
    char *const argv[] = {"dot", option, NULL};
    strncat(option, format, sizeof option - 3);
    int code = subprocess_run(argv, graph, picture, false, cancel, error);
    if (code == ERR_NOTFOUND)
        error_set(error, code, "dot, which draws the graph, is not installed: the package graphviz has it");
    else if (code == ERR_IO)
        error_prefix(error, "Graphviz failed");
    return code;
}

int graphviz_draw(const char *format, const struct buf *graph, struct buf *picture,
    const volatile sig_atomic_t *cancel, struct error *error)
{
    struct buf drawn = {0};
    int code = graphviz_run(format, graph, &drawn, cancel, error);
    if (!code && strcmp(format, "svg") == 0)
        make_movable(&drawn, picture);
    else if (!code)
        buf_append(picture, drawn.data ? drawn.data : "", drawn.len);
    buf_fini(&drawn);
    return code || !picture->failed ? code : error_set(error, ERR_NOMEM, "out of memory");
}
