#!/bin/sh
# Runs every fuzz target for a short time, from its seeds: fuzz.sh [SECONDS]
#
# Needs a nightly compiler (`rustup toolchain install nightly`). cargo-fuzz is built once,
# into target/tools, when it is not there. An input that takes 20 s or 2 GB is a finding too.
set -eu
seconds=${1:-20}
version=0.13.1
tools=$PWD/target/tools
if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "fuzz: there is no nightly compiler: rustup toolchain install nightly" >&2
    exit 1
fi
PATH=$PATH:$tools/bin
if ! command -v cargo-fuzz >/dev/null 2>&1; then
    echo "fuzz: building cargo-fuzz $version once"
    cargo install --locked --quiet --debug --root "$tools" --target-dir "$tools/build" \
        --version "$version" cargo-fuzz
fi
sh crates/retrain-events/fuzz/seed.sh
# Leaks are not looked for: when a scope ends, its threads may still be dropping what is their own.
for fuzz in crates/*/fuzz; do
    for target in $(grep -l "fuzz_target!" "$fuzz"/fuzz_targets/*.rs); do
        name=$(basename "$target" .rs)
        echo "fuzz: $fuzz: $name"
        corpus=$fuzz/corpus/$name
        mkdir -p "$corpus"
        if [ -d "$fuzz/seeds/$name" ]; then
            cp "$fuzz/seeds/$name"/* "$corpus"
        fi
        cargo +nightly fuzz run --fuzz-dir "$fuzz" --target-dir "$PWD/target/fuzz" "$name" \
            "$corpus" -- -max_total_time="$seconds" -timeout=20 -detect_leaks=0 -print_final_stats=1 2>"$fuzz/corpus/$name.log" ||
            { tail -40 "$fuzz/corpus/$name.log" >&2; exit 1; }
        grep -E 'stat::number_of_executed_units|stat::peak_rss_mb' "$fuzz/corpus/$name.log"
    done
done
