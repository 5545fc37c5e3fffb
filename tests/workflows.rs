//! The workflows are YAML and do what their names say: CI is `.ci/run`, and ClusterFuzzLite gets the
//! language and a sanitizer of the build that `.clusterfuzzlite/` describes.

#![cfg(feature = "cli")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

fn yaml(path: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn workflow(name: &str) -> Value {
    yaml(&format!(".github/workflows/{name}.yml"))
}

/// The steps of every job.
fn steps(workflow: &Value) -> Vec<&Value> {
    let jobs = workflow["jobs"].as_object().expect("there are jobs");
    jobs.values().flat_map(|job| job["steps"].as_array().expect("jobs have steps")).collect()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().map(|fields| fields.keys().map(String::as_str).collect()).unwrap_or_default()
}

const CFLITE: [&str; 4] = ["cflite_pr", "cflite_batch", "cflite_build", "cflite_cron"];
const BUILD: &str = "google/clusterfuzzlite/actions/build_fuzzers@v1";
const RUN: &str = "google/clusterfuzzlite/actions/run_fuzzers@v1";

#[test]
fn every_workflow_has_what_the_service_asks_for() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/workflows");
    let files = fs::read_dir(folder).expect("there are workflows");
    let files = files.map(|file| file.expect("it can be read").file_name());
    let files: BTreeSet<String> = files.map(|name| name.to_string_lossy().into_owned()).collect();
    let known = CFLITE.iter().chain(&["ci"]).map(|name| format!("{name}.yml")).collect();
    assert_eq!(files, known);
    for name in CFLITE.iter().chain(&["ci"]) {
        let workflow = workflow(name);
        for key in ["name", "on", "permissions", "jobs"] {
            assert!(keys(&workflow).contains(&key), "{name}.yml has no {key}");
        }
        for (job, fields) in workflow["jobs"].as_object().expect("there are jobs") {
            assert!(fields["runs-on"].is_string(), "{name}.yml: {job} has no runs-on");
        }
        for step in steps(&workflow) {
            assert!(step["uses"].is_string() != step["run"].is_string(), "{name}.yml: {step}");
        }
    }
}

#[test]
fn ci_is_the_gate() {
    let ci = workflow("ci");
    assert_eq!(keys(&ci["on"]), ["push", "pull_request"]);
    let runs: Vec<_> = steps(&ci).iter().filter_map(|step| step["run"].as_str()).collect();
    assert_eq!(runs.last(), Some(&".ci/run"));
    let uses: Vec<_> = steps(&ci).iter().filter_map(|step| step["uses"].as_str()).collect();
    assert_eq!(uses, ["actions/checkout@v7"]);
}

/// Event, mode of the run and the other arguments, as ClusterFuzzLite's documentation has them.
#[test]
fn cluster_fuzz_lite_gets_its_four_jobs() {
    let expected: [(&str, &str, &[&str]); 4] = [
        ("cflite_pr", "pull_request", &["code-change"]),
        ("cflite_batch", "schedule", &["batch"]),
        ("cflite_build", "push", &[]),
        ("cflite_cron", "schedule", &["prune", "coverage"]),
    ];
    for (name, event, modes) in expected {
        let workflow = workflow(name);
        assert_eq!(keys(&workflow["on"]), [event], "{name}");
        let runs: Vec<_> = steps(&workflow).into_iter().filter(|s| s["uses"] == RUN).collect();
        let found: Vec<_> = runs.iter().map(|s| s["with"]["mode"].as_str().expect("it")).collect();
        assert_eq!(found, modes, "{name}");
        for run in runs {
            assert!(run["with"]["fuzz-seconds"].is_u64(), "{name}");
            assert_eq!(run["with"]["github-token"], "${{ secrets.GITHUB_TOKEN }}", "{name}");
        }
    }
    let build = &workflow("cflite_build");
    assert_eq!(steps(build)[0]["with"]["upload-build"], true);
}

/// The language and the sanitizers are those that the build is made for; coverage is a build of its own.
#[test]
fn cluster_fuzz_lite_builds_what_is_described() {
    let language = yaml(".clusterfuzzlite/project.yaml")["language"].clone();
    let sanitizers = yaml("fuzz/project.yaml")["sanitizers"].clone();
    let known = sanitizers.as_array().expect("a list").iter().filter_map(Value::as_str);
    let known: BTreeSet<&str> = known.chain(["coverage"]).collect();
    for name in CFLITE {
        let workflow = workflow(name);
        let steps = steps(&workflow);
        assert_eq!(steps.first().map(|step| &step["uses"]), Some(&BUILD.into()), "{name}");
        for step in steps {
            assert!([BUILD, RUN].contains(&step["uses"].as_str().expect("it")), "{name}: {step}");
            assert_eq!(step["with"]["language"], language, "{name}");
        }
        for job in workflow["jobs"].as_object().expect("there are jobs").values() {
            let matrix = job["strategy"]["matrix"]["sanitizer"].as_array().into_iter().flatten();
            let own =
                job["steps"].as_array().into_iter().flatten().map(|s| &s["with"]["sanitizer"]);
            let named = matrix.chain(own).filter_map(Value::as_str);
            for sanitizer in named.filter(|word| !word.starts_with("${{")) {
                assert!(known.contains(sanitizer), "{name}: {sanitizer}");
            }
        }
    }
}
