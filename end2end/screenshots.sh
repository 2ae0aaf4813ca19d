#!/usr/bin/env bash
# Pictures of every page into screenshots/: light and dark, wide and narrow, in order and in trouble.
. "$(dirname "$0")/lib.sh"

install_packages
start_services
rm -rf screenshots
run_tests --config=screenshots.config.ts "$@"
say "$(ls screenshots | wc -l) pictures in screenshots/"
