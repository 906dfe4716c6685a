#!/usr/bin/env bash
# Run examples/release-checklist to its end in a copy that is removed afterwards: `make demo` calls this.
set -euo pipefail

# The demo shows the embedded database, and must not write to a server that other work of yours uses.
unset DATABASE_URL PGHOST PGHOSTADDR PGPORT PGDATABASE PGSERVICE PGSERVICEFILE
home=${EXECUTOR_HOME:-~/.executor}
copy=$(mktemp -d "${TMPDIR:-/tmp}/executor-demo.XXXXXX")
trap 'rm -rf "$copy"' EXIT
cp -R "$(dirname "$0")/release-checklist/." "$copy"
cd "$copy"

say() { printf '\n%s\n' "$*"; }

# Show a command as you would type it, run it, and insist on its exit code.
expect() {
    local wanted=$1 code=0
    shift
    printf '\n$ %s\n' "$*"
    "$@" || code=$?
    if [ "$code" != "$wanted" ]; then
        say "\`$*\` ended with exit code $code instead of $wanted: this demo is broken here." >&2
        say "See what is wrong with \`executor doctor\`, and please report it." >&2
        exit 1
    fi
}

say "A release checklist with $(grep -c '^ *- \[ \]' tasks.md) tasks, in a copy of examples/release-checklist: $copy"
say "The queue is kept in the embedded PostgreSQL of this user: $home"
expect 3 executor run tasks.md
say "The last task is for a person. The demo plays that person:"
expect 0 executor done REL-022 --file tasks.md
expect 0 executor run tasks.md
expect 0 executor status tasks.md
expect 0 executor logs REL-020 --file tasks.md --attempt 1
say "In the file every box is ticked, and nothing else has changed:"
printf '\n'
grep -E '^ *- \[.\]' tasks.md
cat <<END

Done. The copy is removed now. The database in $home stays: it is the one that your own lists use,
and the next command that needs it starts it in a moment.

Next, a list of your own:

  export PATH="$(dirname "$(command -v executor)"):\$PATH"
  cd somewhere && executor run tasks.md

README.md shows ten lines to begin with; docs/tutorial/first-list.md goes on from there.
END
