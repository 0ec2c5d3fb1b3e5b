//! A folder of one's own, files in it, and the program run there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A folder that is gone after the test.
pub(crate) struct Place(tempfile::TempDir);

/// What the program did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file, folders above it included.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// A file's text.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    /// Runs the program in the folder.
    pub(crate) fn mtl(&self, args: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mtl"));
        // What else lies on this machine is no part of a case; one that wants the variable sets it itself.
        command.current_dir(self.path()).env_remove("MTL_DATA_DIR").args(args);
        let out = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: out.status.code().unwrap(), out: text(out.stdout), err: text(out.stderr) }
    }

    /// Runs the program, which must succeed.
    pub(crate) fn done(&self, args: &[&str]) -> Ran {
        let ran = self.mtl(args);
        assert_eq!(ran.code, 0, "{args:?}: {}{}", ran.out, ran.err);
        ran
    }

    /// Runs the program, which must refuse; gives its complaint: a line, below it at most the place with carets.
    pub(crate) fn refused(&self, args: &[&str]) -> String {
        let ran = self.mtl(args);
        assert_eq!(ran.code, 2, "{args:?}: {}{}", ran.out, ran.err);
        ran.err.trim_end().to_owned()
    }
}

/// A configuration of the CSV file `train.csv` and a network so small that a run takes a moment.
pub(crate) fn csv_config(columns: &[&str]) -> String {
    format!(
        r#"
[data]
kind = "csv"
train = "train.csv"
[data.schema]
columns = [
    {}
]
[encoder]
kind = "tabular"
token_width = 2
hidden = [4]
[train]
epochs = 1
batch_size = 32
[device]
threads = 1
"#,
        columns.join(",\n    ")
    )
}
