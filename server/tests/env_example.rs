//! `.env.example` says what the command line says.

use std::path::Path;

#[test]
fn env_example_is_what_the_command_line_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.env.example");
    let generated = signalbox_server::env_example::env_example();
    if std::env::var_os("UPDATE_ENV_EXAMPLE").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(committed, generated, "run: UPDATE_ENV_EXAMPLE=1 cargo test -p signalbox-server");
}
