//! Reading one record.

use std::fmt;

use serde_json::Value;

use super::super::script::{MAX_EVENTS, MAX_NAME, Script, ScriptError, parse};

/// A record that can be run.
#[derive(Debug)]
pub struct Record {
    /// Its name.
    pub id: String,
    /// Option of the kernel it was made for.
    pub raw_lock_nesting: bool,
    /// Its declarations and events.
    pub script: Script,
    /// The verdict it carries, or null.
    pub verdict: Value,
    /// The state it carries, or null.
    pub state: Value,
}

/// Why a record cannot be run.
#[derive(Debug)]
pub enum RecordError {
    /// Not JSON.
    Json(serde_json::Error),
    /// A field is missing or of the wrong type.
    Field(&'static str, &'static str),
    /// Too long an id, or too many events to look at.
    TooLong(&'static str, usize, usize),
    /// The script is not in the language.
    Script(ScriptError),
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            RecordError::Json(error) => write!(f, "not a JSON record ({error}), mend or remove it"),
            RecordError::Field(name, what) => {
                write!(f, "field `{name}` is missing or not {what}, add it")
            }
            RecordError::TooLong(name, n, max) => {
                write!(f, "`{name}` is too long ({n}, at most {max}), shorten it")
            }
            RecordError::Script(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for RecordError {}

/// Reads a record; with `verify` it must carry its verdict and state.
///
/// # Errors
/// Whatever keeps the record from being run.
pub fn read_record(line: &[u8], verify: bool) -> Result<Record, RecordError> {
    let value: Value = serde_json::from_slice(line).map_err(RecordError::Json)?;
    let id = value["id"].as_str().ok_or(RecordError::Field("id", "a string"))?.to_owned();
    if id.len() > MAX_NAME {
        return Err(RecordError::TooLong("id", id.len(), MAX_NAME));
    }
    let raw = value["raw_lock_nesting"].as_bool();
    let raw_lock_nesting = raw.ok_or(RecordError::Field("raw_lock_nesting", "true or false"))?;
    let decl = strings(&value, "decl")?;
    let events = strings(&value, "events")?;
    if events.len() > MAX_EVENTS {
        return Err(RecordError::TooLong("events", events.len(), MAX_EVENTS));
    }
    let script = parse(&decl, &events).map_err(RecordError::Script)?;
    let [verdict, state] = ["verdict", "state"].map(|field| value[field].clone());
    if verify && !verdict["kind"].is_string() {
        return Err(RecordError::Field("verdict", "an object with a `kind`"));
    }
    if verify && !state.is_object() {
        return Err(RecordError::Field("state", "an object"));
    }
    Ok(Record { id, raw_lock_nesting, script, verdict, state })
}

fn strings<'a>(value: &'a Value, field: &'static str) -> Result<Vec<&'a str>, RecordError> {
    let list = value[field].as_array().ok_or(RecordError::Field(field, "an array of strings"))?;
    let strings = list.iter().map(Value::as_str).collect::<Option<_>>();
    strings.ok_or(RecordError::Field(field, "an array of strings"))
}
