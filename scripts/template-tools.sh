#!/bin/sh
# Makes a Python environment with pinned tools in target/tools/NAME, if it is not there as
# the file of requirements wants it: template-tools.sh NAME REQUIREMENTS
#
# Fails with 75 (try again later) when no package index can be reached.
set -eu
name=$1
requirements=$2
tools=$PWD/target/tools/$name
made=$tools/made-of.txt
if cmp -s "$requirements" "$made"; then
    exit 0
fi
if ! command -v python3 >/dev/null 2>&1; then
    echo "$name: there is no python3" >&2
    exit 75
fi
echo "$name: installing the tools of $requirements once"
rm -rf "$tools"
python3 -m venv "$tools"
# A small package tells a missing index from a wrong requirement.
probe=$(grep -m 1 -E '^(six|cargo-lambda)==' "$requirements" || grep -m 1 == "$requirements")
# Without what follows the version: hashes are for the installation.
probe=${probe%% *}
pip=$tools/bin/pip
if ! "$pip" download --quiet --no-deps --dest "$tools/probe" "$probe" >/dev/null 2>&1; then
    echo "$name: no package index can be reached for $probe" >&2
    rm -rf "$tools"
    exit 75
fi
"$pip" install --quiet --disable-pip-version-check --no-deps --requirement "$requirements"
cp "$requirements" "$made"
