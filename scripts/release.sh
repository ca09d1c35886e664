#!/bin/sh
# Gathers the files of a release in target/lambda/release: the zips that `make package` has
# made, the template that deploys them, the operator's command line, a bill of materials of
# each, and their checksums. ARCH is x86_64 or arm64, this machine's unless told.
set -eu
case ${ARCH:-$(uname -m)} in
    aarch64 | arm64) arch=arm64 ;;
    *) arch=x86_64 ;;
esac
version=0.5.9
tools=$PWD/target/tools
files=target/lambda/release
rm -rf "$files"
mkdir -p "$files"
functions=$(sed -n 's|^ *CodeUri: crates/||p' template.yaml)
for function in $functions; do
    cp "target/lambda/$function/bootstrap.zip" "$files/$function-$arch.zip"
done
sed "s|CodeUri: \(.*\)/bootstrap.zip|CodeUri: \1-$arch.zip|" \
    target/lambda/template.yaml > "$files/template-$arch.yaml"

"${CARGO:-cargo}" build --locked --release --package retrainctl
cp target/release/retrainctl "$files/retrainctl-$arch"

if ! "$tools/bin/cargo-cyclonedx" cyclonedx --version 2>/dev/null | grep -q "$version"; then
    echo "release: building cargo-cyclonedx $version once"
    "${CARGO:-cargo}" install --locked --quiet --debug --root "$tools" --target-dir "$tools/build" \
        --version "$version" cargo-cyclonedx
fi
PATH=$tools/bin:$PATH
for package in $functions retrainctl; do
    # It writes one beside the manifest of every package of the workspace.
    cargo cyclonedx --quiet --format json --spec-version 1.5 --no-build-deps \
        --override-filename bill-of-materials --manifest-path "crates/$package/Cargo.toml"
    mv "crates/$package/bill-of-materials.json" "$files/$package-$arch.cdx.json"
    find crates tests -name bill-of-materials.json -exec rm {} +
done

cd "$files"
sha256sum -- * > "SHA256SUMS-$arch"
