//! How threads wait is settled before libgomp reads its environment: seen from outside, in this program started again.
#![cfg(all(target_os = "linux", target_env = "gnu"))]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests; what the parent reads")]

use std::{env, process::Command};

use mtl_core::shim::{self, Waiting, waiting};

const SETTINGS: [&str; 4] = ["GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "OMP_DISPLAY_ENV", "OMP_NUM_THREADS"];

/// What libgomp and the program say when they start with these settings and no others of their kind.
fn started(settings: &[(&str, &str)]) -> String {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "what_a_program_sees", "--nocapture"]);
    for name in SETTINGS {
        command.env_remove(name);
    }
    let output = command.env("OMP_DISPLAY_ENV", "VERBOSE").envs(settings.iter().copied()).output().unwrap();
    assert!(output.status.success());
    String::from_utf8_lossy(&[output.stderr, output.stdout].concat()).into_owned()
}

#[test]
fn what_a_program_sees() {
    shim::init();
    println!("sees {:?}, {:?}", env::var("GOMP_SPINCOUNT").ok(), waiting());
}

#[test]
fn short_waits_are_the_default_and_leave_no_trace() {
    let text = started(&[("TERM", "dumb"), ("HOME", "/nowhere")]);
    assert!(text.contains("GOMP_SPINCOUNT = '10000'"), "{text}");
    assert!(text.contains(&format!("sees None, {:?}", Waiting::Short(10_000))), "{text}");
    let kept = started(&[("_", "a program")]);
    assert!(kept.contains("GOMP_SPINCOUNT = '10000'"), "{kept}");
}

#[test]
fn the_users_settings_win() {
    let text = started(&[("GOMP_SPINCOUNT", "777")]);
    assert!(text.contains("GOMP_SPINCOUNT = '777'"), "{text}");
    assert!(text.contains(r#"sees Some("777"), Chosen("GOMP_SPINCOUNT=777")"#), "{text}");
    let text = started(&[("OMP_WAIT_POLICY", "active")]);
    assert!(text.contains("GOMP_SPINCOUNT = '30000000000'"), "{text}");
    assert!(text.contains(r#"sees None, Chosen("OMP_WAIT_POLICY=active")"#), "{text}");
}

#[test]
fn the_environment_is_the_users_again_before_main() {
    // Every entry that could lend its place is still there. The loader's path to libtorch has to stay in any case.
    let loader = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    for name in ["_", "OLDPWD", "SHLVL", "HOME"] {
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", "what_is_in_the_environment", "--nocapture"])
            .env_clear()
            .env("LD_LIBRARY_PATH", &loader)
            .env(name, "as it was")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains(&format!("has [{name:?}], Short")), "{text}");
    }
}

#[test]
fn what_is_in_the_environment() {
    let names: Vec<String> = env::vars().map(|(name, _)| name).filter(|name| name != "LD_LIBRARY_PATH").collect();
    println!("has {names:?}, {:?}", waiting());
}
