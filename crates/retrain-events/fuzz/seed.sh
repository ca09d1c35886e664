#!/bin/sh
# Gives every fuzz target all sample events to start from, and writes the words in them
# into a dictionary.
set -eu
cd "$(dirname "$0")"
events=../../../events

for target in fuzz_targets/*.rs; do
    corpus=corpus/$(basename "$target" .rs)
    mkdir -p "$corpus"
    for sample in "$events"/*/*.json; do
        folder=$(basename "$(dirname "$sample")")
        cp "$sample" "$corpus/$folder-$(basename "$sample")"
    done
done
grep -ohE '"[A-Za-z0-9 :._-]{2,40}"' "$events"/*/*.json | sort -u >corpus/words.dict
