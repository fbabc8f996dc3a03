#!/bin/sh
# Counts the instructions of one call in each variant of benches/span.rs, as the difference of two runs.
# Usage: benches/span.sh [VARIANT ...]
set -eu
binary=$(cargo bench --bench span --no-run --message-format=json 2>/dev/null |
    sed -n 's/.*"executable":"\([^"]*span-[^"]*\)".*/\1/p' | tail -1)
[ $# -gt 0 ] || set -- call/none call/audit call/otel call/both 'call/json event' content/none content/audit content/line \
    span/otel span/both event/otel event/both disabled/none disabled/otel disabled/both
count() {
    valgrind --tool=callgrind --toggle-collect='span::measured*' --callgrind-out-file=/dev/null \
        "$binary" --callgrind "$1" "$2" 2>&1 | sed -n 's/.*Collected : //p' | tr -d ','
}
for variant in "$@"; do
    few=$(count "$variant" 200)
    many=$(count "$variant" 1200)
    printf '%-16s %8d instructions\n' "$variant" $(((many - few) / 1000))
done
