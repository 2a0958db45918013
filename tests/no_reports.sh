#!/bin/sh
# Runs a command under which sanitized programs run, and fails when one of them had something to report, whatever became of
# its standard error and its exit status: reports, of leaks too, go to files of their own, and none may come to be.
#
#   no_reports.sh COMMAND [ARGUMENT...]     the command's exit status, or 1
#
# That a report would be seen here is tried first, with a program that leaks, one that reads beyond and one that overflows.
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
export ASAN_OPTIONS="detect_leaks=1:log_path=$dir/report" UBSAN_OPTIONS="print_stacktrace=1:log_path=$dir/report" \
    TSAN_OPTIONS="log_path=$dir/report"

# silent COMMAND...: its exit status; 1 when it is 0 and there are reports.
silent() {
    "$@"
    status=$?
    ! ls "$dir"/report.* >/dev/null 2>&1 || [ $status -ne 0 ] || status=1
    return $status
}

cat >"$dir/wrong.c" <<'END'
#include <limits.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    char *volatile room = malloc(8);
    int volatile most = INT_MAX;
    if (argv[1][0] == 'r')
        return room[7 + argc];
    if (argv[1][0] == 'o')
        return most + argc;
    room = NULL;
    return 0;
}
END
"${CC:-gcc}" -g -fsanitize=address,undefined -static-libubsan -fno-sanitize-recover=all "$dir/wrong.c" -o "$dir/wrong" || exit 2
for what in leak read overflow; do
    # shellcheck disable=SC2016 # it is for the inner shell
    if silent sh -c '"$1" "$2" 2>/dev/null || :' sh "$dir/wrong" $what; then
        echo "no_reports: a program with a fault ($what) would have gone unnoticed here"
        exit 2
    fi
    rm "$dir"/report.*
done

silent "$@"
status=$?
cat "$dir"/report.* 2>/dev/null | head -n 200
exit $status
