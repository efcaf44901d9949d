//! `docs/sources.md` against what there is: every feature is there once, and so is every test that
//! it names.

use super::sources::File;

/// The five sources, each with how many features its list has.
const SOURCES: [(char, usize); 5] = [('P', 23), ('N', 18), ('D', 80), ('L', 20), ('S', 26)];

/// What stands in the place of tests where a feature is none of the core's.
const MARK: &str = "the server's";

/// The features that are not on the page once, and the rows that nothing shows.
pub(super) fn features_amiss(page: &str) -> Vec<String> {
    let rows: Vec<_> = page.lines().filter_map(row).collect();
    let mut broken = Vec::new();
    let features = SOURCES
        .iter()
        .flat_map(|&(source, count)| (1..=count).map(move |number| format!("{source}{number}")));
    let features: Vec<_> = features.collect();
    for feature in &features {
        match rows.iter().filter(|[number, ..]| number == feature).count() {
            1 => {}
            count => broken.push(format!("{feature} has {count} rows, expected 1")),
        }
    }
    for [number, _, _, shown_by] in &rows {
        if !features.iter().any(|feature| feature == number) {
            broken.push(format!("{number} is no feature of the five lists"));
        }
        if tests(shown_by).count() == 0 && *shown_by != MARK {
            broken.push(format!("{number} names no test, expected one or `{MARK}`"));
        }
    }
    broken
}

/// The tests on the page that are not there, neither as scenarios nor as functions.
pub(super) fn tests_amiss(page: &str, scenarios: &[&str], files: &[File]) -> Vec<String> {
    let missing = tests(page).filter(|test| !exists(test, scenarios, files));
    missing.map(|test| format!("there is no test {test}")).collect()
}

/// The four cells of a row that is about a feature.
fn row(line: &str) -> Option<[&str; 4]> {
    let cells: Vec<_> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
    let (source, number) = cells.first()?.split_at_checked(1)?;
    let is_feature = source.chars().all(|c| c.is_ascii_uppercase()) && number.parse::<u8>().is_ok();
    is_feature.then(|| cells.try_into().ok())?
}

/// The paths in backticks that are tests: all in lower case, as no other path on the page is.
fn tests(text: &str) -> impl Iterator<Item = &str> {
    let is_path = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '_' | ':');
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(move |quoted| quoted.contains("::") && quoted.chars().all(is_path))
}

fn exists(test: &str, scenarios: &[&str], files: &[File]) -> bool {
    let Some((modules, name)) = test.rsplit_once("::") else { return false };
    if modules == "scenarios" {
        return scenarios.contains(&name);
    }
    let file = modules.replace("::", "/");
    let within = file.strip_suffix("/tests").unwrap_or(&file);
    let homes: Vec<_> = match file.strip_prefix("server/") {
        Some(file) => vec![format!("server/tests/{file}.rs")],
        None => ["src", "tests", "tests/it"]
            .iter()
            .flat_map(|folder| [&file, within].map(|module| format!("{folder}/{module}.rs")))
            .collect(),
    };
    let function = format!("fn {name}(");
    let mut files = files.iter().filter(|file| homes.contains(&file.path));
    let is_it = |line: &str| {
        let line = line.trim();
        line.strip_prefix("async ").unwrap_or(line).starts_with(&function)
    };
    files.any(|file| file.text.lines().any(is_it))
}

/// A page on which every feature is a row of that end.
fn page(shown_by: &str) -> String {
    let rows = SOURCES.iter().flat_map(|&(source, count)| {
        (1..=count).map(move |number| format!("| {source}{number} | a | `A::b` | {shown_by} |\n"))
    });
    format!("| number | feature |\n| --- | --- |\n{}", rows.collect::<String>())
}

fn check(page: &str, expected: &[&str]) {
    assert_eq!(features_amiss(page), expected);
}

#[test]
fn each_feature_has_one_row() {
    check(&page("`a::b`"), &[]);
    check(&page(MARK), &[]);
    check(
        &page("`a::b`").replace("| D80 |", "| D8 |"),
        &["D8 has 2 rows, expected 1", "D80 has 0 rows, expected 1"],
    );
    check(&page("`a::b`").replace("| P7 | a |", "| P7 | a | b |"), &["P7 has 0 rows, expected 1"]);
    check(
        &(page("`a::b`") + "| P24 | a | b | `a::b` |\n"),
        &["P24 is no feature of the five lists"],
    );
}

#[test]
fn each_feature_is_shown_or_marked() {
    for shown_by in ["", "later", "`A::b`", "`ab`"] {
        let broken = features_amiss(&page("`a::b`").replacen("`a::b`", shown_by, 1));
        assert_eq!(broken.len(), 1, "{shown_by}: {broken:?}");
    }
}

#[test]
fn a_test_that_is_not_there() {
    let file = |path: &str, text: &str| File { path: path.into(), text: text.into() };
    let files = [
        file("src/rate.rs", "mod tests {\n    #[test]\n    fn a() {}\n}"),
        file("src/config/file/tests.rs", "#[test]\nfn b() {}"),
        file("tests/it/guard/harm.rs", "#[test]\nfn c() {}\n// fn d() {}"),
        file("tests/allocations.rs", "#[test]\nfn e() {}"),
    ];
    let check = |test: &str, expected: &[&str]| {
        let page = format!("`A::b`, `scenarios::NAME`, `{test}`.");
        assert_eq!(tests_amiss(&page, &["chat"], &files), expected);
    };
    for test in [
        "scenarios::chat",
        "rate::tests::a",
        "config::file::tests::b",
        "guard::harm::c",
        "allocations::e",
    ] {
        check(test, &[]);
    }
    check("scenarios::chats", &["there is no test scenarios::chats"]);
    check("rate::tests::b", &["there is no test rate::tests::b"]);
    check("guard::c", &["there is no test guard::c"]);
    check("guard::harm::d", &["there is no test guard::harm::d"]);
    check("tests::allocations::e", &["there is no test tests::allocations::e"]);
}
