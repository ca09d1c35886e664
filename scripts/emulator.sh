#!/bin/sh
# Fetches AWS's Lambda Runtime Interface Emulator, if it is not there: the very program that
# runs functions in the SAM CLI, which brings it along. It needs no Docker.
#
# Fails with 75 when it cannot be had: no Linux, or no package index in reach.
set -eu
emulator=$PWD/target/tools/aws-lambda-rie
case $(uname -s)-$(uname -m) in
    Linux-x86_64)
        name=aws-lambda-rie-x86_64
        sum=6b1e686e62ab2baf5759c412c4864276ef2a88b094fca53ec070637ccba9b9a5
        ;;
    Linux-aarch64)
        name=aws-lambda-rie-arm64
        sum=ec2e5d09633d853834c008b1ef264bf834b258a94d551d2b2074966494b39a21
        ;;
    *)
        echo "emulator: there is none for $(uname -s) on $(uname -m)" >&2
        exit 75
        ;;
esac
if echo "$sum  $emulator" | sha256sum --check --status 2>/dev/null; then
    exit 0
fi
sh scripts/template-tools.sh emulator scripts/emulator.txt
found=$(find "$PWD/target/tools/emulator" -name "$name")
echo "$sum  $found" | sha256sum --check --quiet
cp "$found" "$emulator"
