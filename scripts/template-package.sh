#!/bin/sh
# Builds a zip of each function that template.yaml names, as small as it gets, and a template
# that deploys them: target/lambda/template.yaml. ARCH is x86_64 or arm64, this machine's
# unless told.
#
# For another architecture than this machine's, cargo-lambda's own compiler is used, which
# needs zig and the target's standard library: see docs/DEPLOY.md.
set -eu
sh scripts/template-tools.sh cargo-lambda scripts/template-cargo-lambda.txt
PATH=$PWD/target/tools/cargo-lambda/bin:$PATH
case $(uname -m) in
    aarch64 | arm64) own=arm64 ;;
    *) own=x86_64 ;;
esac
arch=${ARCH:-$own}
case $arch in
    arm64) target=--arm64 ;;
    x86_64) target=--x86-64 ;;
    *) echo "package: ARCH is $arch; there are x86_64 and arm64" >&2; exit 1 ;;
esac
set -- --locked --profile lambda --output-format zip "$target"
if [ "$arch" = "$own" ] && [ -z "${CARGO_LAMBDA_COMPILER:-}" ]; then
    # Without zig the functions need what this machine's libc has: the end of this script
    # looks whether Lambda's is new enough.
    set -- "$@" --compiler cargo --skip-target-check
fi
# A panic ends the process, so nothing ever unwinds: the tables for it would only make the
# zips larger, by a twelfth. Link-time optimisation brings them back whatever the compiler is
# told, so the linker drops them.
RUSTFLAGS="${RUSTFLAGS:+$RUSTFLAGS }-C link-arg=-Wl,-T,scripts/no-unwind-tables.ld"
export RUSTFLAGS
functions=$(sed -n 's|^ *CodeUri: crates/||p' template.yaml)
# PACKAGE_ALSO names further packages, which are built in the same way: see bench.sh.
for function in $functions ${PACKAGE_ALSO:-}; do
    set -- "$@" --package "$function"
done
cargo lambda build "$@"
sed -e "s|CodeUri: crates/\(.*\)|CodeUri: \1/bootstrap.zip|" \
    -e "/^  Architecture:/,/Default:/s|Default: .*|Default: $arch|" \
    -e "/BuildMethod: rust-cargolambda/d" \
    template.yaml > target/lambda/template.yaml
# provided.al2023 has glibc 2.34. Whatever needs a newer one would not even start there.
for function in $functions; do
    target/tools/cargo-lambda/bin/python3 scripts/template-zip.py "target/lambda/$function/bootstrap.zip"
    python3 scripts/template-glibc.py 2.34 "target/lambda/$function/bootstrap.zip"
    printf 'package: %s, %s: %s bytes\n' "$function" "$arch" \
        "$(wc -c < "target/lambda/$function/bootstrap.zip" | tr -d ' ')"
done
