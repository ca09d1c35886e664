#!/bin/sh
# The reference loop of examples/fraud-detection: `loop.sh test` checks its scripts,
# `loop.sh demo` plays it on the local AWS, `loop.sh tuning` its pipeline that tunes.
set -eu
status=0
sh scripts/template-tools.sh loop examples/fraud-detection/requirements-test.txt || status=$?
if [ "$status" = 75 ] && [ -n "${CI:-}" ]; then
    echo "loop: nothing about the reference loop was checked, which CI has to do" >&2
    exit 1
elif [ "$status" = 75 ]; then
    echo "loop: SKIPPED, nothing about the reference loop was checked"
    exit 0
elif [ "$status" != 0 ]; then
    exit "$status"
fi
bin=$PWD/target/tools/loop/bin
# Nothing here talks to AWS, whatever is configured. One thread makes results repeatable.
unset AWS_CA_BUNDLE AWS_PROFILE
export OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
case $1 in
test)
    cd examples/fraud-detection
    "$bin/ruff" check --no-cache --quiet .
    "$bin/ruff" format --no-cache --quiet --check .
    exec "$bin/python" -m pytest
    ;;
demo)
    exec "${CARGO:-cargo}" run --locked --quiet -p retrain-local --bin demo-loop -- "$bin/python"
    ;;
tuning)
    exec "${CARGO:-cargo}" run --locked --quiet -p retrain-local --bin demo-loop -- "$bin/python" tuning
    ;;
*)
    echo "usage: loop.sh test|demo|tuning" >&2
    exit 2
    ;;
esac
