//! A report as bars, in SVG: one group a quantity, one bar a server, each group on a scale of its
//! own. Its colours go with light and dark pages.

use std::fmt::Write as _;

use crate::{
    compare::{Measured, Report},
    dialect::Target,
    page::count,
};

const WIDTH: u32 = 760;
const LEFT: u32 = 90;
const RIGHT: u32 = 110;
const BAR: u32 = 18;
const GAP: u32 = 4;
const TITLE: u32 = 26;
const MARGIN: u32 = 16;

const HEAD: &str = "<style>
text{font:13px system-ui,sans-serif;fill:#1f2328}
.title{font-weight:600}
.parlor{fill:#2563c9}.socketio{fill:#8a5a00}.axum{fill:#5b6470}
.page{fill:#ffffff}
@media (prefers-color-scheme: dark){
text{fill:#e6edf3}
.parlor{fill:#6ea8ff}.socketio{fill:#e0a53a}.axum{fill:#9aa4b0}
.page{fill:#0d1117}
}
</style>
";

/// Bars that are compared with each other.
struct Group {
    title: String,
    bars: Vec<(Target, f64)>,
    unit: &'static str,
}

pub(crate) fn draw(report: &Report) -> String {
    let mut body = String::new();
    let mut top = MARGIN;
    for group in groups(report) {
        draw_group(&mut body, &group, &mut top);
    }
    let height = top + MARGIN;
    let label = "Memory a connection, deliveries and joins a CPU second, by server";
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{label}\">\n{HEAD}\
         <rect class=\"page\" width=\"{WIDTH}\" height=\"{height}\"/>\n{body}</svg>\n"
    )
}

fn groups(report: &Report) -> Vec<Group> {
    let bars = |value: &dyn Fn(&Measured) -> Option<f64>| -> Vec<(Target, f64)> {
        let servers = report.servers.iter();
        servers.filter_map(|server| Some((server.target, value(server)?))).collect()
    };
    let mut groups = vec![Group {
        title: "Memory a connection, idle (less is better)".to_owned(),
        bars: bars(&|server| Some(server.idle.kib_each)),
        unit: " KiB",
    }];
    let sizes = report.servers.first().map_or(&[][..], |server| &server.fan_out);
    for (at, size) in sizes.iter().enumerate() {
        let members = count(&size.members);
        groups.push(Group {
            title: format!("Deliveries a CPU second, {members} members, as much as gets through"),
            bars: bars(&|server| server.fan_out.get(at).map(|fanned| fanned.per_cpu_second)),
            unit: "",
        });
        groups.push(Group {
            title: format!(
                "Deliveries a CPU second, {members} members, {} a second",
                count(&size.latency.rate)
            ),
            bars: bars(&|server| {
                server.fan_out.get(at).map(|fanned| fanned.latency.per_cpu_second)
            }),
            unit: "",
        });
    }
    groups.push(Group {
        title: "Joins and leaves a CPU second".to_owned(),
        bars: bars(&|server| Some(server.storm.per_cpu_second)),
        unit: "",
    });
    groups
}

fn draw_group(body: &mut String, group: &Group, top: &mut u32) {
    let most =
        group.bars.iter().map(|(_, value)| *value).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let mut put = |text: String| {
        // A text takes what is written to it.
        writeln!(body, "{text}").ok();
    };
    put(format!("<text class=\"title\" x=\"{MARGIN}\" y=\"{}\">{}</text>", *top + 14, group.title));
    *top += TITLE;
    for (target, value) in &group.bars {
        let long = value / most * f64::from(WIDTH - LEFT - RIGHT);
        let class = match target {
            Target::Parlor => "parlor",
            Target::Socketio => "socketio",
            Target::Axum => "axum",
        };
        let (y, text_y) = (*top, *top + 14);
        let shown = if *value < 1_000.0 {
            format!("{value:.1}")
        } else {
            count(&format!("{:.0}", (value / 1_000.0).round() * 1_000.0))
        };
        put(format!("<text x=\"{MARGIN}\" y=\"{text_y}\">{}</text>", target.name()));
        put(format!(
            "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{y}\" width=\"{long:.1}\" height=\"{BAR}\" rx=\"2\"/>"
        ));
        let text_x = f64::from(LEFT) + long + 6.0;
        put(format!("<text x=\"{text_x:.1}\" y=\"{text_y}\">{shown}{}</text>", group.unit));
        *top += BAR + GAP;
    }
    *top += GAP * 2;
}
