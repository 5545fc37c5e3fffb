#!/bin/bash -eu
exec "$SRC/kvm-lock-fuzz/fuzz/oss-fuzz-build.sh"
