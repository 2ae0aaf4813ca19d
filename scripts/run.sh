#!/usr/bin/env bash
# `make run`: installs what is missing, builds, and runs everything until Ctrl-C.
. "$(dirname "$0")/lib.sh"
. scripts/services.sh

load_env
scripts/setup.sh run
scripts/build.sh
use_toolchain

interrupted=''
trap 'interrupted=yes' INT TERM HUP
trap stop_all EXIT
start_sandbox
start_server
code=0
wait "$server_pid" || code=$?
[ -z "$interrupted" ] || exit 0
exit "$code"
