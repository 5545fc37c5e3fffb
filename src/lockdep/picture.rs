//! Pictures of the lock graph, with the cycle or the path of a report marked.
//!
//! [`dot`] is for Graphviz; [`svg`] stands alone. Both draw the classes that a report names and the
//! edges between them, or the whole graph where there is no report.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::engine::Lockdep;
use super::engine::graph::{EN, ER, SN, SR, dependency_kind};
use super::engine::report::Report;
use super::types::ClassId;
use crate::quote;

/// An arrow of the picture.
struct Arrow {
    from: usize,
    to: usize,
    label: String,
    /// Part of what the report is about.
    marked: bool,
    /// The report kept it from becoming an edge.
    refused: bool,
}

/// What is drawn.
struct Picture {
    names: Vec<String>,
    arrows: Vec<Arrow>,
}

fn kinds_text(kinds: u8) -> String {
    let names = [(SR, "SR"), (ER, "ER"), (SN, "SN"), (EN, "EN")];
    let set: Vec<&str> = names.iter().filter(|(k, _)| kinds & k != 0).map(|(_, n)| *n).collect();
    set.join(" ")
}

/// The dependencies a report is about: neighbours on its paths, and held to new.
fn marked_pairs(lockdep: &Lockdep, report: &Report) -> BTreeSet<(ClassId, ClassId)> {
    let mut pairs = BTreeSet::new();
    for number in [0, 1] {
        for step in lockdep.report_path(report, number).windows(2) {
            pairs.extend([(step[0].class, step[1].class), (step[1].class, step[0].class)]);
        }
    }
    pairs.extend(new_pair(report).map(|(held, new, _)| (held, new)));
    pairs
}

/// The dependency that a report would not let in.
fn new_pair(report: &Report) -> Option<(ClassId, ClassId, u8)> {
    let (held, new) = (report.other?.lock, report.subject?.lock);
    Some((held.class(), new.class(), dependency_kind(held.read(), new.read())))
}

impl Picture {
    fn new(lockdep: &Lockdep, report: Option<&Report>) -> Picture {
        let ids: Vec<ClassId> = match report {
            Some(report) => {
                let ends = new_pair(report).into_iter().flat_map(|(held, new, _)| [held, new]);
                let named: BTreeSet<ClassId> =
                    lockdep.report_classes(report).into_iter().chain(ends).collect();
                named.into_iter().collect()
            }
            None => lockdep.class_ids().collect(),
        };
        let marked = report.map(|report| marked_pairs(lockdep, report)).unwrap_or_default();
        let place = |class: ClassId| ids.binary_search(&class).ok();
        let mut arrows: Vec<Arrow> = lockdep
            .edges()
            .iter()
            .filter_map(|edge| {
                Some(Arrow {
                    from: place(edge.from())?,
                    to: place(edge.to())?,
                    label: kinds_text(edge.kinds()),
                    marked: marked.contains(&(edge.from(), edge.to())),
                    refused: false,
                })
            })
            .collect();
        let refused = report.and_then(new_pair).and_then(|(held, new, kind)| {
            let (from, to) = (place(held)?, place(new)?);
            let label = kinds_text(kind);
            Some(Arrow { from, to, label, marked: true, refused: true })
        });
        let known = |arrow: &Arrow| arrows.iter().any(|a| (a.from, a.to) == (arrow.from, arrow.to));
        let refused: Vec<Arrow> = refused.into_iter().filter(|arrow| !known(arrow)).collect();
        arrows.extend(refused);
        let names = ids.iter().map(|id| lockdep.class_name(*id)).collect();
        Picture { names, arrows }
    }
}

fn quoted(text: &str) -> String {
    let text = quote::line(text);
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The graph in Graphviz's language.
pub fn dot(lockdep: &Lockdep, report: Option<&Report>) -> String {
    let picture = Picture::new(lockdep, report);
    let mut text = "digraph locks {\n    node [shape=box, fontname=\"monospace\"];\n".to_owned();
    for (n, name) in picture.names.iter().enumerate() {
        let _ = writeln!(text, "    n{n} [label={}];", quoted(name));
    }
    for arrow in &picture.arrows {
        let colour = if arrow.marked { ", color=red, penwidth=2" } else { "" };
        let style = if arrow.refused { ", style=dashed" } else { "" };
        let label = quoted(&arrow.label);
        let _ =
            writeln!(text, "    n{} -> n{} [label={label}{colour}{style}];", arrow.from, arrow.to);
    }
    text + "}\n"
}

const NODE_HEIGHT: f64 = 28.0;
const CHARACTER: f64 = 7.3;
const MARGIN: f64 = 20.0;

fn escaped(text: &str) -> String {
    let escape = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        c => c.to_string(),
    };
    quote::line(text).chars().map(escape).collect()
}

/// A point of the picture.
#[derive(Clone, Copy)]
struct Point {
    x: f64,
    y: f64,
}

impl Point {
    fn towards(self, other: Point, part: f64) -> Point {
        Point { x: self.x + (other.x - self.x) * part, y: self.y + (other.y - self.y) * part }
    }
}

/// The graph as an SVG image: classes on a ring, dependencies as curved arrows.
pub fn svg(lockdep: &Lockdep, report: Option<&Report>) -> String {
    let picture = Picture::new(lockdep, report);
    let longest = picture.names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let node_width = longest as f64 * CHARACTER + 16.0;
    let n = picture.names.len();
    let radius = (n as f64 * (NODE_HEIGHT + 24.0) / 3.0).max(70.0);
    let (width, height) =
        (2.0 * (radius + MARGIN) + node_width, 2.0 * (radius + MARGIN) + NODE_HEIGHT);
    let centre = Point { x: width / 2.0, y: height / 2.0 };
    let place = |i: usize| {
        let angle = std::f64::consts::TAU * i as f64 / n.max(1) as f64;
        Point { x: centre.x + radius * angle.sin(), y: centre.y - radius * angle.cos() }
    };
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"monospace\" font-size=\"12\">\n<defs>{}{}</defs>\n",
        arrow_head("a", "#555"),
        arrow_head("m", "#c00"),
    );
    for arrow in &picture.arrows {
        svg_arrow(&mut text, arrow, place(arrow.from), place(arrow.to), centre);
    }
    for (i, name) in picture.names.iter().enumerate() {
        svg_node(&mut text, &escaped(name), place(i), node_width);
    }
    text + "</svg>\n"
}

fn arrow_head(id: &str, colour: &str) -> String {
    format!(
        "<marker id=\"{id}\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" \
         markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">\
         <path d=\"M0 0L8 4L0 8z\" fill=\"{colour}\"/></marker>"
    )
}

fn svg_node(text: &mut String, name: &str, at: Point, width: f64) {
    let (x, y) = (at.x - width / 2.0, at.y - NODE_HEIGHT / 2.0);
    let _ = writeln!(
        text,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{NODE_HEIGHT}\" rx=\"4\" \
         fill=\"#fff\" stroke=\"#555\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">\
         {name}</text>",
        at.x,
        at.y + 4.0,
    );
}

/// An arrow, bent to its right so that there and back are two lines.
fn svg_arrow(text: &mut String, arrow: &Arrow, from: Point, to: Point, centre: Point) {
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let length = (dx * dx + dy * dy).sqrt();
    let bend = if arrow.from == arrow.to {
        from.towards(centre, -0.4)
    } else {
        let middle = from.towards(to, 0.5);
        Point { x: middle.x - dy / length * 30.0, y: middle.y + dx / length * 30.0 }
    };
    let gap = (NODE_HEIGHT / 2.0 + 4.0) / length.max(NODE_HEIGHT * 2.0);
    let (start, end) = (from.towards(bend, 2.0 * gap), to.towards(bend, 2.0 * gap));
    let (colour, head) = if arrow.marked { ("#c00", "m") } else { ("#555", "a") };
    let dash = if arrow.refused { " stroke-dasharray=\"5 4\"" } else { "" };
    let label = from.towards(to, 0.5).towards(bend, 0.6);
    let _ = writeln!(
        text,
        "<path d=\"M{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}\" fill=\"none\" stroke=\"{colour}\"{dash} \
         marker-end=\"url(#{head})\"/><text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\" \
         text-anchor=\"middle\" font-size=\"10\">{}</text>",
        start.x, start.y, bend.x, bend.y, end.x, end.y, label.x, label.y, arrow.label,
    );
}

#[cfg(test)]
mod tests {
    use super::super::script::{Outcome, parse, run};
    use super::super::types::Config;
    use super::*;

    fn abba() -> Outcome {
        let decl =
            ["class a name=a<b>&\"c", "class b", "class z", "lock a a", "lock b b", "lock z z"];
        let events =
            ["T acq z w", "T acq a w", "T acq b w", "T rel b", "T rel a", "T acq b w", "T acq a w"];
        run(&parse(&decl, &events).expect("a script"), Config::default())
    }

    #[test]
    fn the_cycle_is_marked_and_the_rest_left_out() {
        let outcome = abba();
        let report = outcome.lockdep.reports().first();
        let text = dot(&outcome.lockdep, report);
        assert!(text.contains("n0 -> n1 [label=\"EN\", color=red, penwidth=2];"), "{text}");
        assert!(text.contains("n1 -> n0 [label=\"EN\", color=red, penwidth=2, style=dashed];"));
        assert!(text.contains("label=\"a<b>&\\\"c\"") && !text.contains("\"z\""), "{text}");
        assert!(dot(&outcome.lockdep, None).contains("\"z\""));
    }

    #[test]
    fn the_image_is_well_formed() {
        let outcome = abba();
        for report in [outcome.lockdep.reports().first(), None] {
            let text = svg(&outcome.lockdep, report);
            assert!(text.starts_with("<svg") && text.ends_with("</svg>\n"));
            assert!(text.contains("a&lt;b&gt;&amp;&quot;c") && !text.contains("NaN"), "{text}");
        }
    }
}
