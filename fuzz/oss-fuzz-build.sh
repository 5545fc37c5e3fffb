#!/bin/bash -eu
# Copyright 2026 The kvm-lock-fuzz contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

# Builds the fuzz targets into $OUT, each with its seeds, options and dictionary, for OSS-Fuzz,
# ClusterFuzzLite and the test that makes their checks. Honours $SANITIZER and $RUSTFLAGS.
cd "$(dirname "$(readlink -f "$0")")/.."
: "${OUT:?the folder to fill}" "${SANITIZER:=address}"

host=$(rustc -vV | sed -n 's/^host: //p')
target=$(cargo metadata --manifest-path fuzz/Cargo.toml --no-deps --format-version 1 |
    sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT

# Where $RUSTFLAGS already ask for a sanitizer, cargo-fuzz must not ask for one again.
sanitizer=none
case "$SANITIZER ${RUSTFLAGS:-}" in
    *-Zsanitizer=* | *"-Z sanitizer="*) ;;
    address*) sanitizer=address ;;
esac

# `cargo fuzz build`, without `+toolchain`: coverage builds replace exactly these words.
cargo fuzz build --release --debug-assertions --no-trace-compares --sanitizer "$sanitizer" \
    --target "$host"

# Seeds are kept as text; `protocol` and `lockdep` read bytes.
program() { env -u RUSTFLAGS cargo run --quiet --target-dir "$target/seeds" -- "$@"; }
program case encode corpus/protocol "$seeds/protocol"
program lockdep encode corpus/lockdep "$seeds/lockdep"

for source in fuzz/fuzz_targets/*.rs; do
    name=$(basename "$source" .rs)
    cp "$target/$host/release/$name" "$OUT/"
    for extra in options dict; do
        if [ -f "${source%.rs}.$extra" ]; then cp "${source%.rs}.$extra" "$OUT/"; fi
    done
    folder=corpus/$name
    if [ -d "$seeds/$name" ]; then folder=$seeds/$name; fi
    if [ -d "$folder" ]; then
        rm -f "$OUT/${name}_seed_corpus.zip"
        zip -jqr "$OUT/${name}_seed_corpus.zip" "$folder"
    fi
done
