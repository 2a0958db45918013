#!/bin/sh
# libcprof.so in programs of others that nobody recompiled: one in C++ that throws, an SQL shell, a compressor,
# Python with threads. What is not installed is skipped, with a line.
# shellcheck source=tests/preload_common.sh
. tests/preload_common.sh

has g++ && make -s .build/tests/guest_throws
try throws throws_deep -- "$PWD/.build/tests/guest_throws"
echo 'create table t as with recursive n(i) as (select 1 union all select i+1 from n where i < 20000)
      select i, hex(randomblob(0)) || i as s from n; select count(*), sum(length(s)) from t;' >"$work/sqlite3.in"
try sqlite3 -- sqlite3 :memory:
seq 20000 >"$work/xz.in"
try xz -- xz -1 -c
cat >"$work/threads.py" <<'END'
import sys, threading
keep, stop, rounds = [bytes(65536) for _ in range(100)], threading.Event(), [0, 0, 0]
def work(i):
    while not stop.is_set() or not rounds[i]:
        rounds[i] += 1
        sum(range(1000))
        stop.wait(0.01)
threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
for t in threads: t.start()
sys.stdin.read()
stop.set()
for t in threads: t.join()
print(len(keep), min(rounds) > 0)
sys.exit(5)
END
python=$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null)
try python -- "${python:-python3}" "$work/threads.py"
