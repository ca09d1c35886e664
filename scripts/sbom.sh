#!/bin/sh
# Writes a CycloneDX bill of materials of each function and of retrainctl:
# sbom.sh FOLDER [SUFFIX]. cargo-cyclonedx is built once, into target/tools, when it is not
# there.
set -eu
files=$1
suffix=${2:-}
version=0.5.9
tools=$PWD/target/tools
if ! "$tools/bin/cargo-cyclonedx" cyclonedx --version 2>/dev/null | grep -q "$version"; then
    echo "sbom: building cargo-cyclonedx $version once"
    "${CARGO:-cargo}" install --locked --quiet --debug --root "$tools" --target-dir "$tools/build" \
        --version "$version" cargo-cyclonedx
fi
PATH=$tools/bin:$PATH
mkdir -p "$files"
for package in $(sed -n 's|^ *CodeUri: crates/||p' template.yaml) retrainctl; do
    # It writes one beside the manifest of every package of the workspace.
    cargo cyclonedx --quiet --format json --spec-version 1.5 --no-build-deps \
        --override-filename bill-of-materials --manifest-path "crates/$package/Cargo.toml"
    mv "crates/$package/bill-of-materials.json" "$files/$package$suffix.cdx.json"
    find . -path ./target -prune -o -name bill-of-materials.json -exec rm {} +
done
