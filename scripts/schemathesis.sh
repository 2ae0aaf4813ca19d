#!/usr/bin/env bash
# The API against its own documentation: schemathesis asks every operation for what the document allows and for what it forbids, with an
# admin's session. No answer is 5xx, and each is one that is documented. Its arguments go to `schemathesis run`.
. "$(dirname "$0")/lib.sh"

VERSION=4.32.5
VENV=target/schemathesis
REPORTS=target/test-results
WITHIN_S=90
# What never ends by itself, what ends the session, and what takes NDJSON, which schemathesis does not write.
APART='^/api/(admin/changes|auth/logout|fn/sign_out|jobs/batch)$'

# The version that is asked for, in a place of its own.
install() {
    [ "$(cat "$VENV/version" 2>/dev/null)" = "$VERSION" ] && return
    say "installing schemathesis $VERSION"
    python3 -m venv "$VENV"
    "$VENV/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$VERSION"
    echo "$VERSION" >"$VENV/version"
}

# A server with a database of its own, and nothing of the caller's environment.
start() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/signalbox-schemathesis.XXXXXX")
    chmod 711 "$work" # started as root, the database runs as another user
    trap 'stop; rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM HUP
    export ADMIN_EMAIL=ada@example.com ADMIN_PASSWORD=correct-horse-battery
    set -m
    env -i PATH="$PATH" HOME="$HOME" ${SIGNALBOX_PG_BIN:+SIGNALBOX_PG_BIN="$SIGNALBOX_PG_BIN"} \
        SIGNALBOX_ADDR=127.0.0.1:0 SIGNALBOX_DATA_DIR="$work/data" ADMIN_EMAIL=$ADMIN_EMAIL ADMIN_PASSWORD=$ADMIN_PASSWORD \
        target/debug/signalbox web </dev/null >"$work/server.log" 2>&1 &
    server=$!
    set +m
    local deadline=$((SECONDS + 60))
    until url=$(sed -n 's|^ *URL  *\(http://.*\)|\1|p' "$work/server.log") && [ -n "$url" ]; do
        kill -0 "$server" 2>/dev/null && [ "$SECONDS" -lt "$deadline" ] || { cat "$work/server.log" >&2; die "the server did not start"; }
        sleep 0.1
    done
}

stop() {
    mkdir -p "$REPORTS" && cp "$work/server.log" "$REPORTS/schemathesis-server.log" 2>/dev/null || true
    kill -TERM "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
}

# The admin's cookie.
sign_in() {
    "$VENV/bin/python" - "$url" <<'PYTHON'
import json, os, sys, urllib.request

who = {"email": os.environ["ADMIN_EMAIL"], "password": os.environ["ADMIN_PASSWORD"]}
request = urllib.request.Request(sys.argv[1] + "/api/auth/login", json.dumps(who).encode(), {"content-type": "application/json"})
print(urllib.request.urlopen(request).headers["set-cookie"].split(";")[0])
PYTHON
}

install
[ -x target/debug/signalbox ] || die "target/debug/signalbox is not built" "Build everything first: scripts/build.sh"
start
cookie=$(sign_in)
checks=not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance
checks=$checks,unsupported_method,allow_header_conformance,ignored_auth
code=0
mkdir -p "$REPORTS"
reports=$(realpath "$REPORTS")
# It keeps notes in the folder that it runs in. One worker: two parse Python at the same time, which CPython 3.11 does not survive
# ("AST constructor recursion depth mismatch").
(cd "$VENV" && bin/schemathesis run "$url/api/docs/openapi.json" --header "Cookie: $cookie" --exclude-path-regex "$APART" \
    --checks "$checks" --phases coverage,fuzzing --max-examples 8 --workers 1 --max-time "$WITHIN_S" --request-timeout 30 \
    --seed 20261129 --no-shrink --suppress-health-check all --warnings off \
    --report junit --report-junit-path "$reports/schemathesis.xml" "$@") || code=$?
if grep -q 'a request panicked' "$work/server.log"; then
    say "the server panicked:"
    grep 'a request panicked' "$work/server.log" >&2
    code=1
fi
exit "$code"
