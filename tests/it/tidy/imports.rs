//! Who knows whom: what modules import, against the table in ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::File;

/// What each module imports of the others.
type Imports<'a> = BTreeMap<&'a str, BTreeSet<String>>;

/// Where the sources and the table differ, and where the table is not in order: a module stands
/// below all that it imports.
pub(super) fn unlike_the_table(files: &[File], page: &str) -> Vec<String> {
    let (imports, table) = (imports(files), table(page));
    let mut broken = Vec::new();
    let mut above = BTreeSet::new();
    for (module, allowed) in &table {
        for import in allowed.iter().filter(|import| !above.contains(import.as_str())) {
            broken.push(format!("{module} stands above {import}, which it imports"));
        }
        if !above.insert(*module) {
            broken.push(format!("the table has two rows for {module}"));
        }
        let Some(used) = imports.get(module) else {
            broken.push(format!("the table has a row for {module}, which is no module"));
            continue;
        };
        for import in used.difference(allowed) {
            broken.push(format!("{module} imports {import}, which the table does not allow"));
        }
        for import in allowed.difference(used) {
            broken.push(format!("the table lets {module} import {import}, which it does not"));
        }
    }
    for module in imports.keys().filter(|module| !above.contains(**module)) {
        broken.push(format!("the table has no row for {module}"));
    }
    broken
}

/// The modules that import `module`.
pub(super) fn importers<'a>(files: &'a [File], module: &str) -> Vec<&'a str> {
    let imports = imports(files);
    let importing = imports.into_iter().filter(|(_, imports)| imports.contains(module));
    importing.map(|(importer, _)| importer).collect()
}

/// The rows under `## Imports`, in order.
fn table(page: &str) -> Vec<(&str, BTreeSet<String>)> {
    let section = page.split("\n## Imports\n").nth(1).expect("the page has a section on imports");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"));
    let rows = rows.filter_map(|row| row.split_once("` | "));
    rows.map(|(module, allowed)| {
        let names = allowed.split(", ").filter(|name| *name != "nothing");
        (module, names.map(|name| name.trim_matches('`').to_owned()).collect())
    })
    .collect()
}

fn imports(files: &[File]) -> Imports<'_> {
    let mut imports = Imports::new();
    for file in files.iter().filter(|file| file.path != "src/lib.rs") {
        let module = file.module();
        let of_module = imports.entry(module).or_default();
        let code = file.code();
        for (at, root) in code.match_indices("crate::") {
            let rest = &code[at + root.len()..];
            of_module.extend(names(rest).into_iter().filter(|name| name != module));
        }
    }
    imports
}

/// The modules at the head of what follows a `crate::`: one path, or several in braces.
fn names(rest: &str) -> Vec<String> {
    let ident = |text: &str| -> String {
        text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(group) = rest.strip_prefix('{') else { return vec![ident(rest)] };

    let (mut depth, mut names, mut start) = (0, Vec::new(), 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.push(ident(&group[start..at]));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}
