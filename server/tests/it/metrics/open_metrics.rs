//! Reads the text form of OpenMetrics 1.0, and takes nothing that is not in it.

use std::collections::{BTreeMap, BTreeSet};

/// What a page says.
#[derive(Debug, Default)]
pub struct Page {
    pub families: BTreeMap<String, Family>,
    /// By name and labels, as they are written.
    pub samples: BTreeMap<String, f64>,
    /// The names and the values of labels that occur.
    pub labels: BTreeSet<(String, String)>,
}

#[derive(Debug, Default)]
pub struct Family {
    pub kind: String,
    pub help: String,
    pub unit: String,
    names: BTreeSet<&'static str>,
}

impl Page {
    /// Reads a page, or says what is wrong with which line.
    pub fn read(text: &str) -> Result<Self, String> {
        let lines = text.strip_suffix("# EOF\n").ok_or("the page does not end with `# EOF`")?;
        let mut page = Self::default();
        let mut family = String::new();
        for line in lines.split_terminator('\n') {
            let read = match line.strip_prefix("# ") {
                Some(said) => page.metadata(&mut family, said),
                None => page.sample(&family, line),
            };
            read.map_err(|wrong| format!("{wrong}: {line}"))?;
        }
        page.check_histograms()?;
        Ok(page)
    }

    pub fn of(&self, sample: &str) -> f64 {
        *self.samples.get(sample).unwrap_or_else(|| panic!("there is no {sample}"))
    }

    fn metadata(&mut self, current: &mut String, said: &str) -> Result<(), String> {
        let mut words = said.splitn(3, ' ');
        let (what, name, text) = (words.next(), words.next(), words.next());
        let (Some(what), Some(name), Some(text)) = (what, name, text) else {
            return Err("expected a word, a name and a text".into());
        };
        check_name(name)?;
        if *current != name {
            if self.families.contains_key(name) {
                return Err("the family is in two places".into());
            }
            name.clone_into(current);
        }
        let family = self.families.entry(name.to_owned()).or_default();
        if !family.names.is_empty() {
            return Err("samples come before".into());
        }
        let place = match what {
            "HELP" => &mut family.help,
            "TYPE" if ["counter", "gauge", "histogram", "info"].contains(&text) => &mut family.kind,
            "UNIT" if name.ends_with(&format!("_{text}")) => &mut family.unit,
            _ => return Err("expected HELP, a TYPE that is known, or the UNIT of the name".into()),
        };
        if !place.is_empty() || text.is_empty() {
            return Err("expected it once".into());
        }
        text.clone_into(place);
        Ok(())
    }

    fn sample(&mut self, current: &str, line: &str) -> Result<(), String> {
        let (series, value) = line.rsplit_once(' ').ok_or("expected a value")?;
        let value: f64 = value.parse().map_err(|_| "expected a number")?;
        let (name, labels) = match series.split_once('{') {
            None => (series, Vec::new()),
            Some((name, labels)) => {
                let inside = labels.strip_suffix('}').ok_or("expected a closing brace")?;
                (name, read_labels(inside)?)
            }
        };
        check_name(name)?;
        let rest = name.strip_prefix(current).filter(|_| !current.is_empty());
        let rest = rest.ok_or("the sample is of another family")?;
        let family = self.families.get_mut(current).ok_or("the family has no TYPE")?;
        let allowed: &[&str] = match family.kind.as_str() {
            "counter" => &["_total"],
            "gauge" => &[""],
            "histogram" => &["_bucket", "_sum", "_count"],
            "info" => &["_info"],
            _ => return Err("the family has no TYPE".into()),
        };
        let suffix = allowed.iter().find(|suffix| **suffix == rest);
        family.names.insert(suffix.ok_or("the name is not one of its type")?);
        if value < 0.0 || value.is_nan() || (rest == "_info" && value != 1.0) {
            return Err("the value can't be".into());
        }
        if (rest == "_bucket") != labels.iter().any(|(name, _)| name == "le") {
            return Err("expected `le` of buckets, and of nothing else".into());
        }
        let names: BTreeSet<_> = labels.iter().map(|(name, _)| name).collect();
        if names.len() < labels.len() {
            return Err("a label occurs twice".into());
        }
        self.labels.extend(labels);
        if self.samples.insert(series.to_owned(), value).is_some() {
            return Err("the sample occurs twice".into());
        }
        Ok(())
    }

    /// Histograms here have no labels of their own.
    fn check_histograms(&self) -> Result<(), String> {
        for (name, family) in &self.families {
            if family.kind.is_empty() || family.help.is_empty() {
                return Err(format!("{name} has no TYPE or no HELP"));
            }
            if family.kind != "histogram" {
                continue;
            }
            let start = format!("{name}_bucket{{le=\"");
            let buckets = self.samples.iter().filter_map(|(series, count)| {
                let bound = series.strip_prefix(&start)?.strip_suffix("\"}")?;
                Some((bound.parse::<f64>().expect("a bound is a number"), *count))
            });
            let mut buckets: Vec<_> = buckets.collect();
            buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
            let is_growing = buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1);
            let last = buckets.last().ok_or_else(|| format!("{name} has no buckets"))?;
            let count = self.of(&format!("{name}_count"));
            if !is_growing || last.0.is_finite() || last.1 != count {
                return Err(format!("{name} has buckets that do not add up: {buckets:?}"));
            }
        }
        Ok(())
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let is_first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let is_name = name.bytes().next().is_some_and(is_first)
        && name.bytes().all(|byte| is_first(byte) || byte.is_ascii_digit());
    if is_name { Ok(()) } else { Err(format!("{name:?} is no name")) }
}

fn read_labels(mut text: &str) -> Result<Vec<(String, String)>, String> {
    let mut labels = Vec::new();
    loop {
        let (name, rest) = text.split_once("=\"").ok_or("expected a label")?;
        check_name(name)?;
        // None of ours has anything to escape.
        let (value, rest) = rest.split_once('"').ok_or("expected the end of a label")?;
        if value.contains('\\') {
            return Err("an escape in a label, which none of ours needs".into());
        }
        labels.push((name.to_owned(), value.to_owned()));
        if rest.is_empty() {
            return Ok(labels);
        }
        text = rest.strip_prefix(',').ok_or("expected a comma")?;
    }
}

#[test]
fn what_is_no_page_is_not_taken() {
    let check = |lines: &str, expected: &str| {
        let read = Page::read(&format!("{lines}# EOF\n"));
        let wrong = read.expect_err(lines);
        assert!(wrong.starts_with(expected), "{lines}: {wrong}");
    };
    let head = "# HELP a_b x\n# TYPE a_b counter\n";
    let read = Page::read(&format!("{head}a_b_total{{c=\"d\",e=\"\"}} 1\n# EOF\n")).unwrap();
    assert_eq!(read.samples.keys().collect::<Vec<_>>(), ["a_b_total{c=\"d\",e=\"\"}"]);
    assert!(Page::read("").is_err() && Page::read("# EOF\n\n").is_err());
    check(&format!("{head}a_b 1\n"), "the name is not one of its type");
    check(&format!("{head}a_c_total 1\n"), "the sample is of another family");
    check(&format!("{head}a_b_total -1\n"), "the value can't be");
    check(&format!("{head}a_b_total 1\na_b_total 2\n"), "the sample occurs twice");
    check(&format!("{head}a_b_total{{c=\"d\" 2\n"), "expected a closing brace");
    check(&format!("{head}a_b_total{{c=\"d\",c=\"e\"}} 2\n"), "a label occurs twice");
    check(&format!("{head}\n"), "expected a value");
    check(&format!("{head}{head}"), "expected it once");
    check("# TYPE a_b counter\na_b_total 1\n", "a_b has no TYPE or no HELP");
    check("# HELP a_b x\na_b 1\n", "the family has no TYPE");
    check("a_b 1\n", "the sample is of another family");
    check("# UNIT a_b bytes\n", "expected HELP, a TYPE that is known, or the UNIT of the name");
    let histogram = "# HELP h x\n# TYPE h histogram\nh_sum 1\nh_count 2\n";
    check(histogram, "h has no buckets");
    check(&format!("{histogram}h_bucket 2\n"), "expected `le` of buckets");
    let bad = "h_bucket{le=\"1.0\"} 3\nh_bucket{le=\"+Inf\"} 2\n";
    check(&format!("{histogram}{bad}"), "h has buckets that do not add up");
    let short = "h_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 1\n";
    check(&format!("{histogram}{short}"), "h has buckets that do not add up");
}
