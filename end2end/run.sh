#!/usr/bin/env bash
# The operators' stories, in Chromium, against servers of their own:
#   end2end/run.sh [arguments of `playwright test`, such as stories/breaker.spec.ts or --project=chromium]
. "$(dirname "$0")/lib.sh"

install_packages
start_services
code=0
run_tests "$@" || code=$?
stop_services || code=1
exit "$code"
