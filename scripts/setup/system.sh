# What comes from the system's packages. Sourced by setup.sh.

# Installs Debian packages; what is there already stays as it is.
apt_install() {
    has apt-get || die "missing: $*" "Install it with your system's package manager, then start again."
    say "installing $*"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
        die "apt-get could not install $*" "Try it by hand: apt-get install $*"
}

is_macos() { [ "$(uname)" = Darwin ]; }

need_c_compiler() {
    has cc && return
    is_macos && die "there is no C compiler" "Install Apple's: xcode-select --install"
    apt_install gcc libc6-dev
}

has_postgresql() {
    local dir
    [ -n "${SIGNALBOX_PG_BIN:-}" ] && return
    has initdb && has postgres && return
    for dir in /usr/lib/postgresql/{1[5-9],[2-9][0-9]}/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin \
        /usr/local/opt/postgresql@*/bin /Applications/Postgres.app/Contents/Versions/*/bin /usr/local/pgsql/bin; do
        [ -x "$dir/initdb" ] && return
    done
    return 1
}

need_postgresql() {
    has_postgresql && return
    is_macos && die "there is no PostgreSQL server" \
        "Install one: brew install postgresql@17" "or name one of yours: DATABASE_URL=postgres://…"
    # Debian would start a server of its own beside ours. The file says no, for the time of the installation.
    local dir=/etc/postgresql-common/createcluster.d
    as_root mkdir -p "$dir"
    echo 'create_main_cluster = false' | as_root tee "$dir/signalbox.conf" >/dev/null
    apt_install postgresql
    as_root rm "$dir/signalbox.conf"
}

need_node() {
    has node && has npm && return
    is_macos && die "there is no Node.js, which the browser tests need" "Install it: brew install node"
    apt_install nodejs npm
}

need_chromium() {
    local browser
    for browser in chromium chromium-browser google-chrome "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
        has "$browser" && return
    done
    is_macos && die "there is no Chrome, which the browser tests need" "Install it: brew install --cask google-chrome"
    apt_install chromium
}

# For schemathesis, which is installed into a place of its own when it first runs.
need_python() {
    python3 -c 'import ensurepip, venv' 2>/dev/null && return
    is_macos && die "there is no Python, which the API's tests need" "Install it: brew install python"
    apt_install python3 python3-venv
}

# What the runbooks' own commands call.
need_curl_and_jq() {
    has curl && has jq && return
    is_macos && die "there is no curl or no jq, which the runbooks' commands need" "Install them: brew install curl jq"
    apt_install curl jq ca-certificates
}
