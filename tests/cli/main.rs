//! The binary, from outside: what it writes where, in which order, and how it exits.
//!
//! No test sleeps or measures time. Where one waits for output, a run that never writes it would
//! hang, and the test runner's limit is the safety net.
#![expect(clippy::unwrap_used, reason = "a failing test stops")]

mod saved;

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio},
    thread,
};

const JOIN: &str = r#"{"join":{"client_id":"c1","topic":"t","user_id":"u1","now_ms":5}}"#;
const LEAVE: &str = r#"{"leave":{"client_id":"c1","topic":"t"}}"#;
const JOINED: &str = concat!(
    r#"{"reply":{"to":"join","client_id":"c1","topic":"t","status":"ok","payload":{"epoch":1,"offset":0}}}"#,
    "\n",
    r#"{"presence_state":{"client_id":"c1","topic":"t","entries":[{"key":"u1","metas":[{"ref":"1","client_id":"c1","online_at_ms":5}]}]}}"#,
    "\n",
    r#"{"presence_diff":{"topic":"t","diff":{"joins":[{"key":"u1","metas":[{"ref":"1","client_id":"c1","online_at_ms":5}],"first":true}],"leaves":[]},"timestamp_ms":5,"recipients":[]}}"#,
    "\n",
);
const LEFT: &str = concat!(
    r#"{"reply":{"to":"leave","client_id":"c1","topic":"t","status":"ok","payload":{}}}"#,
    "\n",
    r#"{"presence_diff":{"topic":"t","diff":{"joins":[],"leaves":[{"key":"u1","metas":[{"ref":"1","client_id":"c1","online_at_ms":5}],"last":true}]},"timestamp_ms":5,"recipients":[]}}"#,
    "\n",
);

fn parlor(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it to its end over an input of any size.
fn run(arguments: &[&str], input: impl AsRef<[u8]>) -> Output {
    let mut child = parlor(arguments).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.as_ref().to_vec();
    // Whoever stops early does not read it all.
    let writer = thread::spawn(move || stdin.write_all(&input).ok());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn check(arguments: &[&str], input: impl AsRef<[u8]>, expected: (&str, &str, i32)) {
    let output = run(arguments, input);
    let (stdout, stderr, status) = expected;
    assert_eq!(String::from_utf8_lossy(&output.stdout), stdout, "standard output");
    assert_eq!(String::from_utf8_lossy(&output.stderr), stderr, "standard error");
    assert_eq!(output.status.code(), Some(status), "exit status");
}

/// A file of one test, in the directory that cargo keeps for that.
fn file(name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, content).unwrap();
    path
}

/// A run that goes on, with a pipe at each end.
struct Talk {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Talk {
    fn start() -> Self {
        let mut child = parlor(&[]).spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdin, stdout }
    }

    fn write(&mut self, text: &str) {
        self.stdin.write_all(text.as_bytes()).unwrap();
    }

    /// Waits for as many bytes as `expected` has.
    fn hear(&mut self, expected: &str) {
        let mut heard = vec![0; expected.len()];
        self.stdout.read_exact(&mut heard).unwrap();
        assert_eq!(String::from_utf8_lossy(&heard), expected);
    }

    fn end(mut self) -> Option<i32> {
        drop(self.stdin);
        let mut rest = Vec::new();
        self.stdout.read_to_end(&mut rest).unwrap();
        assert_eq!(String::from_utf8_lossy(&rest), "", "nothing is left to say");
        self.child.wait().unwrap().code()
    }
}

#[test]
fn events_come_in_and_messages_go_out_in_order() {
    check(&[], format!("{JOIN}\n{LEAVE}\n"), (&format!("{JOINED}{LEFT}"), "", 0));
    check(&["-"], format!("{JOIN}\n{LEAVE}\n"), (&format!("{JOINED}{LEFT}"), "", 0));
}

#[test]
fn a_file_is_read_in_place_of_standard_input() {
    let path = file("joined.ndjson", format!("{JOIN}\n"));
    check(&[path.to_str().unwrap()], format!("{LEAVE}\n"), (JOINED, "", 0));
}

#[test]
fn line_breaks_of_both_kinds_a_mark_and_blank_lines_are_tolerated() {
    check(
        &[],
        format!("\u{feff}{JOIN}\r\n\r\n \t\n{LEAVE}\r\n"),
        (&format!("{JOINED}{LEFT}"), "", 0),
    );
}

#[test]
fn the_last_line_needs_no_line_break() {
    check(&[], JOIN, (JOINED, "", 0));
    let message = "parlor: <stdin>:2:2: the line ends inside an object, expected `,` or `}`\n";
    check(&[], format!("{JOIN}\n{{"), (JOINED, message, 2));
}

#[test]
fn nothing_in_is_nothing_out() {
    check(&[], "", ("", "", 0));
    check(&[], "\n\n", ("", "", 0));
    let output = parlor(&[]).stdin(Stdio::null()).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
}

#[test]
fn a_bad_line_stops_it_after_what_came_before() {
    let message = "parlor: <stdin>:2:1: expected an event, {\"join\":{…}} or the like, got `n`\n";
    check(&[], format!("{JOIN}\nnope\n{LEAVE}\n"), (JOINED, message, 2));
}

#[test]
fn the_message_comes_after_the_output_where_both_go_to_one_place() {
    let path = file("both.txt", "");
    let both = fs::File::create(&path).unwrap();
    let input = fs::File::open(file("both.ndjson", format!("{JOIN}\nnope\n{LEAVE}\n"))).unwrap();
    let mut command = parlor(&["--keep-going", "--stats"]);
    command.stdin(input).stdout(both.try_clone().unwrap()).stderr(both);
    assert_eq!(command.status().unwrap().code(), Some(1));

    let written = fs::read_to_string(path).unwrap();
    let rest = written.strip_prefix(JOINED).expect("the output of the first line comes first");
    let (message, rest) = rest.split_once('\n').unwrap();
    let start = r#"{"error":{"line":2,"column":1,"message":"expected an event"#;
    assert!(message.starts_with(start), "{message}");
    let stats = rest.strip_prefix(LEFT).expect("the output of the last line comes then");
    assert!(stats.starts_with("events "), "{stats}");
}

#[test]
fn a_bad_line_of_a_file_is_named_by_the_file() {
    let path = file("bad.ndjson", format!("{JOIN}\n{{\"leave\":{{\"foo\":1}}}}\n"));
    let path = path.to_str().unwrap();
    let message = format!(
        "parlor: {path}:2:15: unknown field `foo`, expected one of `client_id`, `topic`, `ref`\n"
    );
    check(&[path], "", (JOINED, &message, 2));
}

#[test]
fn keep_going_reports_bad_lines_and_reads_the_rest() {
    let input = [JOIN.as_bytes(), b"\n{}\n\xff\n\n", LEAVE.as_bytes(), b"\n["].concat();
    let kinds = parlor::EventKind::ALL.map(|kind| format!("`{kind}`")).join(", ");
    let output = [
        JOINED,
        &format!(
            r#"{{"error":{{"line":2,"column":2,"message":"expected the event, one of {kinds}, got `}}`"}}}}"#
        ),
        "\n",
        r#"{"error":{"line":3,"column":1,"message":"expected UTF-8, got the byte 0xff"}}"#,
        "\n",
        LEFT,
        r#"{"error":{"line":6,"column":1,"message":"expected an event, {\"join\":{…}} or the like, got `[`"}}"#,
        "\n",
    ];
    check(&["--keep-going"], input, (&output.concat(), "", 1));
    check(&["--keep-going"], JOIN, (JOINED, "", 0));
}

#[test]
fn a_line_of_more_than_a_mebibyte_is_bad() {
    let long = format!("{}{JOIN}", " ".repeat(1 << 20));
    let message = "the line is too long, expected at most 1048576 bytes";
    let error = format!(r#"{{"error":{{"line":1,"column":1048577,"message":"{message}"}}}}"#);
    let output = format!("{error}\n{JOINED}");
    check(&["--keep-going"], format!("{long}\n{JOIN}\n"), (&output, "", 1));
}

#[test]
fn a_refusal_is_an_answer_and_no_failure() {
    let refused = r#"{"reply":{"to":"leave","client_id":"c1","topic":"t","status":"error","payload":{"reason":"unknown_client","message":"no client \"c1\" is connected or in a room"}}}"#;
    check(&[], format!("{LEAVE}\n"), (&format!("{refused}\n"), "", 0));
}

#[test]
fn a_file_that_cannot_be_read_is_reported() {
    let missing = Path::new(env!("CARGO_TARGET_TMPDIR")).join("there is no such file");
    for path in [missing.to_str().unwrap(), env!("CARGO_TARGET_TMPDIR")] {
        let output = run(&[path], "");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.starts_with(&format!("parlor: {path}: can't be read: ")), "{message}");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    }
    let message = String::from_utf8(run(&[""], "").stderr).unwrap();
    assert!(message.starts_with("parlor: \"\": can't be read: "), "{message}");
}

#[test]
fn what_the_command_line_must_not_be_is_refused_with_what_it_can_be() {
    let options =
        "expected one of --config, --load, --save, --keep-going, --stats, --help, --version";
    check(&["--foo"], "", ("", &format!("parlor: unknown option --foo, {options}\n"), 2));
    check(&["a", "b"], "", ("", "parlor: b is a second FILE, expected at most one\n", 2));
    for option in ["--config", "--load", "--save"] {
        let message = format!("parlor: {option} is the last word, expected its FILE\n");
        check(&["a", option], "", ("", &message, 2));
        let message = format!("parlor: b is the FILE of a second {option}, expected one\n");
        check(&[option, "a", option, "b"], "", ("", &message, 2));
    }
    let message = "parlor: --config and --load are both given, expected one: a saved channel has \
                   its configuration with it\n";
    check(&["--load", "a", "--config", "b"], "", ("", message, 2));
}

#[test]
fn help_and_version_go_to_standard_output() {
    check(&["--version"], "", (concat!("parlor ", env!("CARGO_PKG_VERSION"), "\n"), "", 0));
    let output = run(&["--help"], "");
    let help = String::from_utf8(output.stdout).unwrap();
    for option in [
        "--config FILE",
        "--load FILE",
        "--save FILE",
        "--keep-going",
        "--stats",
        "-h, --help",
        "-V, --version",
    ] {
        assert!(help.contains(&format!("\n  {option} ")), "{help}");
    }
    assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

/// A line of the help for each event: its name, the fields it must have, and those it may have.
#[test]
fn the_help_lists_the_events_and_their_fields() {
    let help = String::from_utf8(run(&["--help"], "").stdout).unwrap();
    let kinds = parlor::EventKind::ALL.map(parlor::EventKind::label);
    let rows: Vec<_> = help
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| kinds.contains(&line.split(' ').next().unwrap()))
        .collect();
    let names: Vec<_> = rows.iter().map(|row| row.split(' ').next().unwrap()).collect();
    assert_eq!(names, kinds, "{help}");

    for row in rows {
        let (name, fields) = row.split_once(' ').unwrap_or((row, ""));
        let (required, optional) = fields.split_once('[').unwrap_or((fields, ""));
        let value = |field: &str| match field {
            "now_ms" | "request" => "5",
            "messages" | "topics" => "[]",
            "what" => "\"rooms\"",
            "target" => "\"everyone\"",
            "to" => "\"join\"",
            "reason" => "\"join_denied\"",
            _ => "\"x\"",
        };
        let object = |fields: &[&str]| {
            let fields = fields.iter().map(|field| format!("\"{field}\":{}", value(field)));
            format!("{{\"{name}\":{{{}}}}}", fields.collect::<Vec<_>>().join(","))
        };
        let required: Vec<_> = required.split_whitespace().collect();
        for left_out in 0..required.len() {
            let mut fields = required.clone();
            let field = fields.remove(left_out);
            let message = String::from_utf8(run(&[], object(&fields)).stderr).unwrap();
            assert!(message.contains(&format!("missing field `{field}`")), "{message}");
        }
        let all = if required.is_empty() { format!("\"{name}\"") } else { object(&required) };
        check_is_read(&all);
        for field in optional.trim_end_matches(']').split_whitespace() {
            let open = all.strip_suffix("}}").unwrap();
            check_is_read(&format!("{open},\"{field}\":null}}}}"));
        }
    }
}

fn check_is_read(line: &str) {
    let output = run(&[], line);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line}");
}

#[test]
fn the_example_in_the_help_works() {
    let help = String::from_utf8(run(&["--help"], "").stdout).unwrap();
    let (_, example) = help.split_once("echo '").unwrap();
    let (line, _) = example.split_once('\'').unwrap();
    let output = run(&[], format!("{line}\n"));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout.split(|byte| *byte == b'\n').count(), 4);
}

#[test]
fn a_configuration_sets_the_channel_up() {
    let config = r#"{"rooms":[{"pattern":"t","presence":"off","name":"Tea"}]}"#;
    let path = file("tea.json", config);
    let joined = r#"{"reply":{"to":"join","client_id":"c1","topic":"t","status":"ok","payload":{"epoch":1,"offset":0,"name":"Tea"}}}"#;
    let arguments = ["--config", path.to_str().unwrap()];
    check(&arguments, JOIN, (&format!("{joined}\n"), "", 0));
}

#[test]
fn a_line_may_be_as_long_as_the_payloads_of_the_configuration() {
    let path = file("long.json", r#"{"limits":{"payload_bytes":70000}}"#);
    let arguments = ["--config", path.to_str().unwrap()];
    let padded = |bytes: usize| format!("{}{JOIN}", " ".repeat(bytes - JOIN.len()));
    check(&arguments, padded(16 * 70_000), (JOINED, "", 0));
    let message =
        "parlor: <stdin>:1:1120001: the line is too long, expected at most 1120000 bytes\n";
    check(&arguments, padded(16 * 70_000 + 1), ("", message, 2));
}

#[test]
fn what_is_wrong_with_a_configuration_is_told_with_file_place_and_path() {
    let bad = "{\n  \"rooms\": [\n    {\"pattern\": \"t\", \"max_members\": -1}\n  ]\n}\n";
    let path = file("bad.json", bad);
    let path = path.to_str().unwrap();
    let message = format!(
        "parlor: {path}:3:38: rooms[0].max_members: invalid value: integer `-1`, expected a whole \
         number from 0 to 4294967295\n"
    );
    check(&["--config", path], JOIN, ("", &message, 2));

    let path = file("empty.json", "");
    let path = path.to_str().unwrap();
    let message = format!("parlor: {path}:1:1: the text ends too early, expected a value\n");
    check(&["--config", path], JOIN, ("", &message, 2));

    let path = file("latin.json", b"\xe9");
    for path in ["", "there is no such file", path.to_str().unwrap()] {
        let output = run(&["--config", path], JOIN);
        let message = String::from_utf8(output.stderr).unwrap();
        let name = if path.is_empty() { "\"\"" } else { path };
        assert!(message.starts_with(&format!("parlor: {name}: can't be read: ")), "{message}");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    }
}

#[test]
fn the_configurations_that_are_shown_work() {
    let help = String::from_utf8(run(&["--help"], "").stdout).unwrap();
    let start = help.find("{\"limits\"").unwrap();
    let end = start + help[start..].find("]}").unwrap() + 2;
    let shown = file("help.json", &help[start..end]);
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/config.json");
    for path in [shown, example] {
        let output = run(&["--config", path.to_str().unwrap()], JOIN.replace("\"t\"", "\"lobby\""));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert_eq!(output.stdout.split(|byte| *byte == b'\n').count(), 4);
    }
}

#[test]
fn each_line_is_answered_before_more_is_awaited() {
    let mut talk = Talk::start();
    talk.write(&format!("{JOIN}\n"));
    talk.hear(JOINED);
    talk.write(&format!("{LEAVE}\n"));
    talk.hear(LEFT);
    assert_eq!(talk.end(), Some(0));
}

#[test]
fn half_a_line_is_waited_for() {
    let mut talk = Talk::start();
    let (half, rest) = JOIN.split_at(20);
    // Once the first line is answered, the half that came with it has been read.
    talk.write(&format!("{JOIN}\n{LEAVE}\n{half}"));
    talk.hear(&format!("{JOINED}{LEFT}"));
    talk.write(&format!("{rest}\n"));
    talk.hear(
        &JOINED.replace(r#""epoch":1"#, r#""epoch":2"#).replace(r#""ref":"1""#, r#""ref":"2""#),
    );
    assert_eq!(talk.end(), Some(0));
}

#[test]
fn an_end_in_the_middle_of_a_line_is_reported() {
    let mut talk = Talk::start();
    talk.write(&format!("{JOIN}\n{{\"lea"));
    talk.hear(JOINED);
    assert_eq!(talk.end(), Some(2));
}

#[test]
fn nobody_reading_is_a_quiet_end() {
    let mut child = parlor(&["--stats"]).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(format!("{JOIN}\n").as_bytes()).unwrap();
    let mut first = String::new();
    stdout.read_line(&mut first).unwrap();
    assert!(JOINED.starts_with(&first));
    drop(stdout);

    // It notices when it writes, after which it no longer reads.
    while stdin.write_all(format!("{JOIN}\n").as_bytes()).is_ok() {}
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_reported() {
    for (arguments, input) in [(&[][..], JOIN), (&["--help"], "")] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut child = parlor(arguments).stdout(full).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
        let output = child.wait_with_output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.starts_with("parlor: can't write to standard output: "), "{message}");
        assert_eq!(output.status.code(), Some(1));
    }
}

/// Several rooms, users with several clients, refusals and a crash.
fn busy() -> String {
    let mut lines = String::new();
    for number in 0..2_000_u32 {
        let (client, topic) = (number * 7 % 31, number * 5 % 7);
        let user = client % 11;
        let line = match number % 5 {
            0 | 1 => format!(
                r#"{{"join":{{"client_id":"c{client}","topic":"t{topic}","user_id":"u{user}","now_ms":{number}}}}}"#
            ),
            2 => format!(r#"{{"leave":{{"client_id":"c{client}","topic":"t{topic}"}}}}"#),
            _ => format!(
                r#"{{"broadcast":{{"client_id":"c{client}","topic":"t{topic}","payload":{number}}}}}"#
            ),
        };
        lines.push_str(&line);
        lines.push('\n');
    }
    lines + "{\"crash\":{\"reason\":\"boom\"}}\n\"restart\"\n"
}

#[test]
fn two_runs_write_the_same_bytes() {
    let (first, second) = (run(&[], busy()), run(&[], busy()));
    assert!(first.stdout.len() > 100_000, "the runs have something to say");
    assert_eq!(first.stdout, second.stdout);
}

#[test]
fn stats_count_what_was_written() {
    let output = run(&["--stats", "--keep-going"], busy() + "nope\n");
    assert_eq!(output.status.code(), Some(1));
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let stat = |name: &str| -> Option<usize> {
        let line = stderr.lines().find_map(|line| line.strip_prefix(&format!("{name:<20}")))?;
        Some(line.trim().parse().unwrap())
    };
    let lines_with = |text: &str| Some(stdout.lines().filter(|line| line.contains(text)).count());

    assert_eq!(stat("events"), Some(2_002));
    assert_eq!(stat("  join"), Some(800));
    assert_eq!(stat("  leave"), Some(400));
    assert_eq!(stat("  broadcast"), Some(800));
    assert_eq!(stat("  crash"), Some(1));
    assert_eq!(stat("  restart"), Some(1));
    assert_eq!(stat("  push"), None);
    assert_eq!(stat("bad lines"), Some(1));
    let errors = stdout.lines().filter(|line| line.starts_with(r#"{"error":"#)).count();
    assert_eq!((stat("outbound"), errors), (Some(stdout.lines().count() - 1), 1));
    for label in
        ["reply", "presence_state", "presence_diff", "broadcast_message", "closed", "system"]
    {
        assert_eq!(stat(&format!("  {label}")), lines_with(&format!("{{\"{label}\":")), "{label}");
    }
    assert_eq!(stat("refusals"), lines_with(r#""status":"error""#));
    for reason in ["unknown_client", "not_member"] {
        assert_eq!(stat(&format!("  {reason}")), lines_with(&format!(r#""reason":"{reason}""#)));
    }
    assert_eq!(stat("topics left"), Some(0));
    assert_eq!(stat("clients left"), Some(0));
    assert_eq!(stat("memberships left"), Some(0));
    assert_eq!(stat("bytes read"), Some(busy().len() + "nope\n".len()));
    assert_eq!(stat("bytes written"), Some(stdout.len()));
    assert!(stat("events a second").is_some() && stat("microseconds").is_some());
}

#[test]
fn stats_count_what_is_left() {
    let other = JOIN.replace("c1", "c2");
    let other_topic = JOIN.replace("\"t\"", "\"t2\"");
    let output = run(&["--stats"], format!("{JOIN}\n{other}\n{other_topic}\n"));
    let stderr = String::from_utf8(output.stderr).unwrap();
    for row in ["topics left                      2", "memberships left                 3"] {
        assert!(stderr.lines().any(|line| line == row), "{stderr}");
    }
}

/// So many that come to one room that the lists of who is present make more than 16 MB.
fn loud() -> String {
    let join = |number| JOIN.replace("c1", &format!("client-{number:09}"));
    (0..650).map(|number| join(number) + "\n").collect()
}

#[test]
fn a_long_run_without_a_terminal_shows_no_progress() {
    let output = run(&[], loud());
    assert!(output.stdout.len() > 1 << 24, "the run is long");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// What the line looks like is tested beside its code; this is that it appears, and goes.
#[cfg(target_os = "linux")]
#[test]
fn a_long_run_shows_its_progress_on_a_terminal() {
    if Command::new("script").arg("--version").output().is_err() {
        writeln!(std::io::stderr(), "SKIPPED: there is no program `script` to make a terminal")
            .unwrap();
        return;
    }
    let input = file("loud.ndjson", loud());
    let shown = |input: &Path, rest: &str| {
        let run = format!("{} {} {rest}", env!("CARGO_BIN_EXE_parlor"), input.display());
        let output = Command::new("script").args(["-qec", &run, "/dev/null"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };

    let long = shown(&input, ">/dev/null");
    assert!(long.starts_with("\rparlor: 0 MB (") && long.contains(" MB written"), "{long:?}");
    assert!(long.ends_with(" \r"), "{long:?}");

    let short = file("short.ndjson", JOIN);
    assert_eq!(shown(&short, ">/dev/null"), "");
    assert_eq!(shown(&short, ""), JOINED.replace('\n', "\r\n"));
}
