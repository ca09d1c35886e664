//! The binary that is deployed. Cargo builds it for this test, and so for those that run it in
//! Lambda's runtime emulator.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

#[test]
fn without_its_settings_it_does_not_start_and_names_what_is_missing() {
    let function = Command::new(env!("CARGO_BIN_EXE_execution-status"))
        .env_clear()
        .output()
        .unwrap();
    assert!(!function.status.success());
    let told = String::from_utf8(function.stderr).unwrap();
    assert!(told.contains("RETRAIN_TABLE"), "{told}");
}
