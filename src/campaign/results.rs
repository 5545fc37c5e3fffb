//! The results folder: a case and its JSON for each finding, `results.json`, `table.txt`. Every
//! file appears by rename, so that none is ever half written.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{ArmReport, Error, Found, Report};
use crate::case::files;
use crate::report::{json, table};

/// Makes the folder, so that a campaign does not fuzz in vain.
pub(super) fn check(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(Error::file("make", folder))?;
    let draft = folder.join(".draft");
    fs::write(&draft, "").map_err(Error::file("write to", folder))?;
    fs::remove_file(&draft).map_err(Error::file("write to", folder))
}

/// Writes everything and removes what an earlier campaign left of findings.
pub(super) fn write(folder: &Path, report: &Report) -> Result<(), Error> {
    let mut written = BTreeSet::new();
    for arm in &report.arms {
        for found in &arm.findings {
            written.extend(write_found(folder, arm, found)?);
        }
    }
    files::write(&folder.join("table.txt"), text(folder, report).as_bytes())?;
    let document = document(folder, report).text();
    files::write(&folder.join("results.json"), document.as_bytes())?;
    remove_others(folder, &written)
}

/// The table of a report whose results are in that folder.
pub fn text(folder: &Path, report: &Report) -> String {
    table::campaign(report, |arm, found| Some(case_file(folder, arm, found).display().to_string()))
}

/// The JSON of a report whose results are in that folder.
pub fn document(folder: &Path, report: &Report) -> json::Document<json::Verdict> {
    json::campaign(report, |arm, found| Some(case_file(folder, arm, found).display().to_string()))
}

fn case_file(folder: &Path, arm: &ArmReport, found: &Found) -> PathBuf {
    let arm = match (arm.bug, arm.variant) {
        (Some(bug), _) => bug.id(),
        (None, Some(variant)) => variant.name(),
        (None, None) => arm.target,
    };
    let name =
        format!("{}-{:08x}.case", found.finding.kind.name(), found.finding.signature.0 >> 32);
    folder.join(arm).join(name)
}

fn write_found(folder: &Path, arm: &ArmReport, found: &Found) -> Result<[PathBuf; 2], Error> {
    let case = case_file(folder, arm, found);
    let json = case.with_extension("json");
    let parent = case.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(Error::file("make", parent))?;
    let head = format!("# {}: {}\n", found.finding.kind.name(), found.described.message);
    files::write(&case, (head + &found.case.to_string()).as_bytes())?;
    let entry = json::Entry::found(found, Some(case.display().to_string()));
    files::write(&json, json::text(&entry).as_bytes())?;
    Ok([case, json])
}

/// Removes cases of an earlier campaign, and their JSON.
fn remove_others(folder: &Path, written: &BTreeSet<PathBuf>) -> Result<(), Error> {
    for arm in entries(folder).iter().filter(|entry| entry.is_dir()) {
        for case in entries(arm).iter().filter(|e| e.extension().is_some_and(|e| e == "case")) {
            let json = case.with_extension("json");
            if !written.contains(case) && json.is_file() {
                fs::remove_file(case).map_err(Error::file("remove", case))?;
                fs::remove_file(&json).map_err(Error::file("remove", &json))?;
            }
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}
