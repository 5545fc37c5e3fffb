use crate::common::{seed, cases_in};
use kvm_lock_fuzz::kvm::Variant;
use kvm_lock_fuzz::machine::Policy;
use kvm_lock_fuzz::run::{Ending, Options, Rounds};
use std::time::{Duration, Instant};

#[test]
fn hang() {
    let case = seed("nested-behind-writer");
    for i in 0..10 {
        let mut rounds = Rounds::new(&case, &Options::of(&case), i).unwrap();
        let start = Instant::now();
        let mut n = 0;
        loop {
            n += 1;
            if rounds.run().unwrap().ending == Ending::Stuck { break }
        }
        println!("{n} rounds {:?}", start.elapsed());
        let o = rounds.judged().outcome().clone();
        for f in &o.findings { println!("{}", rounds.judged().describe_in(&case, f).signature) }
        println!("{}", rounds.end());
    }
}

#[test]
fn clean() {
    for (path, case) in cases_in("corpus/protocol") {
        for variant in [Variant::AlwaysLock, Variant::Counted] {
            for policy in [Policy::WriterFair, Policy::ReaderBiased] {
            let options = Options { variant, bug: None, policy, ..Options::of(&case) };
            let mut rounds = Rounds::new(&case, &options, 7).unwrap();
            let start = Instant::now();
            let mut n = 0;
            while start.elapsed() < Duration::from_millis(300) {
                n += 1;
                let o = rounds.run().unwrap().clone();
                if o.ending != Ending::Finished || o.findings.iter().any(|f| f.severity.name() == "violation") {
                    println!("{path:?} {variant:?} {n} {:?}", o.ending);
        for f in &o.findings { println!("{}", rounds.judged().describe_in(&case, f).message) }
        println!("{}", rounds.end());
        break;
                }
            }
            println!("{path:?} {variant:?} {n}");
            }
        }
    }
}
