//! A checksum inside a zip file: so that `model.pt` can be verified where it lies alone.
//!
//! ```text
//! zip archive .. end record: comment length 75 | mtl-sha256: | 64 hexadecimal digits
//! \________________________ hashed _________________________/
//! ```
//! A zip file may end with a comment, which readers skip, libtorch's too. Reading TorchScript is running somebody's
//! program loader over the bytes: a file that is damaged or that somebody else made is refused before that. The seal is no
//! signature: whoever can write it can forge it.

use std::path::Path;

use crate::error::{Error, Result};
use crate::run::sealed_json::sha256;

const LABEL: &[u8] = b"mtl-sha256:";
const DIGITS: usize = 64;
/// Size of a zip file's end record without comment, and its first bytes.
const END_RECORD: usize = 22;
const END_MAGIC: &[u8] = b"PK\x05\x06";

/// Adds the seal to a zip file without comment.
///
/// # Errors
/// [`Error::Package`] for bytes that are no such file.
pub(super) fn seal(mut zip: Vec<u8>) -> Result<Vec<u8>> {
    let refuse = || Error::Package { path: "model.pt".into(), reason: "libtorch wrote no plain zip file".into() };
    let end = zip.len().checked_sub(END_RECORD).ok_or_else(refuse)?;
    let record = zip.get_mut(end..).ok_or_else(refuse)?;
    if !record.starts_with(END_MAGIC) || !record.ends_with(&[0, 0]) {
        return Err(refuse());
    }
    let comment = u16::try_from(LABEL.len() + DIGITS).map_err(|_| refuse())?;
    record[END_RECORD - 2..].copy_from_slice(&comment.to_le_bytes());
    zip.extend_from_slice(LABEL);
    let digits = sha256(&zip);
    zip.extend_from_slice(digits.as_bytes());
    Ok(zip)
}

/// Refuses a file that has no seal or not its own.
///
/// # Errors
/// [`Error::Package`] saying which.
pub(super) fn verify(bytes: &[u8], path: &Path) -> Result<()> {
    let refuse = |reason: &str| Err(Error::Package { path: path.to_owned(), reason: reason.into() });
    let Some((hashed, digits)) = bytes.split_last_chunk::<DIGITS>() else {
        return refuse("is no TorchScript file of `mtl export`: it is too short");
    };
    if !hashed.ends_with(LABEL) {
        return refuse(
            "is no TorchScript file of `mtl export`, or is cut short: it has no seal (files of unknown origin are not \
             opened, they may run anything)",
        );
    }
    if sha256(hashed).as_bytes() != digits {
        return refuse("is damaged: its checksum does not match");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_flipped_bit_breaks_the_seal() {
        let mut zip = b"some archive".to_vec();
        zip.extend_from_slice(END_MAGIC);
        zip.extend_from_slice(&[0; 18]);
        let sealed = seal(zip.clone()).unwrap();
        verify(&sealed, "m.pt".as_ref()).unwrap();
        for position in 0..sealed.len() {
            let mut bytes = sealed.clone();
            bytes[position] ^= 1 << (position % 8);
            assert!(verify(&bytes, "m.pt".as_ref()).is_err(), "{position}");
        }
        for len in 0..sealed.len() {
            assert!(verify(&sealed[..len], "m.pt".as_ref()).is_err());
        }
        assert!(verify(&zip, "m.pt".as_ref()).unwrap_err().to_string().starts_with("m.pt: is no TorchScript file"));
        assert!(seal(b"short".to_vec()).is_err() && seal(vec![0; 40]).is_err());
    }
}
