//! Processes that tests start, and waiting for what they do.

use std::fs;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

/// Each thread lists the children that it started.
pub fn children(parent: &Child) -> Vec<i32> {
    let threads = fs::read_dir(format!("/proc/{}/task", parent.id())).into_iter().flatten();
    let list = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("children")).ok();
    let lists: Vec<String> = threads.filter_map(|thread| list(thread.ok()?)).collect();
    lists.join(" ").split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// Waits for something that has to come.
#[track_caller]
pub fn within<T>(there: impl Fn() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(value) = there() {
            return value;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "it never came");
        thread::sleep(Duration::from_millis(10));
    }
}
