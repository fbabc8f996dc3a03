#!/bin/sh
# Counts the instructions of one call in each variant of benches/http.rs, on the client's side, as the difference of two
# runs. How many reads a stream takes differs from run to run: so does the last digit.
# Usage: benches/http.sh [VARIANT ...]
set -eu
binary=$(cargo bench --bench http --features reqwest-middleware --no-run --message-format=json 2>/dev/null |
    sed -n 's/.*"executable":"\([^"]*http-[^"]*\)".*/\1/p' | tail -1)
[ $# -gt 0 ] || set -- plain no-op audit 'fail closed'
count() {
    valgrind --tool=callgrind --toggle-collect='http::measured*' --callgrind-out-file=/dev/null \
        "$binary" --callgrind "$1" "$2" 2>&1 | sed -n 's/.*Collected : //p' | tr -d ','
}
for variant in "$@"; do
    few=$(count "$variant" 50)
    many=$(count "$variant" 250)
    printf '%-16s %8d instructions\n' "$variant" $(((many - few) / 200))
done
