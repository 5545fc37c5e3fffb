//! The small protocol of `benches/small` on the nearest peers: the same tasks, locks and end oracle.
//!
//! `peers` alone measures shuttle's rate; `peers TOOL FORM` prints one row of the table that
//! `benches/compare-search` makes.

mod caught;
mod explicit;
mod form;
mod loom;
mod rate;
mod row;
mod shuttle;
mod stateright;
mod steps;

use std::process::exit;

use form::Form;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        [] => rate::run(),
        [tool, form] => match Form::named(form) {
            Some(form) => search(tool, &form),
            None => usage(),
        },
        _ => usage(),
    }
}

/// Five rounds, for their median; one where a round takes long, 31 where luck decides.
fn search(tool: &str, form: &Form) {
    let rounds = if form.name == "large" { 1 } else { 5 };
    match tool {
        "explicit" => row::print("explicit DFS", form, rounds, |_| explicit::run(form)),
        "stateright" => row::print("stateright DFS", form, rounds, |_| stateright::run(form)),
        "loom" => row::print("loom, bound 2", form, rounds, |_| loom::run(form)),
        "shuttle" if form.bug == form::Bug::None => {
            row::print("shuttle DFS", form, 1, |round| shuttle::run(form, round));
        }
        "shuttle" => row::print("shuttle random", form, 31, |round| shuttle::run(form, round)),
        _ => usage(),
    }
}

fn usage() {
    eprintln!(
        "peers [explicit|loom|shuttle|stateright] [{}]",
        form::FORMS.map(|f| f.name).join("|")
    );
    exit(2);
}
