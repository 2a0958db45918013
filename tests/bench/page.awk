# The results of `make bench` as one page, with nothing from elsewhere: a table a part, and the lines of scaling drawn.
#
#     awk -f page.awk POINTS TABLE     POINTS: lines "SERIES X MS"; TABLE: what make bench prints

function escaped(text)
{
    gsub(/&/, "\\&amp;", text)
    gsub(/</, "\\&lt;", text)
    gsub(/>/, "\\&gt;", text)
    gsub(/"/, "\\&quot;", text)
    return text
}

function log10(x)
{
    return log(x) / log(10)
}

function floor(x,    n)
{
    n = int(x)
    return n > x ? n - 1 : n
}

# 1000000 as 1,000,000
function grouped(n,    text)
{
    for (text = ""; length(n) > 3; n = substr(n, 1, length(n) - 3))
        text = "," substr(n, length(n) - 2) text
    return n text
}

# One line, both axes by powers of ten.
function plot(series, title, unit,    n, i, x0, x1, y0, y1, d, x, y, path, dots)
{
    n = count[series]
    if (!n)
        return
    x0 = y0 = 99
    x1 = y1 = -99
    for (i = 1; i <= n; i++) {
        x = log10(xs[series, i])
        y = log10(ys[series, i])
        x0 = floor(x) < x0 ? floor(x) : x0
        y0 = floor(y) < y0 ? floor(y) : y0
        x1 = -floor(-x) > x1 ? -floor(-x) : x1
        y1 = -floor(-y) > y1 ? -floor(-y) : y1
    }
    x1 = x1 > x0 ? x1 : x0 + 1
    y1 = y1 > y0 ? y1 : y0 + 1
    printf "<figure><figcaption>%s</figcaption>\n<svg viewBox=\"0 0 440 280\" role=\"img\" aria-label=\"%s\">\n", title, title
    for (d = x0; d <= x1; d++) {
        x = 70 + 330 * (d - x0) / (x1 - x0)
        printf "<path class=\"grid\" d=\"M%.1f 20V230\"/><text x=\"%.1f\" y=\"248\" text-anchor=\"middle\">%s</text>\n", x, x, grouped(10 ^ d "")
    }
    for (d = y0; d <= y1; d++) {
        y = 230 - 210 * (d - y0) / (y1 - y0)
        printf "<path class=\"grid\" d=\"M70 %.1fH400\"/><text x=\"62\" y=\"%.1f\" text-anchor=\"end\">%s ms</text>\n", y, y + 4, d < 0 ? 10 ^ d : grouped(10 ^ d "")
    }
    for (i = 1; i <= n; i++) {
        x = 70 + 330 * (log10(xs[series, i]) - x0) / (x1 - x0)
        y = 230 - 210 * (log10(ys[series, i]) - y0) / (y1 - y0)
        path = path sprintf("%s%.1f %.1f", i > 1 ? "L" : "M", x, y)
        dots = dots sprintf("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\"><title>%s %s: %s ms</title></circle>\n", x, y, grouped(xs[series, i] ""), unit, ys[series, i])
    }
    printf "<path class=\"line\" d=\"%s\"/>\n%s<text x=\"235\" y=\"272\" text-anchor=\"middle\">%s</text>\n</svg></figure>\n", path, dots, unit
}

function end_part()
{
    if (part != "")
        print "</tbody></table>"
    part = ""
}

FILENAME == ARGV[1] {
    n = ++count[$1]
    xs[$1, n] = $2
    ys[$1, n] = $3 > 0 ? $3 : 0.001
    next
}

/^machine: / {
    print "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>make bench</title>"
    print "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>"
    print ":root { color-scheme: light dark; --line: light-dark(#1a5fb4, #78aeed); --grid: light-dark(#ddd, #444); --ok: light-dark(#18723a, #57e389); --missed: light-dark(#a51d2d, #ff7b63) }"
    print "body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem }"
    print "table { border-collapse: collapse; width: 100% } td, th { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--grid) }"
    print "td:nth-child(1) { width: 32% } .ok { color: var(--ok) } .missed { color: var(--missed); font-weight: 600 } code { font-size: .9em }"
    print ".plots { display: flex; flex-wrap: wrap; gap: 1.5rem } figure { margin: 0; flex: 1 1 22rem } figcaption { font-weight: 600 } svg { width: 100%; height: auto }"
    print "svg text { font-size: 11px; fill: currentColor } .grid { stroke: var(--grid) } .line { fill: none; stroke: var(--line); stroke-width: 2 } circle { fill: var(--line) }"
    print "</style></head><body><h1>make bench</h1>"
    printf "<p>%s</p>\n", escaped(substr($0, 10))
    print "<p>Ours beside the peers', measured in one run, in turns. Each table by the command above it. A bar is what ours has to meet.</p>"
    if (count["threads"] || count["size"] || count["stacks"]) {
        print "<h2>How time grows</h2><p><code>make bench PART=scaling</code></p><div class=\"plots\">"
        plot("threads", "A dump of all threads", "threads")
        plot("size", "pprof -top", "MB of profile")
        plot("stacks", "A heap profile", "sampled stacks")
        print "</div>"
    }
    next
}

/^make bench PART=[a-z]+ \([0-9]+ s\)$/ {
    end_part()
    part = substr($3, 6)
    printf "<h2>%s</h2><p><code>make bench PART=%s</code>, which took %s s: <code>tests/bench/%s.sh</code></p>\n", part, part, substr($4, 2), part
    print "<table><thead><tr><th>figure<th>ours<th>peer<th>bar<th></tr></thead><tbody>"
    next
}

/^  / && part != "" {
    n = split($0, cell, "|")
    printf "<tr>"
    for (i = 1; i <= 5; i++) {
        text = i <= n ? cell[i] : ""
        gsub(/^ +| +$/, "", text)
        verdict = i < 5 || text == "" ? "" : text == "ok" ? " class=\"ok\"" : text == "MISSED" ? " class=\"missed\"" : ""
        printf "<td%s>%s</td>", verdict, escaped(text)
    }
    print "</tr>"
}

END {
    end_part()
    print "</body></html>"
}
