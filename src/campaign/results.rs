//! The results folder: a case and its JSON for each finding, for predicted cycles a case that hangs
//! (`-hangs.case`), `table.txt` of the last campaign, and `results.json`, where arms that the last
//! campaign did not have keep the result of an earlier one. Every file appears by rename, so that
//! none is ever half written (`stats.jsonl` grows, by whole lines).
//!
//! A bug in here would be a finding that is reported and has no file, or a file that is removed
//! although nothing replaces it.

use std::collections::BTreeSet;
use std::fs;
use std::mem;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::lock::{self, Lock};
use super::{Error, Found, Report, leftovers};
use crate::case::{Case, files};
use crate::report::{json, table};

/// Makes the folder and locks it, and makes sure that it can be written to, so that a campaign does
/// not fuzz in vain.
pub(super) fn open(folder: &Path) -> Result<Lock, Error> {
    fs::create_dir_all(folder).map_err(Error::file("make", folder))?;
    let mend = "wait for its end, or choose another folder with --results";
    let lock = Lock::take(&lock::inside(folder), folder, mend)?;
    leftovers::probe(folder)?;
    let arms = leftovers::entries(folder)?.into_iter().filter(|path| path.is_dir());
    arms.chain([folder.to_path_buf()]).try_for_each(|path| leftovers::remove_drafts(&path))?;
    Ok(lock)
}

/// Writes everything, and removes what an earlier campaign over the same arms left of findings.
/// What cannot be written keeps nothing else from being written, and what is there from being
/// removed. Findings whose files could not be written are marked so, and the table has their cases.
pub(super) fn write(folder: &Path, report: &mut Report) -> Result<(), Error> {
    let (mut written, mut outcome) = (BTreeSet::new(), Ok(()));
    for arm in &mut report.arms {
        let name = arm.name();
        for found in &mut arm.findings {
            let wrote = write_found(&Files::of(folder, name, found), found, &mut written);
            found.unsaved = wrote.is_err();
            outcome = outcome.and(wrote);
        }
    }
    let report = &*report;
    let mut put = |name: &str, text: String| {
        let wrote = files::write(&folder.join(name), text.as_bytes());
        outcome = mem::replace(&mut outcome, Ok(())).and(wrote.map_err(Error::from));
    };
    put("table.txt", text(folder, report));
    put("results.json", with_others(folder, report).text());
    outcome?;
    remove_others(folder, report, &written)
}

/// The JSON of a report, followed by what earlier campaigns found in other arms.
fn with_others(folder: &Path, report: &Report) -> json::Document<serde_json::Value> {
    let ours = document(folder, report).results;
    let ours: Vec<_> = ours.iter().map(|result| json!(result)).collect();
    let arm = |result: &Value| ["target", "variant", "bug"].map(|name| result[name].clone());
    let known: Vec<_> = ours.iter().map(arm).collect();
    let others = earlier(&folder.join("results.json"));
    let others = others.into_iter().filter(|result| !known.contains(&arm(result)));
    json::Document::new(ours.into_iter().chain(others).collect())
}

/// The results of an earlier campaign, if that file has some.
fn earlier(file: &Path) -> Vec<Value> {
    let document = fs::read(file).ok().and_then(|text| serde_json::from_slice(&text).ok());
    match document {
        Some(Value::Object(mut document)) if document["format"] == json::FORMAT => {
            document["results"].as_array_mut().map(mem::take).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// The table of a report whose results are in that folder, for a page.
pub fn text(folder: &Path, report: &Report) -> String {
    text_within(folder, report, table::WIDTH)
}

/// The table of a report whose results are in that folder, for so many columns.
pub fn text_within(folder: &Path, report: &Report, width: u16) -> String {
    table::campaign(report, width, |arm, found| Files::of(folder, arm.name(), found))
}

/// The JSON of a report whose results are in that folder.
pub fn document(folder: &Path, report: &Report) -> json::Document<json::Verdict> {
    json::campaign(report, |arm, found| Files::of(folder, arm.name(), found))
}

/// Where a finding is written.
#[derive(Clone, Debug)]
pub struct Files {
    /// Its case.
    pub case: PathBuf,
    /// The case that hangs as it predicts, if that is another.
    pub hangs: Option<PathBuf>,
}

impl Files {
    fn of(folder: &Path, arm: &str, found: &Found) -> Files {
        let finding = &found.finding;
        let name = format!("{}-{:08x}.case", finding.kind.name(), finding.signature.0 >> 32);
        let case = folder.join(arm).join(name);
        let hangs = hanging(found).map(|_| beside(&case, HANGS));
        Files { case, hangs }
    }

    /// Where the finding's case, or that of its witness, is; none where it could not be written.
    pub fn name(&self, found: &Found, case: &Case) -> Option<String> {
        if found.unsaved {
            return None;
        }
        let file = if *case == found.case { Some(&self.case) } else { self.hangs.as_ref() };
        file.map(|file| file.display().to_string())
    }
}

/// What the name of a case that hangs as predicted has in addition.
const HANGS: &str = "-hangs.case";

/// The file of the same finding with another ending.
fn beside(case: &Path, ending: &str) -> PathBuf {
    let stem = case.file_stem().unwrap_or_default().to_string_lossy();
    case.with_file_name(format!("{stem}{ending}"))
}

/// The case that the finding's answer is about, if it is another than its own.
fn hanging(found: &Found) -> Option<&Case> {
    found.witness.as_ref()?.shown().filter(|case| **case != found.case)
}

fn write_found(files: &Files, found: &Found, written: &mut BTreeSet<PathBuf>) -> Result<(), Error> {
    let (kind, message) = (found.finding.kind.name(), &found.described.message);
    let parent = files.case.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(Error::file("make", parent))?;
    let mut put = |file: PathBuf, text: String| -> Result<(), Error> {
        files::write(&file, text.as_bytes())?;
        written.insert(file);
        Ok(())
    };
    put(files.case.clone(), format!("# {kind}: {message}\n{}", found.case))?;
    if let (Some(file), Some(case)) = (&files.hangs, hanging(found)) {
        let passing = match found.witness.as_ref().and_then(|witness| witness.case()) {
            Some(_) => "",
            None => ", passing some of the classes",
        };
        put(file.clone(), format!("# hangs as {kind} predicts{passing}: {message}\n{case}"))?;
    }
    let entry = json::Entry::found(found, files);
    put(files.case.with_extension("json"), json::text(&entry))
}

/// Removes what an earlier campaign wrote of findings in the arms of the report.
fn remove_others(folder: &Path, report: &Report, written: &BTreeSet<PathBuf>) -> Result<(), Error> {
    let arms: BTreeSet<PathBuf> = report.arms.iter().map(|arm| folder.join(arm.name())).collect();
    for files in arms.iter().flat_map(|arm| findings(arm)) {
        let mut old = files.iter().filter(|file| !written.contains(*file) && file.is_file());
        old.try_for_each(remove)?;
    }
    Ok(())
}

/// The files of every finding in a folder. A case without its JSON is not the campaign's.
fn findings(arm: &Path) -> Vec<[PathBuf; 3]> {
    let all = entries(arm).into_iter().filter(|e| e.extension().is_some_and(|e| e == "json"));
    let files = all.map(|json| {
        let case = json.with_extension("case");
        [beside(&case, HANGS), case, json]
    });
    files.filter(|[_, case, _]| case.is_file()).collect()
}

fn remove(file: &PathBuf) -> Result<(), Error> {
    fs::remove_file(file).map_err(Error::file("remove", file))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    use super::super::{ArmReport, witnesses};
    use super::*;
    use crate::run::{Ending, Options, Runner};

    const PROGRAMS: &str = "variant rwsem vm vm0 slot 0 gfn 0x00..0x08 hva 0x100 \
        task mremapper mremap 0x200..0x240 split 0x200..0x240 end \
        task vmm memslot create 1 gfn 0x10..0x14 hva 0x300 ";
    const HANGING: &str = "schedule mremapper until split, vmm until blocked";

    /// What a campaign would report that found what the case shows.
    fn report(text: &str, jobs: usize) -> Report {
        static GO_ON: AtomicBool = AtomicBool::new(false);
        let case: Case = text.parse().expect("it is a case");
        let mut runner = Runner::new();
        let findings = runner.run(&case, &Options::of(&case)).findings.clone();
        let found = |finding| Found {
            described: runner.describe_in(&case, finding),
            finding: *finding,
            case: case.clone(),
            first: None,
            because_of_bug: false,
            shows: findings.iter().map(|finding| finding.signature).collect(),
            artifact: PathBuf::new(),
            unsaved: false,
            witness: None,
        };
        let findings: Vec<Found> = findings.iter().map(found).collect();
        let (variant, crashes) = (Some(case.variant), Vec::new());
        let arm = ArmReport {
            target: "protocol",
            variant,
            bug: None,
            executions: 1,
            drawn: 0,
            edges: 1,
            findings,
            crashes,
            incomplete: None,
        };
        let mut arms = vec![arm];
        witnesses::find(&mut arms, jobs, &GO_ON);
        let (time, interrupted) = (Duration::ZERO, false);
        let (runs, notice, failure, unsaved) = Default::default();
        Report { arms, time, runs, interrupted, notice, failure, unsaved }
    }

    /// A fresh folder for one test.
    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("results-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("the folder can be made");
        folder
    }

    /// Names of the files of the variant, sorted.
    fn names(folder: &Path) -> Vec<String> {
        let all = entries(&folder.join("rwsem"));
        let mut names: Vec<String> = all
            .iter()
            .map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_predicted_cycle_comes_with_a_case_that_hangs() {
        let folder = scratch("hangs");
        let mut report = report(PROGRAMS, 1);
        write(&folder, &mut report).expect("it can be written");
        let document = serde_json::to_value(document(&folder, &report)).expect("it is JSON");
        let findings = document["results"][0]["findings"].as_array().expect("a list").clone();
        assert_eq!(findings.len(), 2, "a nested region predicts a recursion and a circle");
        for finding in findings {
            let (file, witness) = (finding["file"].as_str().expect("a file"), &finding["witness"]);
            let hangs = file.replace(".case", "-hangs.case");
            assert_eq!(
                (&witness["answer"], &witness["file"]),
                (&"found".into(), &hangs.clone().into())
            );
            assert!(text(&folder, &report).contains(&format!("    case: {file}\n")));
            assert!(text(&folder, &report).contains(&format!("witness: {hangs}\n")));
            let case = files::load(Path::new(&hangs)).expect("it was written");
            assert_eq!(witness["case"], case.to_string());
            assert_eq!(Runner::new().run(&case, &Options::of(&case)).ending, Ending::Stuck);
        }
        fs::remove_dir_all(&folder).expect("the folder can be removed");
    }

    #[test]
    fn what_a_later_campaign_does_not_have_goes() {
        let folder = scratch("later");
        write(&folder, &mut report(PROGRAMS, 1)).expect("it can be written");
        let foreign = folder.join("rwsem/mine-hangs.case");
        fs::write(&foreign, PROGRAMS).expect("it can be written");
        let hanging = names(&folder).iter().filter(|name| name.ends_with("-hangs.case")).count();
        assert_eq!(hanging, 3);
        // The case hangs by itself now, so that it is its own witness.
        let mut itself = report(&[PROGRAMS, HANGING].concat(), 1);
        write(&folder, &mut itself).expect("it can be written");
        let hanging = names(&folder).into_iter().filter(|name| name.ends_with("-hangs.case"));
        assert_eq!(hanging.collect::<Vec<_>>(), ["mine-hangs.case"]);
        assert_eq!(names(&folder).len(), 2 * itself.arms[0].findings.len() + 1);
        let mut nothing = itself;
        nothing.arms[0].findings.clear();
        write(&folder, &mut nothing).expect("it can be written");
        assert_eq!(names(&folder), ["mine-hangs.case"]);
        fs::remove_dir_all(&folder).expect("the folder can be removed");
    }

    #[test]
    fn a_narrower_campaign_leaves_the_other_arms_alone() {
        let folder = scratch("narrower");
        let mut wide = report(PROGRAMS, 1);
        write(&folder, &mut wide).expect("it can be written");
        let (before, listed) = (names(&folder), wide.arms[0].findings.len());
        let mut narrow = report(&PROGRAMS.replace("rwsem", "counted"), 1);
        write(&folder, &mut narrow).expect("it can be written");
        assert_eq!(names(&folder), before);
        let file = folder.join("results.json");
        let results = earlier(&file);
        let variants: Vec<_> = results.iter().map(|r| r["variant"].as_str()).collect();
        assert_eq!(variants, [Some("counted"), Some("rwsem")]);
        assert_eq!(results[1]["findings"].as_array().map(Vec::len), Some(listed));
        write(&folder, &mut wide).expect("it can be written");
        assert_eq!(earlier(&file).len(), 2, "each arm once");
        fs::remove_dir_all(&folder).expect("the folder can be removed");
    }

    #[test]
    fn what_can_not_be_written_costs_nothing_else() {
        let folder = scratch("partly");
        let mut report = report(PROGRAMS, 1);
        write(&folder, &mut report).expect("it can be written");
        let first = Files::of(&folder, "rwsem", &report.arms[0].findings[0]).case;
        fs::remove_file(&first).expect("it is there");
        fs::create_dir_all(first.join("in-the-way")).expect("it can be made");
        fs::remove_file(folder.join("results.json")).expect("it is there");
        let error = write(&folder, &mut report).expect_err("a folder is in the way").to_string();
        assert!(error.contains(&first.display().to_string()), "{error}");
        assert!(error.ends_with("; name a file"), "it says how to mend: {error}");
        let [lost, kept] = report.arms[0].findings.as_slice() else { panic!("two findings") };
        assert!(lost.unsaved && !kept.unsaved);
        let table = fs::read_to_string(folder.join("table.txt")).expect("it was written");
        let block = format!("run - <<'END-OF-CASE'\n{}END-OF-CASE\n", lost.case);
        assert!(table.contains(&block), "{table}");
        assert!(!table.contains(&first.display().to_string()), "{table}");
        let json = serde_json::to_value(document(&folder, &report)).expect("it is JSON");
        let findings = &json["results"][0]["findings"];
        assert!(findings[0].get("file").is_none() && findings[1]["file"].is_string());
        assert_eq!(findings[0]["case"], lost.case.to_string());
        assert!(folder.join("results.json").is_file(), "the others were written");
        fs::remove_dir_all(&folder).expect("the folder can be removed");
    }

    #[test]
    fn the_number_of_jobs_changes_no_answer() {
        let text = |jobs| text(Path::new("results"), &report(PROGRAMS, jobs));
        assert_eq!(text(1), text(3));
    }
}
