//! The validator's reports as text: the model's names for addresses, functions and tasks.

use crate::kvm::trace::Event;
use crate::kvm::{Variant, function};
use crate::lockdep::{Form, InstanceId, KeyId, Kind, Site as Token, Symbols, TaskId, render};
use crate::machine::Site;
use crate::machine::sim::Inspect;

/// Addresses are derived from numbers, so that equal runs print equal bytes.
const INSTANCES: u64 = 0xffff_8880_0000_0000;
const KEYS: u64 = 0xffff_ffff_8200_0000;
const TEXT: u64 = 0xffff_ffff_8100_0000;
/// Process number of task 0.
const FIRST_PID: i64 = 1000;

struct Model {
    release: &'static str,
}

impl Symbols for Model {
    fn kernel(&self) -> String {
        format!("{}.0 #1 Not tainted", self.release)
    }

    fn comm(&self, task: TaskId) -> String {
        format!("task{}", task.index())
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

/// The order in which the kernel would have met them: by report, cycles as they were closed.
pub(super) fn splats(seen: &Inspect<'_, Event>, variant: Variant, first_only: bool) -> Vec<String> {
    let release = variant.info().release;
    // 5.15 prints the scenario table as 5.11 to 5.14 do: the reader names came later.
    let form = Form::V5_12;
    let model = Model { release };
    let reports = seen.lockdep.reports().iter();
    let wanted = if first_only { 1 } else { usize::MAX };
    let text = reports.take(wanted).map(|report| {
        debug_assert!(report.kind != Kind::Limit);
        render(seen.lockdep, report, &model, form)
    });
    text.collect()
}
