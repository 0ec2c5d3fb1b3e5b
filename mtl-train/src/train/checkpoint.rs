//! Checkpoints: one file, all or nothing.
//!
//! A checkpoint is a single safetensors file: parameters, those of the best epoch, the state of optimizer, balancer, schedule
//! and running mean as tensors, counters as JSON in the header, with a SHA-256 over every byte of the file but its own
//! digits. It is written beside its final name, flushed to disk and renamed, then the
//! folder is flushed: whoever kills the process at any moment leaves the old file or the new one. Loading takes the
//! newest file that is whole, and says so when it had to pass over a damaged one. The best epoch's weights are in every
//! file, so that no rotation can lose them.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use mtl_core::{
    params::{from_safetensors, to_safetensors},
    state::StateDict,
};
use sha2::{Digest, Sha256};
use tch::Tensor;

use crate::error::{Error, Result};

/// What a run needs in order to go on as if it had never stopped.
#[derive(Debug, Default)]
pub struct Checkpoint {
    /// Counters, positions and scores, as JSON text: small and readable.
    pub counters: String,
    /// The parameters by name.
    pub params: Vec<(String, Tensor)>,
    /// The parameters of the best epoch so far, if there has been one.
    pub best: Vec<(String, Tensor)>,
    /// Optimizer state.
    pub optimizer: StateDict,
    /// Balancer state.
    pub balancer: StateDict,
    /// What the schedule has heard of validation.
    pub schedule: StateDict,
    /// The running mean of the weights.
    pub ema: StateDict,
    /// Where a stream stands, and how it was judged so far; empty for other runs.
    pub stream: StateDict,
}

const FORMAT: &str = "mtl-checkpoint-2";
/// What stands in the place of the digest while it is computed.
const NO_DIGEST: [u8; 64] = [b'0'; 64];
const SECTIONS: [&str; 7] = ["params/", "best/", "optimizer/", "balancer/", "schedule/", "ema/", "stream/"];

impl Checkpoint {
    /// The checkpoint as the bytes of its file.
    ///
    /// # Errors
    /// [`mtl_core::Error`] when a tensor cannot be read.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let [params, best, states @ ..] = SECTIONS;
        let saved =
            [&self.optimizer, &self.balancer, &self.schedule, &self.ema, &self.stream].map(StateDict::to_tensors);
        let mut tensors: Vec<(String, &Tensor)> = Vec::new();
        let states = states.into_iter().zip(&saved);
        for (section, list) in [(params, &self.params), (best, &self.best)].into_iter().chain(states) {
            tensors.extend(list.iter().map(|(name, t)| (format!("{section}{name}"), t)));
        }
        let digest = String::from_utf8_lossy(&NO_DIGEST).into_owned();
        let metadata = [("format", FORMAT.to_owned()), ("counters", self.counters.clone()), ("sha256", digest)];
        let mut bytes = to_safetensors(tensors.iter().map(|(n, t)| (n.as_str(), *t)), &metadata)?;
        let digest = sha256(&bytes);
        if let Some(place) = digest_place(&bytes).and_then(|at| bytes.get_mut(at..at + NO_DIGEST.len())) {
            place.copy_from_slice(digest.as_bytes());
        }
        Ok(bytes)
    }

    /// Reads and verifies a checkpoint file.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, [`Error::Checkpoint`] when it is damaged or of another format.
    pub fn load(path: &Path) -> Result<Self> {
        let mut bytes = fs::read(path).map_err(|e| Error::io(path, "cannot read checkpoint", e))?;
        let damaged = |reason: String| Error::Checkpoint { path: path.to_owned(), reason };
        let (tensors, metadata) =
            from_safetensors(&bytes).map_err(|e| damaged(format!("checkpoint is damaged: {e}")))?;
        let field = |key: &str| metadata.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone());
        match field("format") {
            Some(format) if format == FORMAT => {}
            other => {
                let found = other.unwrap_or_else(|| "no format".into());
                return Err(damaged(format!("checkpoint format must be {FORMAT}, found {found}")));
            }
        }
        if let Some(place) = digest_place(&bytes).and_then(|at| bytes.get_mut(at..at + NO_DIGEST.len())) {
            place.copy_from_slice(&NO_DIGEST);
        }
        if field("sha256") != Some(sha256(&bytes)) {
            return Err(damaged("checkpoint is damaged: its checksum does not match".into()));
        }
        let mut checkpoint = Self { counters: field("counters").unwrap_or_default(), ..Self::default() };
        let mut sections: [Vec<(String, Tensor)>; 7] = Default::default();
        for (name, tensor) in tensors {
            let place = SECTIONS.iter().position(|s| name.starts_with(s));
            let place = place.ok_or_else(|| damaged(format!("checkpoint holds an unknown tensor {name}")))?;
            sections[place].push((name[SECTIONS[place].len()..].to_owned(), tensor));
        }
        let [params, best, optimizer, balancer, schedule, ema, stream] = sections;
        checkpoint.params = params;
        checkpoint.best = best;
        checkpoint.optimizer = StateDict::from_tensors("optimizer", optimizer)?;
        checkpoint.balancer = StateDict::from_tensors("balancer", balancer)?;
        checkpoint.schedule = StateDict::from_tensors("schedule", schedule)?;
        checkpoint.ema = StateDict::from_tensors("ema", ema)?;
        checkpoint.stream = StateDict::from_tensors("stream", stream)?;
        Ok(checkpoint)
    }
}

/// SHA-256 in hexadecimal digits.
fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// Where the digits of the digest stand in the file's header.
fn digest_place(bytes: &[u8]) -> Option<usize> {
    const KEY: &[u8] = b"\"sha256\":\"";
    let length = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
    let header = bytes.get(8..usize::try_from(length).ok()?.checked_add(8)?)?;
    header.windows(KEY.len()).position(|w| w == KEY).map(|at| 8 + at + KEY.len())
}

/// The checkpoints of one run, in a folder of their own.
#[derive(Debug)]
pub struct CheckpointStore {
    dir: PathBuf,
    keep: usize,
}

impl CheckpointStore {
    /// A store that keeps the newest `keep` (at least 1) checkpoints. Remains of an interrupted write are removed.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder cannot be made or read.
    pub fn open(dir: &Path, keep: usize) -> Result<Self> {
        fs::create_dir_all(dir).map_err(|e| Error::io(dir, "cannot make checkpoint folder", e))?;
        let store = Self { dir: dir.to_owned(), keep: keep.max(1) };
        for entry in store.entries()? {
            if entry.file_name().is_some_and(|n| n.to_string_lossy().starts_with(TEMPORARY)) {
                fs::remove_file(&entry).map_err(|e| Error::io(&entry, "cannot remove an unfinished checkpoint", e))?;
            }
        }
        Ok(store)
    }

    /// Writes a checkpoint for `step` and removes those that are too old.
    ///
    /// # Errors
    /// [`Error::Io`] when writing fails; the older checkpoints are untouched then.
    pub fn save(&self, step: u64, checkpoint: &Checkpoint) -> Result<PathBuf> {
        let path = self.dir.join(format!("step-{step:010}.safetensors"));
        write_atomic(&path, &checkpoint.to_bytes()?)?;
        let files = self.files()?;
        for old in files.iter().rev().skip(self.keep) {
            match fs::remove_file(old) {
                Err(e) if e.kind() != ErrorKind::NotFound => {
                    return Err(Error::io(old, "cannot remove an old checkpoint", e));
                }
                _ => {}
            }
        }
        Ok(path)
    }

    /// The newest whole checkpoint, and what was wrong with newer ones; `None` when there is no file at all.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] when there are files but none is whole.
    pub fn latest(&self) -> Result<Option<(Checkpoint, Vec<Error>)>> {
        let mut damaged = Vec::new();
        for path in self.files()?.iter().rev() {
            match Checkpoint::load(path) {
                Ok(checkpoint) => return Ok(Some((checkpoint, damaged))),
                Err(e) => damaged.push(e),
            }
        }
        match damaged.into_iter().next() {
            None => Ok(None),
            Some(e) => Err(Error::Checkpoint {
                path: self.dir.clone(),
                reason: format!("no checkpoint here is whole, the newest says: {e}"),
            }),
        }
    }

    /// Checkpoint files, oldest first.
    fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = self.entries()?;
        files.retain(|p| p.extension().is_some_and(|e| e == "safetensors") && file_name(p).starts_with("step-"));
        files.sort();
        Ok(files)
    }

    fn entries(&self) -> Result<Vec<PathBuf>> {
        let io = |e| Error::io(&self.dir, "cannot read checkpoint folder", e);
        fs::read_dir(&self.dir).map_err(io)?.map(|entry| Ok(entry.map_err(io)?.path())).collect()
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

const TEMPORARY: &str = ".unfinished-";

/// Writes a file so that, whatever happens, its name holds the old content or the new.
///
/// # Errors
/// [`Error::Io`] when any step fails; nothing is left behind then.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let io = |action| move |e| Error::io(path, action, e);
    let dir = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY);
    // A run's files are as readable as any other new file of the user's; temporary files would be private.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(dir).map_err(io("cannot create"))?;
    file.write_all(bytes).map_err(io("cannot write"))?;
    file.as_file().sync_all().map_err(io("cannot flush to disk"))?;
    file.persist(path).map_err(|e| Error::io(path, "cannot rename into place", e.error))?;
    File::open(dir).and_then(|d| d.sync_all()).map_err(io("cannot flush the folder to disk"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::state::StateValue;

    fn sample(step: u64) -> Checkpoint {
        let xs = Tensor::from_slice(&[1.5f32, -2.0, step as f32]);
        Checkpoint {
            counters: format!(r#"{{"step":{step}}}"#),
            params: vec![("w".into(), xs.shallow_clone())],
            best: vec![],
            optimizer: StateDict::new().with("m.w", StateValue::Tensor(xs)),
            balancer: StateDict::new().with("s", StateValue::Numbers(vec![0.1, 1e-300])),
            schedule: StateDict::new().with("factor", StateValue::Numbers(vec![0.5])),
            ema: StateDict::new().with("updates", StateValue::Count(3)),
            stream: StateDict::new().with("judged", StateValue::Count(5)),
        }
    }

    #[test]
    fn the_newest_whole_checkpoint_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let store = CheckpointStore::open(dir.path(), 2).unwrap();
        assert!(store.latest().unwrap().is_none());
        for step in [1, 2, 3] {
            store.save(step, &sample(step)).unwrap();
        }
        assert_eq!(store.files().unwrap().len(), 2);
        let (latest, damaged) = store.latest().unwrap().unwrap();
        assert_eq!((latest.counters.as_str(), damaged.len()), (r#"{"step":3}"#, 0));
        assert_eq!(latest.params[0].1, sample(3).params[0].1);
        assert_eq!(latest.balancer.numbers("b", "s", 2).unwrap(), [0.1, 1e-300]);
        assert_eq!(latest.schedule.numbers("s", "factor", 1).unwrap(), [0.5]);
        assert_eq!(latest.ema.count("e", "updates").unwrap(), 3);

        let newest = store.files().unwrap().pop().unwrap();
        let whole = fs::read(&newest).unwrap();
        fs::write(&newest, &whole[..whole.len() - 3]).unwrap();
        let (latest, damaged) = store.latest().unwrap().unwrap();
        assert_eq!((latest.counters.as_str(), damaged.len()), (r#"{"step":2}"#, 1));
        assert!(damaged[0].to_string().contains("damaged"), "{}", damaged[0]);
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("step-1.safetensors");
        let whole = sample(1).to_bytes().unwrap();
        for position in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[position] ^= 1 << (position % 8);
            fs::write(&path, bytes).unwrap();
            assert!(Checkpoint::load(&path).is_err(), "byte {position}");
        }
        for length in (0..whole.len()).step_by(whole.len() / 64) {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(Checkpoint::load(&path).is_err(), "the first {length} bytes");
        }
        fs::write(&path, &whole).unwrap();
        assert_eq!(Checkpoint::load(&path).unwrap().counters, sample(1).counters);
    }

    #[test]
    fn another_format_and_a_folder_of_ruins_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("step-0000000001.safetensors");
        let whole = sample(1).to_bytes().unwrap();
        let at = whole.windows(FORMAT.len()).position(|w| w == FORMAT.as_bytes()).unwrap();
        let mut older = whole.clone();
        older[at + FORMAT.len() - 1] = b'1';
        fs::write(&path, older).unwrap();
        let e = Checkpoint::load(&path).unwrap_err().to_string();
        assert!(e.ends_with("checkpoint format must be mtl-checkpoint-2, found mtl-checkpoint-1"), "{e}");
        fs::write(dir.path().join("step-0000000002.safetensors"), b"").unwrap();
        let e = CheckpointStore::open(dir.path(), 2).unwrap().latest().unwrap_err().to_string();
        assert!(e.contains("no checkpoint here is whole, the newest says: "), "{e}");
    }

    #[test]
    #[cfg(unix)]
    fn files_are_as_readable_as_other_new_files() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (ours, plain) = (dir.path().join("ours"), dir.path().join("plain"));
        write_atomic(&ours, b"x").unwrap();
        fs::write(&plain, b"x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }

    #[test]
    fn remains_of_an_interrupted_write_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".unfinished-abc"), b"half").unwrap();
        CheckpointStore::open(dir.path(), 1).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
