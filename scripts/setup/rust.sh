# A Rust compiler that also builds for the browser. Sourced by setup.sh; writes target/toolchain.env, which says how to use it.
#
# In this order: the compiler on PATH, if it has the WASM target; Debian's in /usr/bin, if it has it; rustup, if it may download;
# Debian's packages. There is no rust-toolchain.toml: where rustup may not download, it would stop every cargo command.

MIN_RUST_MINOR=95       # 1.95: rust-version in Cargo.toml
RUSTUP_RUST=1.96.0      # what rustup is asked for
DEBIAN_RUST="rustc-web cargo-web rust-web-src rust-web-clippy rustfmt-web rust-web-llvm lld-22"
WASM=wasm32-unknown-unknown
# Beside a WASM standard library that we built: the compiler it was built by.
MARKER=.signalbox-std

need_rust() {
    if suits "$(command -v rustc)"; then
        use_rust "# the compiler on PATH suits"
    elif suits /usr/bin/rustc; then
        use_debian_rust
    elif rustup_may_download && install_by_rustup; then
        use_rust "export RUSTUP_TOOLCHAIN=$RUSTUP_RUST"
    elif has apt-get; then
        install_debian_rust
        build_wasm_std
        use_debian_rust
    else
        die "there is no Rust compiler of 1.$MIN_RUST_MINOR or newer with the target $WASM" \
            "Install rustup (https://rustup.rs), then start again." \
            "If rustup is there: RUSTUP_AUTO_INSTALL=0 forbids it to download; unset it, or run" \
            "    rustup toolchain install $RUSTUP_RUST --component clippy,rustfmt --target $WASM"
    fi
}

# Whether this rustc is new enough, has the WASM target, and its cargo, clippy and rustfmt lie beside it.
suits() {
    local rustc=$1 version minor lib tool
    [ -x "$rustc" ] || return 1
    for tool in cargo cargo-clippy rustfmt; do [ -x "$(dirname "$rustc")/$tool" ] || return 1; done
    version=$("$rustc" --version 2>/dev/null) || return 1
    [[ "$version" =~ ^rustc\ 1\.([0-9]+)\. ]] || return 1
    minor=${BASH_REMATCH[1]}
    [ "$minor" -ge "$MIN_RUST_MINOR" ] || return 1
    lib=$("$rustc" --print target-libdir --target "$WASM" 2>/dev/null) || return 1
    compgen -G "$lib/libcore-*.rlib" >/dev/null || return 1
    [ ! -f "$lib/$MARKER" ] || [ "$(cat "$lib/$MARKER")" = "$version" ]
}

use_rust() { printf '# Written by scripts/setup.sh.\n%s\n' "$1" >target/toolchain.env; }

# rustup's proxies come first on PATH where it is installed: Debian's go before them.
use_debian_rust() { use_rust 'export PATH="/usr/bin:$PATH"; unset RUSTUP_TOOLCHAIN'; }

rustup_may_download() { has rustup && [ "${RUSTUP_AUTO_INSTALL:-1}" != 0 ]; }

install_by_rustup() {
    if ! RUSTUP_TOOLCHAIN=$RUSTUP_RUST suits "$(command -v rustc)"; then
        say "asking rustup for Rust $RUSTUP_RUST with $WASM"
        rustup toolchain install "$RUSTUP_RUST" --profile minimal --component clippy,rustfmt --target "$WASM"
    fi
}

install_debian_rust() {
    [ -x /usr/bin/rustc ] && [ -d /usr/lib/rustlib/src/rust/library ] && dpkg -s $DEBIAN_RUST >/dev/null 2>&1 && return
    as_root apt-get update -qq
    apt-cache show rustc-web >/dev/null 2>&1 ||
        die "this system's packages have no current Rust compiler (rustc-web)" "Install rustup (https://rustup.rs), then start again."
    apt_install $DEBIAN_RUST
}

# Debian's compiler comes without a standard library for WASM: built once from its own sources, a minute.
build_wasm_std() {
    local work lib
    lib=/usr/lib/rustlib/$WASM/lib
    say "building Rust's standard library for $WASM (once)"
    work=$(mktemp -d /var/tmp/signalbox-wasm-std.XXXXXX)
    cp -rL /usr/lib/rustlib/src/rust/library "$work/library"
    (
        cd "$work/library"
        env -u RUSTUP_TOOLCHAIN RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 __CARGO_DEFAULT_LIB_METADATA=wasmsysroot \
            RUSTFLAGS="-Zforce-unstable-if-unmarked -Cembed-bitcode=yes" CARGO_TARGET_DIR="$work/target" \
            CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 CARGO_PROFILE_RELEASE_DEBUG=0 \
            /usr/bin/cargo build --quiet --locked --release --manifest-path sysroot/Cargo.toml --target "$WASM"
    ) || die "the standard library for $WASM does not build; its sources are left in $work"
    as_root mkdir -p "$lib"
    as_root find "$lib" -name '*.rlib' -delete
    find "$work/target/$WASM/release/deps" -name '*.rlib' ! -name 'libsysroot-*' -print0 |
        while IFS= read -r -d '' file; do as_root install -m 644 "$file" "$lib/"; done
    /usr/bin/rustc --version | as_root tee "$lib/$MARKER" >/dev/null
    rm -rf "$work"
    rm -rf "target/$WASM" # built against another standard library
}
