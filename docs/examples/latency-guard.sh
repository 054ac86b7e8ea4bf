#!/bin/sh
# Is the code of HEAD slower than that of a base revision? Run it in the project, with `bench` on the PATH.
#
#   latency-guard.sh [BASE] [ARGUMENT OF bench guard]...
#   latency-guard.sh origin/main camvid --size 512x256
#
# BASE: without one, where HEAD left origin/main, else the commit before HEAD. Writes latency-guard.xml (JUnit) and
# latency-guard.md into $LATENCY_GUARD_OUT, else into the current folder. Exit codes are those of bench guard.
set -eu

base=
case ${1--} in
-*) ;;
*)
    base=$1
    shift
    ;;
esac
if [ -z "$base" ]; then
    base=$(git merge-base origin/main HEAD 2>/dev/null || true)
    if [ -z "$base" ] || [ "$base" = "$(git rev-parse HEAD)" ]; then
        base=HEAD~1
    fi
fi

out=${LATENCY_GUARD_OUT:-.}
code=0
bench guard --latency --against "$base" \
    --write "junit=$out/latency-guard.xml" --write "markdown=$out/latency-guard.md" "$@" || code=$?

case $code in
1) echo "latency guard: a variant is slower than at $base, or no longer runs; see $out/latency-guard.md" >&2 ;;
3) echo "latency guard: nothing was compared, or this machine cannot tell today; see $out/latency-guard.md" >&2 ;;
esac
exit "$code"
