# Draws a case by its seed, and writes it; see case.sh. The seed decides the flaw, the theme, every name, the order of
# the steps and the constants, and nothing else does: the same seed gives the same bytes on every machine.
#
#   awk -v seed=N -v what=WHAT -f case.awk words.txt flaws.txt [steps/*.c.in]
#
# WHAT is flawed or reference (the text of the module), or truth. The steps' files have sections, "%% NAME", whose lines
# go where steps/frame.c.in says "%insert NAME"; lines between "%if flawed" or "%if healthy" and "%end" are for that
# variant alone, those after "%else" for the other. @role@ is the name drawn for it, @Role@ and @ROLE@ with capitals.

# Lehmer's generator: all products stay below 2^53, so that every awk calculates alike. It begins with something that is not
# linear, so that seeds that are neighbours have nothing in common.
function draw(n) {
    random = random * 48271 % 2147483647
    return random % n
}

function start_drawing(   i) {
    random = seed + 104729
    for (i = 0; i < 20; i++)
        random = (random * 48271 + (random % 9973) * (random % 7919)) % 2147483646 + 1
}

FNR == 1 { file++; section = ""; skipping = 0 }

# ---- words.txt: one of each line's ----
file == 1 && $1 == "theme" { theme[nthemes++] = $0 }
file == 1 && $1 ~ /^[a-z]/ && $1 != "theme" {
    roles[nroles++] = $1
    words[$1] = $0
}

# ---- flaws.txt ----
file == 2 && /^[a-z]/ { flaws[nflaws++] = $1; facts[$1] = $0 }

# ---- the steps ----
file > 2 && FNR == 1 {
    step = FILENAME
    sub(/.*\//, "", step)
    sub(/\.c\.in$/, "", step)
    if (file == 3)
        draw_all()
    if (step != "frame")
        steps[nsteps++] = step
    flawed = what == "flawed" && step == flaw
}
file > 2 && /^%if / { skipping = ($2 == "flawed") != flawed; next }
file > 2 && /^%else/ { skipping = !skipping; next }
file > 2 && /^%end/ { skipping = 0; next }
file > 2 && skipping { next }
file > 2 && /^%% / { section = $2; next }
file > 2 && step == "frame" { frame[nlines++] = $0; next }
file > 2 { text[step, section] = text[step, section] $0 "\n" }

function draw_all(   i, parts, n) {
    start_drawing()
    flaw = flaws[draw(nflaws)]
    split(theme[draw(nthemes)], parts, " ")
    name["thing"] = parts[2]
    name["things"] = parts[3]
    name["place"] = parts[4]
    name["seed"] = seed
    for (i = 0; i < nroles; i++) {
        n = split(words[roles[i]], parts, " ")
        name[roles[i]] = parts[2 + draw(n - 1)]
    }
}

function shuffle(   i, j, kept) {
    for (i = nsteps - 1; i > 0; i--) {
        j = draw(i + 1)
        kept = steps[i]
        steps[i] = steps[j]
        steps[j] = kept
    }
}

function named(role,   lower) {
    if (role in name)
        return name[role]
    lower = tolower(role)
    if (!(lower in name)) {
        print "case.awk: no word for " role >"/dev/stderr"
        exit 1
    }
    if (role == toupper(role))
        return toupper(name[lower])
    return toupper(substr(name[lower], 1, 1)) substr(name[lower], 2)
}

function fill(line,   out) {
    while (match(line, /@[A-Za-z.]+@/)) {
        out = out substr(line, 1, RSTART - 1) named(substr(line, RSTART + 1, RLENGTH - 2))
        line = substr(line, RSTART + RLENGTH)
    }
    return out line
}

function write_section(wanted,   i, j, n, lines) {
    for (i = 0; i < nsteps; i++) {
        n = split(text[steps[i], wanted], lines, "\n")
        for (j = 1; j < n; j++)
            print fill(lines[j])
    }
}

function tell_truth(   parts, n, i, functions) {
    split(facts[flaw], parts, " ")
    n = split(parts[4], functions, ",")
    printf "check %s\nprofiles %s\nreason %s\nhints %s\nfunctions", parts[2], parts[3], parts[5], parts[6]
    for (i = 1; i <= n; i++)
        printf " %s", name[functions[i]]
    printf "\n"
}

END {
    if (what == "truth") {
        draw_all()
        tell_truth()
        exit
    }
    shuffle()
    for (i = 0; i < nlines; i++) {
        if (frame[i] ~ /^%insert /)
            write_section(substr(frame[i], 9))
        else
            print fill(frame[i])
    }
}
