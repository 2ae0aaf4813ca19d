# The processes that a browser is pointed at, each with its own free port and nothing of the caller's environment. Sourced.
#
#   sandbox  the stand-in providers
#   console  a server with a private database, an admin and a breaker that cools down in seconds
#   fresh    another one, as a first run leaves it: nobody has signed in with the one-time password yet
#   empty    one without worker and scheduler: nothing ever happens in its database
#   gated    another on the same database, which it reaches through the gate only
#   gate     what a story shuts to take the database away
#   telephone  what alerts are posted to
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

SITE=${SIGNALBOX_SITE_ROOT:-target/site}
BUILT="target/debug/signalbox target/debug/signalbox-sandbox $SITE/pkg/manifest.json"
STARTS_WITHIN_S=120
STOPS_WITHIN_S=60

sandbox_pid='' console_pid='' fresh_pid='' empty_pid='' gated_pid='' gate_pid='' telephone_pid='' tests_pid=''

# The tests' packages, if they are missing or not those of the lock file.
install_packages() {
    local lock=end2end/package-lock.json installed=end2end/node_modules/.package-lock.json
    [ ! -f "$installed" ] || [ "$lock" -nt "$installed" ] || return 0
    say "installing the browser tests' packages"
    (cd end2end && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund)
    touch "$installed"
}

need_built() {
    local file
    for file in $BUILT; do
        [ -e "$file" ] || die "$file is not built" "Build everything first: scripts/build.sh"
    done
}

# Runs a command as the service NAME: in the background, in a process group of its own, its output in $work/NAME.log.
start() {
    local name=$1
    shift
    : >"$work/$name.log"
    set -m
    env -i PATH="$PATH" HOME="$HOME" ${TMPDIR:+TMPDIR="$TMPDIR"} ${CARGO_HOME:+CARGO_HOME="$CARGO_HOME"} \
        ${SIGNALBOX_PG_BIN:+SIGNALBOX_PG_BIN="$SIGNALBOX_PG_BIN"} "$@" </dev/null >>"$work/$name.log" 2>&1 &
    printf -v "${name}_pid" %s $!
    set +m
}

# Starts `signalbox ROLE` as the service NAME, with these variables.
start_server() {
    local name=$1 role=$2
    shift 2
    start "$name" SIGNALBOX_ADDR=127.0.0.1:0 SIGNALBOX_DATA_DIR="$work/$name" SIGNALBOX_ENVIRONMENT=end2end \
        SIGNALBOX_SITE_ROOT="$work/site" "$@" target/debug/signalbox "$role"
}

# What this sed script finds in the service's output, as soon as it does.
said_by() {
    local name=$1 script=$2 pid=${1}_pid deadline=$((SECONDS + STARTS_WITHIN_S)) found
    while [ "$SECONDS" -lt "$deadline" ]; do
        found=$(sed -n "$script" "$work/$name.log" | head -n 1)
        if [ -n "$found" ]; then
            echo "$found"
            return
        fi
        kill -0 "${!pid}" 2>/dev/null || break
        sleep 0.1
    done
    tail -n 20 "$work/$name.log" >&2
    die "$name did not start; the last of what it said is above"
}

url_of() { said_by "$1" 's|^ *URL  *\(http://.*\)|\1|p'; }

# The unix socket of a service's private database; its server wrote down the folder (the fifth line, by the manual).
socket_of() { echo "$(sed -n 5p "$work/$1/postgres/postmaster.pid")/.s.PGSQL.5432"; }

# Waits until the address answers with success.
until_healthy() {
    node -e '
        const [, url, seconds] = process.argv;
        const deadline = Date.now() + seconds * 1000;
        const ask = () => fetch(url).then((answer) => answer.ok, () => false).then((ok) => {
            if (ok) process.exit(0);
            if (Date.now() > deadline) { console.error(`${url} does not answer`); process.exit(1); }
            setTimeout(ask, 100);
        });
        ask();' "$1" "$STARTS_WITHIN_S"
}

# Starts everything, and exports where it is and how to get in.
start_services() {
    need_built
    work=$(mktemp -d "${TMPDIR:-/tmp}/signalbox-end2end.XXXXXX")
    chmod 711 "$work" # started as root, the database runs as another user
    trap 'trap "" INT TERM HUP; stop_tests; stop_services || true; keep_logs; rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM HUP
    cp -R "$SITE" "$work/site" # a build while the tests run must not change what the browser gets

    export ADMIN_EMAIL=ada@example.com ADMIN_PASSWORD=correct-horse-battery
    start sandbox target/debug/signalbox-sandbox --addr 127.0.0.1:0
    SANDBOX_URL=http://$(said_by sandbox 's/.*sandbox listening.* addr=\([0-9.:]*\).*/\1/p')
    start telephone node end2end/support/telephone.mjs
    TELEPHONE_URL=http://$(said_by telephone 's/^listening on //p')
    start_server console serve ALERT_WEBHOOK_URL="$TELEPHONE_URL/on-call" ALERT_WEBHOOK_SECRET=end2end SIGNALBOX_URL=https://ops.example.com \
        ADMIN_EMAIL=$ADMIN_EMAIL ADMIN_PASSWORD=$ADMIN_PASSWORD \
        MCP_BASE_URL="$SANDBOX_URL/mcp" MCP_API_KEY=end2end MCP_CB_COOLDOWN_MS=2000
    start_server fresh serve MCP_BASE_URL="$SANDBOX_URL/mcp" MCP_API_KEY=end2end
    start_server empty web ADMIN_EMAIL=$ADMIN_EMAIL ADMIN_PASSWORD=$ADMIN_PASSWORD \
        MCP_BASE_URL="$SANDBOX_URL/mcp" MCP_API_KEY=end2end
    BASE_URL=$(url_of console)
    DATABASE_SOCKET=$(socket_of console)
    FRESH_URL=$(url_of fresh)
    FRESH_EMAIL=$(said_by fresh 's/^ *Email  *//p')
    FRESH_PASSWORD=$(said_by fresh 's/^ *Password  *//p')
    EMPTY_URL=$(url_of empty)
    start gate node end2end/support/gate.mjs "$(socket_of empty)"
    GATE_PID=$gate_pid
    start_server gated web DATABASE_URL="postgres://postgres@$(said_by gate 's/^listening on //p')/postgres" \
        MCP_BASE_URL="$SANDBOX_URL/mcp" MCP_API_KEY=end2end
    GATED_URL=$(url_of gated)
    export SANDBOX_URL BASE_URL FRESH_URL FRESH_EMAIL FRESH_PASSWORD EMPTY_URL GATED_URL GATE_PID DATABASE_SOCKET TELEPHONE_URL
    local url
    for url in "$BASE_URL" "$FRESH_URL" "$EMPTY_URL" "$GATED_URL"; do until_healthy "$url/healthz"; done
}

# Runs `playwright test` with these arguments. In the background, so that a signal to the script is heard at once.
run_tests() {
    (cd end2end && exec node_modules/.bin/playwright test "$@") &
    tests_pid=$!
    local code=0
    wait "$tests_pid" || code=$?
    tests_pid=''
    return "$code"
}

stop_tests() {
    [ -n "$tests_pid" ] || return 0
    kill -TERM "$tests_pid" 2>/dev/null || true
    wait "$tests_pid" 2>/dev/null || true
}

# Asks a service to stop; fails if it does not in time, or not with success.
stop() {
    local name=$1 pid=${1}_pid code=0 deadline=$((SECONDS + STOPS_WITHIN_S))
    [ -n "${!pid}" ] || return 0
    kill -TERM "${!pid}" 2>/dev/null || true
    while kill -0 "${!pid}" 2>/dev/null && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.1; done
    kill -KILL -- "-${!pid}" 2>/dev/null || true # what is left of the group, if anything
    wait "${!pid}" 2>/dev/null || code=$?
    printf -v "${name}_pid" %s ''
    [ "$code" = 0 ] && return
    say "$name ended with $code instead of 0:"
    tail -n 20 "$work/$name.log" >&2
    return 1
}

# All of them, in the reverse order.
stop_services() {
    local code=0
    stop gated || code=1
    stop gate || code=1
    stop empty || code=1
    stop fresh || code=1
    stop console || code=1
    stop telephone || code=1
    stop sandbox || code=1
    return "$code"
}

keep_logs() {
    mkdir -p end2end/test-results
    cp "$work"/*.log end2end/test-results/ 2>/dev/null || true
}
