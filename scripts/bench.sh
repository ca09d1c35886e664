#!/bin/sh
# Measures the packaged functions beside what one would write instead, and writes what came of
# it to target/bench/*.json and into docs/PERFORMANCE.md.
#
# BENCH_SKIP_PACKAGE=1 takes the packages that are there. BENCH_SHORT=1 only tries whether
# everything works, and writes nothing into the document. Arguments name sections: functions,
# cost, bursts, due, policies, core; `table` writes the document anew from what was measured.
set -eu
cargo=${CARGO:-cargo}
functions=$(sed -n 's|^ *CodeUri: crates/||p' template.yaml)
sh scripts/emulator.sh
sh scripts/template-tools.sh peer bench/python/requirements.txt
if [ -z "${BENCH_SKIP_PACKAGE:-}" ]; then
    # The floors are built as the functions are, or nothing could be compared.
    PACKAGE_ALSO=floors sh scripts/template-package.sh
fi
for function in $functions floor-empty floor-calls; do
    folder=target/lambda/$function
    python3 -m zipfile -e "$folder/bootstrap.zip" "$folder"
    chmod +x "$folder/bootstrap"
done
mkdir -p target/bench
case " ${*:-core} " in
    *" core "*)
        # As the command line is built, which alone decides a million times in a row.
        "$cargo" bench --locked --quiet --profile dist --package retrain-core --bench step \
            > target/bench/step.txt
        "$cargo" run --locked --quiet --profile dist --package million > target/bench/million.txt
        ;;
esac
# In the release profile: what the endpoint takes for an answer is a part of each call of each
# candidate, and hides what they take themselves.
"$cargo" bench --locked --quiet --workspace --bench measure -- "$@"
