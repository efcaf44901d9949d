//! The table of a report, and where it stands in the page.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

use crate::{
    compare::{Measured, Report},
    fan_out::FannedOut,
};

/// Between these lines of the page everything is written by this program.
const BEGIN: &str = "<!-- written by parlor-load: begin -->\n";
const END: &str = "<!-- written by parlor-load: end -->\n";

/// Puts the table into the page, in place of the one before. A page that is not there is begun.
pub(crate) fn write(path: &Path, report: &Report) -> Result<()> {
    let empty = format!("# Performance\n\n{BEGIN}{END}");
    let page = if path.exists() { fs::read_to_string(path)? } else { empty };
    let expected = || format!("expected the lines {BEGIN}{END}in {}", path.display());
    let (before, rest) = page.split_once(BEGIN).with_context(expected)?;
    let (_, after) = rest.split_once(END).with_context(expected)?;
    let written = text(report)?;
    fs::write(path, format!("{before}{BEGIN}\n{written}\n{END}{after}"))?;
    Ok(())
}

fn text(report: &Report) -> Result<String> {
    let machine = &report.machine;
    let cores = if report.had_cores_apart {
        "Server and generator had a core each, on one machine."
    } else {
        "Server and generator shared the cores of one machine, so they were in each other's way."
    };
    let quick = if report.is_quick {
        "\n\n**A quick run, which says that it works and not how fast anything is.**"
    } else {
        ""
    };
    Ok(format!(
        "`{}`, {}, {} cores of {} with {} GiB, {}. {cores} parlor {}, socket.io {} on Node {}, \
         axum {} with tokio {}.{quick}\n\n{}\n![The same as a picture](performance.svg)\n",
        report.command,
        machine.date,
        machine.cores,
        machine.processor,
        machine.memory_gib,
        machine.kernel,
        machine.parlor,
        machine.socketio,
        machine.node,
        machine.axum,
        machine.tokio,
        table(report)?,
    ))
}

/// One line a quantity, one column a server.
fn table(report: &Report) -> Result<String> {
    let mut lines = Vec::new();
    let mut line = |name: String, value: &dyn Fn(&Measured) -> Option<String>| {
        let values =
            report.servers.iter().map(|server| value(server).unwrap_or_else(|| "–".to_owned()));
        lines.push(format!("| {name} | {} |", values.collect::<Vec<_>>().join(" | ")));
    };
    line(String::new(), &|server| Some(server.target.name().to_owned()));
    line("---".to_owned(), &|_| Some("---:".to_owned()));
    let first = report.servers.first().context("expected servers, got none")?;
    line(format!("memory a connection, {} idle", count(&first.idle.connections)), &|server| {
        Some(format!("{:.1} KiB", server.idle.kib_each))
    });
    line("the same in rooms that show who is there".to_owned(), &|server| {
        Some(format!("{:.1} KiB", server.idle_with_presence.as_ref()?.kib_each))
    });
    for (at, fanned_out) in first.fan_out.iter().enumerate() {
        let of = |value: fn(&FannedOut) -> String| {
            move |server: &Measured| server.fan_out.get(at).map(value)
        };
        let (members, rate) = (count(&fanned_out.members), fanned_out.latency.rate);
        let calm = format!("{members} members, {} deliveries a second", count(&rate));
        line(
            format!("{members} members, as much as gets through: deliveries a CPU second"),
            &of(|fanned_out| rounded(fanned_out.per_cpu_second)),
        );
        line(
            format!("{calm}: deliveries a CPU second"),
            &of(|fanned_out| rounded(fanned_out.latency.per_cpu_second)),
        );
        line(
            format!("{calm}: latency p50 / p90 / p99 / max in ms"),
            &of(|fanned_out| {
                let latency = &fanned_out.latency;
                let all = [latency.p50_ms, latency.p90_ms, latency.p99_ms, latency.max_ms];
                all.map(|value| format!("{value:.1}")).join(" / ")
            }),
        );
    }
    line("joins and leaves a CPU second".to_owned(), &|server| {
        Some(rounded(server.storm.per_cpu_second))
    });
    line("the same where each is announced to the room".to_owned(), &|server| {
        server.storm_with_presence.as_ref().map(|storm| rounded(storm.per_cpu_second))
    });
    line("deliveries checked".to_owned(), &|server| {
        Some(count(&server.fan_out.iter().map(|fanned_out| fanned_out.checked).sum::<u64>()))
    });
    Ok(lines.join("\n") + "\n")
}

/// Three digits that count: more would say what is not so.
fn rounded(value: f64) -> String {
    let mut unit = 1.0;
    while value / unit >= 1_000.0 {
        unit *= 10.0;
    }
    count(&format!("{:.0}", (value / unit).round() * unit))
}

/// A whole number with its thousands apart.
pub(crate) fn count(number: &impl ToString) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_easily() {
        assert_eq!(count(&5), "5");
        assert_eq!(count(&1_000), "1,000");
        assert_eq!(rounded(123_456.7), "123,000");
        assert_eq!(rounded(999.6), "1,000");
        assert_eq!(rounded(0.0), "0");
    }
}
