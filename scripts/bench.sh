#!/usr/bin/env bash
# `make bench`: installs the peers, builds everything for release, and runs them side by side (bench/README.md). Its arguments go to
# the bench: scripts/bench.sh --only P1,P5 --rounds 9
. "$(dirname "$0")/lib.sh"
. scripts/setup/system.sh

# The bench starts a PostgreSQL of its own, whatever DATABASE_URL says.
unset DATABASE_URL
scripts/setup.sh run
need_node
use_toolchain

# A peer that cannot be installed stands in the table as not measured.
say "installing the peers for Node.js"
npm ci --prefix bench/peers/node --no-audit --no-fund --loglevel=error ||
    say "some are missing; why: npm ci --prefix bench/peers/node"
say "building the peers for Rust"
cargo build --release --locked --bins --keep-going --manifest-path bench/peers/rust/Cargo.toml \
    --target-dir target/bench-peers || say "some are missing; the errors above say why"

say "building Signalbox and the bench for release"
cargo build --release --package signalbox-server --package signalbox-sandbox
cargo build --release --manifest-path bench/runner/Cargo.toml --target-dir target

say "measuring: whatever else runs on this machine falsifies the figures"
exec target/release/signalbox-bench "$@"
