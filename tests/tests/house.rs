//! What the shape of the workspace promises, held over `cargo tree`.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::process::Command;

/// The crates that know no vendor, no network, no runtime.
const PURE: [&str; 6] = ["metering", "usage", "pricing", "invoicing", "catalog", "ledger"];

/// Prefixes of crate names that a pure crate must not reach.
const OUTSIDE: [&str; 9] = ["aws-", "aws_", "tokio", "hyper", "reqwest", "http", "lambda", "rustls", "store"];

fn tree(arguments: &[&str]) -> Vec<String> {
    let cargo = option_env!("CARGO").unwrap_or("cargo");
    let output = Command::new(cargo)
        .args(["tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn pure_crates_reach_nothing_of_the_outside_world() {
    for name in PURE {
        let reached = tree(&["--package", name]);
        assert!(reached.len() > 3, "{name} has a tree");
        let outside: Vec<_> = reached.iter().filter(|c| OUTSIDE.iter().any(|prefix| c.starts_with(prefix))).collect();
        assert!(outside.is_empty(), "{name} reaches {outside:?}");
    }
}

#[test]
fn there_is_one_tls_stack_with_one_provider() {
    let all = tree(&["--workspace"]);
    assert!(all.iter().any(|name| name == "rustls") && all.iter().any(|name| name == "aws-lc-rs"));
    for other in ["ring", "openssl", "openssl-sys", "native-tls", "boring"] {
        assert!(!all.iter().any(|name| name == other), "{other} is linked beside rustls on aws-lc");
    }
}

#[test]
fn only_the_invoice_function_and_the_command_line_link_the_typesetter() {
    for name in ["translate", "correlate", "aggregate", "store", "lambda"] {
        assert!(!tree(&["--package", name]).iter().any(|name| name.starts_with("typst")), "{name}");
    }
    assert!(tree(&["--package", "invoice"]).iter().any(|name| name == "typst"));
}
