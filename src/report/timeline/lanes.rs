//! The page: a column of event numbers and one lane for each task.
//!
//! A row belongs to one task. Its text begins in the task's lane and flows over the lanes to its
//! right, which are empty in that row; it wraps between words and never inside a name.

use std::fmt::Write;

/// Columns that a page tries to keep to.
const WIDTH: usize = 112;
/// Where the first lane begins.
const FIRST: usize = 7;
/// Most columns from one lane to the next.
const LANE: usize = 46;
/// Columns left for the text of the last lane.
const LAST: usize = 56;

/// What a lane shows of its task while others run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Finished.
    Done,
    /// Could run.
    Ready,
    /// Waits.
    Waiting,
}

impl Mark {
    fn sign(self) -> char {
        match self {
            Mark::Done => ' ',
            Mark::Ready => '|',
            Mark::Waiting => ':',
        }
    }
}

/// The page under construction.
pub(super) struct Lanes {
    marks: Vec<Mark>,
    page: String,
}

impl Lanes {
    /// An empty page under the names of the lanes.
    pub(super) fn new(names: &[String]) -> Lanes {
        let mut lanes = Lanes { marks: vec![Mark::Ready; names.len()], page: String::new() };
        lanes.heading(names);
        lanes
    }

    /// The names in one line where they fit, otherwise one below the other.
    fn heading(&mut self, names: &[String]) {
        let fit = names.iter().rev().skip(1).all(|name| name.len() < self.step());
        let mut line = "event".to_owned();
        for (lane, name) in names.iter().enumerate() {
            let column = self.column(lane);
            if !fit && lane > 0 {
                let _ = writeln!(self.page, "{}", line.trim_end());
                line = self.signs(lane);
            }
            let _ = write!(line, "{:1$}{name}", "", column.saturating_sub(line.len()));
        }
        let _ = writeln!(self.page, "{}", line.trim_end());
    }

    fn step(&self) -> usize {
        let gaps = self.marks.len().saturating_sub(1).max(1);
        LANE.min((WIDTH - FIRST - LAST) / gaps)
    }

    fn column(&self, lane: usize) -> usize {
        FIRST + lane * self.step()
    }

    /// What the other lanes show from now on.
    pub(super) fn mark(&mut self, task: u8, mark: Mark) {
        if let Some(lane) = self.marks.get_mut(usize::from(task)) {
            *lane = mark;
        }
    }

    /// A row without a number.
    pub(super) fn note(&mut self, task: u8, text: &str) {
        self.text(None, task, text);
    }

    /// A row.
    pub(super) fn row(&mut self, event: u32, task: u8, text: &str) {
        self.text(Some(event), task, text);
    }

    fn text(&mut self, event: Option<u32>, task: u8, text: &str) {
        let lane = usize::from(task);
        let mut number = event.map_or_else(String::new, |event| format!("{event:>5}"));
        let width = WIDTH.saturating_sub(self.column(lane));
        for (i, part) in wrap(text, width).iter().enumerate() {
            let hang = if i > 0 { "    " } else { "" };
            let line = self.line(&std::mem::take(&mut number), lane, &format!("{hang}{part}"));
            let _ = writeln!(self.page, "{line}");
        }
    }

    fn line(&self, number: &str, lane: usize, text: &str) -> String {
        let mut line = format!("{number:<0$}", FIRST);
        line.push_str(&self.signs(lane)[FIRST..]);
        let _ = write!(line, "{:1$}{text}", "", self.column(lane).saturating_sub(line.len()));
        for right in lane + 1..self.marks.len() {
            let column = self.column(right);
            if line.len() < column {
                let _ = write!(line, "{:1$}{2}", "", column - line.len(), self.marks[right].sign());
            }
        }
        line.trim_end().to_owned()
    }

    /// The marks of the lanes left of `lane`.
    fn signs(&self, lane: usize) -> String {
        let mut line = " ".repeat(FIRST);
        for left in 0..lane {
            let _ = write!(line, "{:1$}", "", self.column(left) - line.len());
            line.push(self.marks[left].sign());
        }
        line
    }

    /// The finished page.
    pub(super) fn page(self) -> String {
        self.page
    }
}

/// Breaks between words; a word longer than the width stands alone. Later lines are indented.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let first = lines.len() == 1;
        let room = if first { width } else { width.saturating_sub(4) };
        let last = lines.last_mut().expect("there is always one");
        if last.is_empty() {
            last.push_str(word);
        } else if last.len() + 1 + word.len() <= room {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
