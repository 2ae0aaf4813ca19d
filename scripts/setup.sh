#!/usr/bin/env bash
# Installs what is missing, and nothing else; safe and quick to repeat.
#   setup.sh run    what building and running needs
#   setup.sh test   that, and what the tests need
. "$(dirname "$0")/lib.sh"
. scripts/setup/system.sh
. scripts/setup/rust.sh

purpose=${1:-run}
mkdir -p target

need_c_compiler
need_rust
if [ "$purpose" = test ] || [ -z "${DATABASE_URL:-}" ]; then
    need_postgresql
fi
if [ "$purpose" = test ]; then
    need_node
    need_chromium
    need_python
    need_curl_and_jq
fi
