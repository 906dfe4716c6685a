#!/usr/bin/env bash
# Kill the executor half-way with a signal that it cannot catch, run it again, and see that nothing is lost.
set -euo pipefail

folder=$(mktemp -d "${TMPDIR:-/tmp}/executor-crash.XXXXXX")
trap 'rm -rf "$folder"' EXIT
cp "$(dirname "$0")/tasks.md" "$folder"
cd "$folder"

fail() { printf 'NOT as promised: %s\n' "$*" >&2; exit 1; }
chapters() { find . -name 'chapter-*.txt' | wc -l | tr -d ' '; }

echo "== the first run, until five chapters are written"
executor run tasks.md > first.log 2>&1 &
executor=$!
while [ "$(chapters)" -lt 5 ]; do
    kill -0 "$executor" 2>/dev/null || { cat first.log; fail "the first run ended by itself"; }
    sleep 0.05
done

echo "== kill -9"
kill -9 "$executor"
wait "$executor" 2>/dev/null && fail "it survived"
sleep 0.2  # its guard needs a few milliseconds, and a chapter could be finished in them
written=$(chapters)
sleep 1
[ "$(chapters)" = "$written" ] || fail "a child of the dead executor went on writing"
cat first.log

echo "== what the record says now"
executor status tasks.md

echo "== the same command again"
executor run tasks.md

echo "== afterwards"
executor list tasks.md
! grep -q -- '- \[ \]' tasks.md || fail "a box is not ticked"
[ "$(wc -l < book.txt)" -eq 12 ] || fail "the book lacks a chapter"
started=$(wc -l < started.log | tr -d ' ')
twice=$(cut -d' ' -f1 started.log | sort | uniq -d | tr '\n' ' ')
echo "12 chapters written; $started runs begun; begun twice, because the crash cut them short: ${twice:-none}"
[ "$started" -le 14 ] || fail "more was begun again than what the crash cut short"
echo "nothing is lost"
