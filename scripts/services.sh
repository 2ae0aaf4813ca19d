# The processes of `make run` and `make dev`: the sandbox beside, the server in front. Sourced.
#
# Each gets a process group of its own (set -m), so that a Ctrl-C reaches this script alone, and it stops them in order.

sandbox_pid='' server_pid=''

# The stand-in providers, unless MCP_BASE_URL points at real ones.
start_sandbox() {
    [ -z "${MCP_BASE_URL:-}" ] || return 0
    export MCP_BASE_URL=http://127.0.0.1:4000/mcp MCP_API_KEY=${MCP_API_KEY:-sandbox}
    set -m
    target/debug/signalbox-sandbox </dev/null &
    sandbox_pid=$!
    set +m
}

start_server() {
    set -m
    target/debug/signalbox serve </dev/null &
    server_pid=$!
    set +m
}

# Asks a process to stop and waits for its end.
stop() {
    [ -n "$1" ] || return 0
    kill -TERM "$1" 2>/dev/null || true
    while kill -0 "$1" 2>/dev/null; do wait "$1" || true; done
}

stop_server() { stop "$server_pid"; server_pid=''; }

stop_all() {
    trap '' INT TERM
    stop_server
    stop "$sandbox_pid"
    sandbox_pid=''
}
