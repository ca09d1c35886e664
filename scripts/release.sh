#!/bin/sh
# Gathers the files of a release in target/lambda/release: the zips that `make package` has
# made, the template that deploys them, the operator's command line, a bill of materials of
# each, and their checksums. ARCH is x86_64 or arm64, this machine's unless told.
set -eu
case ${ARCH:-$(uname -m)} in
    aarch64 | arm64) arch=arm64 ;;
    *) arch=x86_64 ;;
esac
files=target/lambda/release
rm -rf "$files"
mkdir -p "$files"
functions=$(sed -n 's|^ *CodeUri: crates/||p' template.yaml)
for function in $functions; do
    cp "target/lambda/$function/bootstrap.zip" "$files/$function-$arch.zip"
done
sed "s|CodeUri: \(.*\)/bootstrap.zip|CodeUri: \1-$arch.zip|" \
    target/lambda/template.yaml > "$files/template-$arch.yaml"

"${CARGO:-cargo}" build --locked --profile dist --package retrainctl
cp target/dist/retrainctl "$files/retrainctl-$arch"

sh scripts/sbom.sh "$files" "-$arch"

cd "$files"
sha256sum -- * > "SHA256SUMS-$arch"
