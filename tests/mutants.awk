# Places in C where something could be changed, a line for each, for mutants.sh: its rank, room, file, line, column, length,
# what is done, what stands there instead, and the line itself, with tabs between.
#
#   awk -v seed=N -f mutants.awk profiler/ROOM/NAME.c...
#
# Code is what lies between a { and a } in the first column, without comments, texts, assertions and the preprocessor's
# lines; nor are constants changed that are an array's size, or say which of two comes first, of which the sign alone
# counts. The rank comes from the seed and the text, not from where it stands, so that a line more elsewhere changes nothing.
BEGIN {
    for (i = 1; i < 256; i++)
        code_of[sprintf("%c", i)] = i
}

function rank(s, h, i) {
    h = seed + 1
    for (i = 1; i <= length(s); i++)
        h = (h * 131 + code_of[substr(s, i, 1)]) % 2147483647
    for (i = 0; i < 3; i++)
        h = h * 16807 % 2147483647
    return h
}

function spaces(n) {
    return sprintf("%" n "s", "")
}

# The line with spaces for what is no code; sets "comment" when one goes on below.
function bare(s) {
    if (comment) {
        if (!match(s, /\*\//))
            return ""
        s = spaces(RSTART + 1) substr(s, RSTART + 2)
        comment = 0
    }
    while (match(s, /"([^"\\]|\\.)*"|'([^'\\]|\\.)*'|\/\*.*|\/\/.*/)) {
        if (substr(s, RSTART, 2) == "/*")
            comment = !index(substr(s, RSTART), "*/")
        s = substr(s, 1, RSTART - 1) spaces(RLENGTH) substr(s, RSTART + RLENGTH)
    }
    return s
}

function place(column, size, what, new, text) {
    if (size == 0)
        return
    text = $0
    sub(/^ +/, "", text)
    key = room "/" file text what
    seen[key]++
    printf "%d\t%s\t%s\t%d\t%d\t%d\t%s%s\t%s\t%s\n", rank(key seen[key]), room, file, FNR, column, size, what,
        (seen[key] > 1 ? " (" seen[key] ")" : ""), new, text
}

# each WORD NEW: all places of an operator
function each(word, new, from, at) {
    for (from = 1; (at = index(substr(line, from), " " word " ")) > 0; from += at + length(word))
        place(from + at, length(word), word " to " new, new)
}

function constants(from, at, number) {
    for (from = 1; match(substr(line, from), /[0-9A-Za-z_.]+/); from = at + RLENGTH) {
        at = from + RSTART - 1
        number = substr(line, at, RLENGTH)
        if (length(number) < 10 && number ~ /^(0|[1-9][0-9]*)$/)
            place(at, RLENGTH, number " to " number + 1, number + 1)
    }
}

FNR == 1 {
    comment = inside = 0
    previous = ""
    n = split(FILENAME, part, "/")
    room = part[n - 1]
    file = FILENAME
}
{ line = bare($0) }
/^}/ { inside = 0 }
/^{/ { inside = 1 }
!inside || line ~ /^ *#/ || line ~ /assert/ || line ~ /^ *$/ { next }

line ~ /^ +(} )?(else )?(if|while) \(.*\)( {)?$/ {
    at = index(line, "(")
    size = length(line) - at + 1 - (line ~ /{$/ ? 2 : 0)
    condition = substr($0, at, size)
    place(at, size, "condition negated", "(!" condition ")")
}
{
    each("<", "<=")
    each("<=", "<")
    each(">", ">=")
    each(">=", ">")
    each("==", "!=")
    each("+", "-")
    each("-", "+")
    each("&&", "||")
    each("||", "&&")
}
line !~ /-1 : 1|1 : -1/ && line !~ /^ +[a-z_0-9 ]+ \**[a-z_0-9]+(\[[^]]*\])+( =.*|,.*|;)/ { constants() }
line ~ /^ +return (-|ERR_|code;|false;).*;$/ && previous ~ /^ +(} )?(else )?if .*\)$/ {
    place(match(line, /return/), length(line) - match(line, /return/) + 1, "return dropped", ";")
}
line ~ /^ +\*?[a-z_][A-Za-z_0-9.>\[\]-]* [-+|&*]?= .*;$/ {
    at = match(line, /[^ ]/)
    place(at, length(line) - at + 1, "assignment dropped", ";")
}
{ previous = line }
