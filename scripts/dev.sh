#!/usr/bin/env bash
# `make dev`: as `make run`, and rebuilds and restarts whenever a source file changes.
. "$(dirname "$0")/lib.sh"
. scripts/services.sh

BROWSER_SOURCES="model app frontend style public Trunk.toml Cargo.toml"
SERVER_SOURCES="model engine pipelines app server sandbox cluster migrations Cargo.toml"
stamp=target/.dev-built

load_env
scripts/setup.sh run
touch "$stamp"
scripts/build.sh
use_toolchain

changed() { [ -n "$(find $1 -newer "$stamp" -type f -not -path '*/.*' -print -quit 2>/dev/null)" ]; }

# Rebuilds what the change touches; what runs keeps running until that has worked.
rebuild() {
    local bundle=$1 server=$2
    if [ -n "$bundle" ]; then SIGNALBOX_ANY_SIZE=1 cargo run --quiet --package xtask -- bundle || return; fi
    if [ -n "$server" ]; then cargo build --package signalbox-server --package signalbox-sandbox || return; fi
    # The server reads the bundle's manifest when it starts.
    stop_server
    start_server
}

trap 'exit 0' INT TERM HUP
trap stop_all EXIT
start_sandbox
start_server
while true; do
    sleep 1 &
    wait $! || true
    bundle='' server=''
    changed "$BROWSER_SOURCES" && bundle=yes
    changed "$SERVER_SOURCES" && server=yes
    [ -n "$bundle$server" ] || continue
    say "changed: building"
    touch "$stamp"
    rebuild "$bundle" "$server" || say "does not build; the last version that did runs on"
done
