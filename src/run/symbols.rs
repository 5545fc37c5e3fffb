//! The validator's reports as text: the model's names for addresses, functions and tasks.

use crate::kvm::trace::Event;
use crate::kvm::{Variant, function};
use crate::lockdep::{Form, InstanceId, KeyId, Site as Token, Symbols, TaskId, render};
use crate::machine::Site;
use crate::machine::sim::Inspect;

/// Addresses are derived from numbers, so that equal runs print equal bytes.
const INSTANCES: u64 = 0xffff_8880_0000_0000;
const KEYS: u64 = 0xffff_ffff_8200_0000;
const TEXT: u64 = 0xffff_ffff_8100_0000;
/// Characters of a task's name that the kernel keeps (`TASK_COMM_LEN`, without the NUL).
const COMM: usize = 15;
/// Process number of task 0.
const FIRST_PID: i64 = 1000;

struct Model<'a> {
    release: &'static str,
    names: &'a [String],
}

impl Symbols for Model<'_> {
    fn kernel(&self) -> String {
        format!("{}.0 #1 Not tainted", self.release)
    }

    fn comm(&self, task: TaskId) -> String {
        let index = task.index();
        match self.names.get(index) {
            Some(name) => name.chars().take(COMM).collect(),
            None => format!("task{index}"),
        }
    }

    fn pid(&self, task: TaskId) -> i64 {
        FIRST_PID + task.index() as i64
    }

    fn instance_address(&self, instance: InstanceId) -> u64 {
        INSTANCES + instance.index() as u64 * 0x100
    }

    fn key_address(&self, key: KeyId, subclass: u8) -> u64 {
        KEYS + key.index() as u64 * 0x10 + u64::from(subclass)
    }

    fn key_symbol(&self, key: KeyId, subclass: u8) -> String {
        format!("__key.{}+{subclass:#x}/0x8", key.index())
    }

    fn site_address(&self, site: Token) -> u64 {
        TEXT + u64::from(site.0)
    }

    fn site_symbol(&self, site: Token) -> String {
        function::name(Site::from_token(site).frames[0]).to_owned()
    }

    fn frames(&self, site: Token) -> Vec<String> {
        let frames = Site::from_token(site).frames;
        let known = frames.into_iter().filter(|f| f.0 != 0);
        known.map(|f| function::name(f).to_owned()).collect()
    }

    fn dump_stack(&self, site: Token) -> Vec<String> {
        let mut lines = vec!["Call Trace:".to_owned()];
        lines.extend(self.frames(site).into_iter().map(|frame| format!(" {frame}")));
        lines
    }
}

/// All reports of the run, in the form that 5.11 to 5.15 print: the reader names of the scenario
/// table came later.
pub(super) fn splats(seen: &Inspect<'_, Event>, variant: Variant, names: &[String]) -> Vec<String> {
    let model = Model { release: variant.info().release, names };
    let reports = seen.lockdep.reports().iter();
    reports.map(|report| render(seen.lockdep, report, &model, Form::V5_12)).collect()
}
