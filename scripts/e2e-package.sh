#!/bin/sh
# Runs the packaged functions under Lambda's own runtime emulator: the same tests as `make test`
# runs with those of the test profile. `make package` comes first.
set -eu
for function in $(sed -n 's|^ *CodeUri: crates/||p' template.yaml); do
    folder=target/lambda/$function
    python3 -m zipfile -e "$folder/bootstrap.zip" "$folder"
    chmod +x "$folder/bootstrap"
    bytes=$(wc -c < "$folder/bootstrap.zip" | tr -d ' ')
    bound=$(sed -n "s/^$function //p" scripts/zip-bounds.txt)
    if [ "$(uname -m)" = x86_64 ] && [ "$bytes" -gt "$bound" ]; then
        echo "e2e-package: the zip of $function has $bytes bytes, more than the $bound" \
            "of scripts/zip-bounds.txt" >&2
        exit 1
    fi
done
sh scripts/emulator.sh
# The one that panics is no function of the controller's.
"${CARGO:-cargo}" build --locked --quiet --workspace --example panics
LAMBDA_BINARIES=$PWD/target/lambda
export LAMBDA_BINARIES
exec "${CARGO:-cargo}" test --locked --package integration emulator
