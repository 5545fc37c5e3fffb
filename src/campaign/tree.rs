//! Where things are: the clone and its target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Error;

/// The clone that a campaign runs in.
#[derive(Clone, Debug)]
pub struct Tree {
    /// Its root.
    pub root: PathBuf,
}

impl Tree {
    /// The tree at or above the working folder.
    pub fn find() -> Result<Tree, Error> {
        let here = std::env::current_dir().map_err(Error::file("read", Path::new(".")))?;
        let root = here.ancestors().find(|dir| is_root(dir));
        let root = root.ok_or_else(|| Error::NoTree(here.clone()))?.to_path_buf();
        Ok(Tree { root })
    }

    /// Cargo's target folder.
    pub fn target(&self) -> Result<PathBuf, Error> {
        target_folder(&self.root)
    }

    /// The folder of the fuzz targets, with corpora and artifacts.
    pub fn fuzz(&self) -> PathBuf {
        self.root.join("fuzz")
    }

    /// Curated seeds of a target, in the text form.
    pub fn seeds(&self, target: &str) -> PathBuf {
        self.root.join("corpus").join(target)
    }

    /// The corpus that cargo-fuzz uses for a target.
    pub fn shared_corpus(&self, target: &str) -> PathBuf {
        self.root.join("fuzz/corpus").join(target)
    }

    /// A file beside a target's source: `options` or `dict`.
    pub fn beside(&self, target: &str, extension: &str) -> PathBuf {
        self.root.join("fuzz/fuzz_targets").join(target).with_extension(extension)
    }
}

fn is_root(dir: &Path) -> bool {
    let manifest = fs::read_to_string(dir.join("fuzz/Cargo.toml"));
    manifest.is_ok_and(|text| text.contains("name = \"kvm-lock-fuzz-fuzz\""))
}

fn target_folder(root: &Path) -> Result<PathBuf, Error> {
    let output = Command::new(cargo())
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()
        .map_err(|e| {
            Error::Missing(format!("cannot run cargo: {e}; install Rust from rustup.rs"))
        })?;
    let metadata: Option<serde_json::Value> = serde_json::from_slice(&output.stdout).ok();
    let folder = metadata.as_ref().and_then(|m| m["target_directory"].as_str());
    folder.map(PathBuf::from).ok_or_else(|| {
        let stderr = String::from_utf8_lossy(&output.stderr);
        Error::Tool(format!("`cargo metadata` failed: {}", stderr.trim().replace('\n', "; ")))
    })
}

/// The cargo that started us, or the one in the path.
pub fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
