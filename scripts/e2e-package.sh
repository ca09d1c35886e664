#!/bin/sh
# Runs the packaged functions under Lambda's own runtime emulator: the same tests as `make test`
# runs with those of the test profile. `make package` comes first.
set -eu
for function in $(sed -n 's|^ *CodeUri: crates/||p' template.yaml); do
    folder=target/lambda/$function
    python3 -m zipfile -e "$folder/bootstrap.zip" "$folder"
    chmod +x "$folder/bootstrap"
done
sh scripts/emulator.sh
# The one that panics is no function of the controller's.
"${CARGO:-cargo}" build --locked --quiet --workspace --example panics
LAMBDA_BINARIES=$PWD/target/lambda
export LAMBDA_BINARIES
exec "${CARGO:-cargo}" test --locked --package integration emulator
