#!/bin/sh
# Compares the scenarios of the checked-out commit with those of another one, and fails if a limit is
# broken. Run it at the top of a repository that has a folder of scenarios:
#
#     compare.sh origin/main --fail-if 'database.qps.mean > +5%' --fail-if 'hit_ratio < -1pp'
#
# Limits may also stand in the scenarios ([baseline] fail_if). What moved is written to comment.md, for
# a pull request. Exit status: 0 all well, 1 a limit or an expectation is broken, 2 nothing was compared.
set -eu

base=${1:?which commit is the baseline? for example origin/main}
shift
scenarios=${SCENARIOS:-scenarios}
replications=${REPLICATIONS:-5}

work=$(mktemp -d)
trap 'git worktree remove --force "$work/base" 2>/dev/null || true; rm -rf "$work"' EXIT
git worktree add --quiet --detach "$work/base" "$base"

# The baseline may break expectations of its own (status 1): that is not this commit's doing.
cachesim run "$work/base/$scenarios" --replications "$replications" --no-sweep --quiet \
    --out "$work/results" >/dev/null || [ $? -eq 1 ]

status=0
cachesim run "$scenarios" --replications "$replications" --no-sweep --quiet --no-files \
    --baseline "$work/results" --format markdown "$@" >comment.md || status=$?
cat comment.md
exit "$status"
