//! Compares the reduced search with enumeration on many random cases:
//! `cargo bench --bench explore_sound -- CASES SEED`.

#[path = "../tests/explore_sound/mod.rs"]
mod explore_sound;

use explore_sound::survey::{Limits, Survey};

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|arg| arg.parse::<u64>().ok());
    let cases = numbers.next().unwrap_or(1_000) as u32;
    let seed = numbers.next().unwrap_or(1);
    let limits = Limits { states: 60_000, schedules: 10_000 };
    let survey = Survey::of(seed, cases, limits, |survey| survey.wrong.is_empty());
    println!("{}", survey.summary());
    if let Some(wrong) = survey.wrong.first() {
        println!("{wrong}");
        std::process::exit(1);
    }
}
