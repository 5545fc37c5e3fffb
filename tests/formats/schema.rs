//! The shape of JSON documents: every key path with the types and, where a key has few values that
//! programs compare with, the words that were seen there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde_json::Value;

/// Keys whose values are words of a closed list.
const WORDS: [&str; 9] =
    ["answer", "ending", "kind", "mode", "policy", "severity", "target", "variant", "verdict"];

/// What documents of one sort have in common.
#[derive(Default)]
pub struct Schema(BTreeMap<String, Seen>);

/// What was seen at a path.
#[derive(Default)]
struct Seen {
    types: BTreeSet<String>,
    /// Values, and those of them that are objects.
    values: usize,
    objects: usize,
}

impl Schema {
    /// Takes in a document.
    pub fn add(&mut self, document: &Value) {
        self.value("", "", document);
    }

    /// A value at `path`, which `key` is the last key of.
    fn value(&mut self, path: &str, key: &str, value: &Value) {
        let seen = self.0.entry(path.to_string()).or_default();
        seen.types.insert(kind(key, value));
        seen.values += 1;
        seen.objects += usize::from(value.is_object());
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    self.value(&format!("{path}.{key}"), key, value);
                }
            }
            Value::Array(values) => {
                for (i, value) in values.iter().enumerate() {
                    // A list of scalars in a list is a record: its places have meanings.
                    let is_record = path.ends_with(']') && !value.is_object();
                    let place = if is_record { i.to_string() } else { String::new() };
                    self.value(&format!("{path}[{place}]"), key, value);
                }
            }
            _ => {}
        }
    }

    /// A line for each path: its types, `absent` where an object can be without the key.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (path, seen) in &self.0 {
            let mut types: Vec<&str> = seen.types.iter().map(String::as_str).collect();
            if self.above(path).is_some_and(|above| above.objects > seen.values) {
                types.push("absent");
            }
            let name = if path.is_empty() { "." } else { path };
            let _ = writeln!(text, "{name}: {}", types.join(" | "));
        }
        text
    }

    /// The objects that the last key of the path is one of.
    fn above(&self, path: &str) -> Option<&Seen> {
        if path.ends_with(']') {
            return None;
        }
        self.0.get(path.rsplit_once('.')?.0)
    }
}

/// The type of a value, or the value itself where it is a word.
fn kind(key: &str, value: &Value) -> String {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_f64() => "fraction",
        Value::Number(_) => "integer",
        Value::String(word) if WORDS.contains(&key) => return format!("{word:?}"),
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
    .to_string()
}

/// The schema of those documents, as text.
pub fn of(documents: &[Value]) -> String {
    let mut schema = Schema::default();
    documents.iter().for_each(|document| schema.add(document));
    schema.text()
}

#[test]
fn what_programs_rely_on_is_in_the_schema() {
    let document = |text: &str| serde_json::from_str::<Value>(text).expect("it is JSON");
    let base = r#"{"results": [{"verdict": "clean", "n": 1}, {"verdict": "clean", "n": null}]}"#;
    let text = ".: object\n.results: array\n.results[]: object\n.results[].n: null | integer\n\
                .results[].verdict: \"clean\"\n";
    let sorted = |text: &str| text.replace("null | integer", "integer | null");
    assert_eq!(of(&[document(base)]), sorted(text));
    let changed = [
        base.replace("\"n\": 1", "\"m\": 1"),
        base.replace("\"n\": null", "\"n\": 2"),
        base.replace("\"n\": 1", "\"n\": 1.5"),
        base.replace(", \"n\": null", ""),
        base.replacen("clean", "fine", 1),
        base.replace("\"results\"", "\"result\""),
    ];
    for other in changed {
        assert_ne!(of(&[document(&other)]), sorted(text), "{other}");
    }
    let pairs = document(r#"[["a", 1], ["b", 2]]"#);
    assert_eq!(of(&[pairs]), ".: array\n[]: array\n[][0]: string\n[][1]: integer\n");
}
