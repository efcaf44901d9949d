//! A quick run of everything, so that the generator does not rot: counts are looked at, times are
//! not. Needs node and npm for socket.io. Where they are missing this says so and tries the others,
//! unless `PARLOR_REQUIRE_CLIENTS` is set.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

/// Set where missing node or npm is a failure.
const REQUIRED: &str = "PARLOR_REQUIRE_CLIENTS";

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_parlor-load"))
}

fn result_of(output: &Output) -> Value {
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{err}");
    serde_json::from_str(out.lines().last().expect("a line of JSON")).expect("JSON")
}

#[expect(clippy::unwrap_used, reason = "a test without a place to write can't go on")]
fn scratch(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&path).unwrap();
    path
}

#[expect(clippy::print_stderr, reason = "what is skipped is said")]
fn has_node() -> bool {
    let has = |program| Command::new(program).arg("--version").output().is_ok();
    let has_all = has("node") && has("npm");
    assert!(has_all || env::var_os(REQUIRED).is_none(), "node or npm is missing");
    if !has_all {
        eprintln!("SKIPPED: node or npm is missing, so socket.io was not tried");
    }
    has_all
}

#[test]
fn everything_is_compared_and_nothing_is_lost() {
    let docs = scratch("docs");
    let page = docs.join("performance.md");
    let empty = "# Before\n\n<!-- written by parlor-load: begin -->\nold\n\
                 <!-- written by parlor-load: end -->\n\nAfter\n";
    fs::write(&page, empty).unwrap();
    let mut compare = program();
    compare.args(["compare", "--quick", "--target", "parlor", "--target", "axum", "--docs"]);
    compare.arg(&docs);
    let mut expected = vec!["parlor", "axum"];
    if has_node() {
        compare.args(["--target", "socketio"]);
        expected.push("socketio");
    }
    let report = result_of(&compare.output().unwrap());

    let servers = report["servers"].as_array().unwrap();
    let names: Vec<_> = servers.iter().map(|server| server["target"].as_str().unwrap()).collect();
    assert_eq!(names, expected);
    for server in servers {
        assert_eq!(server["idle"]["connections"], 100);
        for (fanned_out, members) in server["fan_out"].as_array().unwrap().iter().zip([10, 50]) {
            assert_eq!(fanned_out["members"], members);
            let checked = fanned_out["checked"].as_u64().unwrap();
            assert!(checked > 0 && checked.is_multiple_of(members), "{fanned_out}");
            assert!(fanned_out["latency"]["deliveries"].as_u64().unwrap() >= members);
        }
        assert!(server["storm"]["answered"].as_u64().unwrap() > 0);
        let is_parlor = server["target"] == "parlor";
        assert_eq!(server["storm"]["presences"], 0, "{server}");
        assert_eq!(server["storm_with_presence"].is_object(), is_parlor);
        if is_parlor {
            assert!(server["storm_with_presence"]["presences"].as_u64().unwrap() > 0);
        }
    }

    let page = fs::read_to_string(page).unwrap();
    assert!(page.starts_with("# Before") && page.ends_with("After\n"), "{page}");
    assert!(page.contains("A quick run") && !page.contains("old"), "{page}");
    assert!(fs::read_to_string(docs.join("performance.svg")).unwrap().contains("socketio"));
    let json = fs::read_to_string(docs.join("performance.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), report);
}

#[test]
fn a_soak_checks_what_is_said() {
    fs::remove_dir_all(scratch("soak")).unwrap();
    let mut soak = program();
    soak.args(["soak", "--seconds", "5", "--every", "1", "--clients", "20", "--rooms", "3"]);
    soak.args(["--rate", "100", "--stay", "1", "--turn", "2", "--may-grow-kib", "1000000"]);
    let history = scratch("soak").join("history.sqlite");
    soak.arg(format!("--server-arg=--history={}", history.display()));
    let soaked = result_of(&soak.output().unwrap());
    assert!(history.exists(), "the server was not told what it was to be told");
    for counted in ["said", "deliveries", "connections", "stays"] {
        assert!(soaked[counted].as_u64().unwrap() > 0, "{counted} of {soaked}");
    }
    assert_eq!(soaked["rss_kib"].as_array().unwrap().len(), 5);
}
