#!/bin/sh
# zsh and fish complete with what is installed for them, where they are; pprof_tool.sh has bash.
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
export HOME="$dir" XDG_CONFIG_HOME="$dir" XDG_DATA_HOME="$dir" TERM=vt100
files=profiler/packaging/completions
failed=0 ran=''

# fish_offers LINE WANT...
fish_offers() {
    line=$1
    shift
    got=$(fish --no-config -c "source $files/pprof.fish; complete -C '$line'" 2>&1 | cut -f 1 | tr '\n' ' ')
    [ "$got" = "$* " ] && return
    failed=$((failed + 1))
    echo "fish offers for \"$line\": $got"
}

# What zsh makes of each line: a key completes and runs it, and a pprof of its own says how it was called. In one
# session, since it takes zsh a second to get ready.
zsh_completes() {
    # shellcheck disable=SC2016 # it is for zsh
    timeout 100 zsh -f -c '
        zmodload zsh/zpty || exit 1
        zpty shell zsh -f -i
        zpty -w shell "PROMPT= RPROMPT=; fpath=('"$files"' \$fpath)"
        zpty -w shell "autoload -Uz compinit; compinit -u -D; go() { zle complete-word; zle accept-line }; zle -N go"
        zpty -w shell "bindkey \"^X\" go; pprof() { print -r -- \"<\$*\"\">\" }; print rea\"\"dy"
        zpty -r -m shell said "*ready*"
        for line; do
            zpty -w -n shell "$line"$(printf "\\030")
            zpty -r -m shell said "*<*>*"
            said=${said##*<}
            print -r -- ${said%%>*}
        done' zsh "$@"
}

if command -v fish >/dev/null 2>&1; then
    ran="$ran fish"
    fish_offers 'pprof -nodec' -nodecount
    fish_offers 'pprof -trac' -traces
    fish_offers 'pprof -symbolize fast' fastlocal
    fish_offers 'pprof -completions ' bash fish zsh
    fish_offers 'pprof Makef' Makefile
    fish_offers 'pprof -diff_base Makef' Makefile
fi
if command -v zsh >/dev/null 2>&1; then
    ran="$ran zsh"
    zsh_completes 'pprof -nodec' 'pprof -trac' 'pprof -symbolize=fast' 'pprof -top Makef' 'pprof -diff_base=Makef' >"$dir/got"
    printf '%s\n' -nodecount -traces -symbolize=fastlocal '-top Makefile' -diff_base=Makefile >"$dir/want"
    cmp -s "$dir/want" "$dir/got" || {
        failed=$((failed + 1))
        echo 'zsh completes:' && cat "$dir/got"
    }
fi
if [ -z "$ran" ]; then
    echo 'neither zsh nor fish is installed (Debian packages zsh and fish)'
    exit 77
fi
[ $failed -eq 0 ] || exit 1
echo "completes in:$ran"
