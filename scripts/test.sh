#!/usr/bin/env bash
# `make test`: every check, every test; the last line is the sum. With CHECKED=1 the checks have been made by the caller (.ci/run).
. "$(dirname "$0")/steps.sh"

if [ -z "${CHECKED:-}" ]; then
    begin
    checks
fi
tests
summary
