#!/bin/sh
# Bans, licences and sources of the dependencies. cargo-deny is built once, into
# target/tools, when it is not there.
set -eu
version=0.20.2
tools=$PWD/target/tools
if ! command -v cargo-deny >/dev/null 2>&1; then
    PATH=$tools/bin:$PATH
fi
if ! command -v cargo-deny >/dev/null 2>&1; then
    echo "deny: building cargo-deny $version once"
    cargo install --locked --quiet --debug --root "$tools" --target-dir "$tools/build" --version "$version" cargo-deny
fi
cargo-deny --locked check bans licenses sources
