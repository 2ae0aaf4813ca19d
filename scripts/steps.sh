# The steps of `make test` and `.ci/run`: what each does, how long it took, and how many tests passed. Sourced.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

RESULTS=target/test-results
TALLY=$RESULTS/tally # a line a step: name, passed, failed, seconds
HOST_CRATES="--workspace --exclude signalbox-frontend"

setup() { scripts/setup.sh test; }
format() { cargo fmt --all -- --check; }
build() { cargo build $HOST_CRATES --all-targets; }
tidy() { target/debug/xtask tidy; }
lint_host() { cargo clippy $HOST_CRATES --all-targets -- -D warnings; }
# In chunks, as it is bundled, and in one piece, as Trunk does it.
lint_wasm() {
    cargo clippy --package signalbox-frontend --target wasm32-unknown-unknown -- -D warnings &&
        cargo clippy --package signalbox-frontend --features split --target wasm32-unknown-unknown -- -D warnings
}
# The features that are off by default, so that they do not rot.
lint_features() {
    cargo clippy --package signalbox-server --features otlp,sentry --lib --test otlp -- -D warnings
}
deploy_lint() { scripts/deploy_lint.sh; }
bundle() { target/debug/xtask bundle; }

rust_tests() {
    if cargo nextest --version >/dev/null 2>&1; then
        target/debug/xtask with-postgres -- cargo nextest run $HOST_CRATES --no-fail-fast --no-tests=pass
    else
        target/debug/xtask with-postgres -- cargo test $HOST_CRATES --all-targets --no-fail-fast
    fi
}

api_conformance() { scripts/schemathesis.sh; }

browser_tests() {
    rm -f end2end/test-results/results.json
    end2end/run.sh
}

# ---------------------------------------------------------------------------------------------------------------------------------

begin() {
    mkdir -p "$RESULTS"
    : >"$TALLY"
    BEGAN=$SECONDS
}

# Runs one of the above: its output is shown and kept, its time and its counts are noted.
step() {
    local name=$1 log=$RESULTS/$1.log began=$SECONDS code=0 counts passed failed
    say "$name"
    { [ ! -f target/toolchain.env ] || use_toolchain; set -o pipefail; "$name" 2>&1 | tee "$log"; } || code=$?
    case $name in
    rust_tests) counts=$(count_rust_tests "$log") ;;
    browser_tests) counts=$(count_browser_tests) ;;
    *) counts="$((code == 0)) $((code != 0))" ;;
    esac
    read -r passed failed <<<"$counts"
    # A step that broke without a failed test failed all the same.
    [ "$code" = 0 ] || [ "$failed" -gt 0 ] || failed=1
    echo "$name $passed $failed $((SECONDS - began))" >>"$TALLY"
    say "$name: $([ "$failed" = 0 ] && echo ok || echo FAILED) in $((SECONDS - began)) s"
    [ "$failed" = 0 ]
}

# A step without which the rest makes no sense.
need() { step "$1" || { summary; exit 1; }; }

# The checks that come before the tests.
checks() {
    need setup
    step format || true
    need build
    step tidy || true
    step lint_host || true
    step lint_wasm || true
    step lint_features || true
    step deploy_lint || true
}

tests() {
    step bundle || true
    step rust_tests || true
    step api_conformance || true
    step browser_tests || true
}

# Prints the table and, as the last line, the sum; fails if anything did.
summary() {
    awk '{ printf "%-14s %5d passed %4d failed %6d s\n", $1, $2, $3, $4 }' "$TALLY"
    awk '{ passed += $2; failed += $3 } END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 }' "$TALLY"
}

# "passed failed" of cargo test's or nextest's output: all its summaries added up.
count_rust_tests() {
    sed $'s/\x1b\\[[0-9;]*m//g' "$1" | awk '
        /^ *Summary \[.*tests? run:/ || /^test result:/ {
            gsub(/[,;()]/, " ")
            for (i = 2; i <= NF; i++) {
                if ($i == "passed" && $(i - 1) ~ /^[0-9]+$/) passed += $(i - 1)
                if ($i == "failed" && $(i - 1) ~ /^[0-9]+$/) failed += $(i - 1)
                if ($i == "exec" && $(i + 1) == "failed") failed += $(i - 1)
                if ($i == "timed" && $(i + 1) == "out" && $(i - 1) ~ /^[0-9]+$/) failed += $(i - 1)
            }
        }
        END { print passed + 0, failed + 0 }'
}

# "passed failed" of Playwright's JSON report.
count_browser_tests() {
    node -e '
        const fs = require("fs");
        try {
            const { stats } = JSON.parse(fs.readFileSync("end2end/test-results/results.json", "utf8"));
            console.log(stats.expected + stats.flaky, stats.unexpected);
        } catch {
            console.log(0, 1);
        }'
}
