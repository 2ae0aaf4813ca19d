# What the scripts share. Sourced; leaves us in the root of the repository.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\033[1m▸ %s\033[0m\n' "$*" >&2; }

die() {
    printf '\033[31m✗ %s\033[0m\n' "$1" >&2
    shift
    printf '  %s\n' "$@" >&2
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root: directly, or by sudo where it may be used; else says what is to be done.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif has sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        sudo "$@"
    else
        die "this needs root, and there is no sudo here. Run as root, then start again:" "$*"
    fi
}

# Variables of .env that are not set yet: what the caller set wins.
load_env() {
    [ -f .env ] || return 0
    local line name value
    while IFS= read -r line || [ -n "$line" ]; do
        [[ "$line" =~ ^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$ ]] || continue
        name=${BASH_REMATCH[2]} value=${BASH_REMATCH[3]}
        if [[ "$value" =~ ^\"(.*)\"[[:space:]]*$ || "$value" =~ ^\'(.*)\'[[:space:]]*$ ]]; then
            value=${BASH_REMATCH[1]}
        fi
        [ -n "${!name+set}" ] || export "$name=$value"
    done <.env
}

# What `setup.sh` decided about the compiler.
use_toolchain() { . target/toolchain.env; }
