//! The content of one file as one layer has it.

use std::{
    ffi::OsString,
    fmt::Write as _,
    fs::OpenOptions,
    io,
    os::unix::{ffi::OsStringExt as _, fs::OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use terrarium_api::{Error, ErrorCode, FileContent, FilesOf, ReadFile, SaveFile, SavedFile};

use super::{name, open::Layers};
use crate::{
    Engine, Result,
    blocking::blocking,
    error::{Context as _, quoted},
};

/// So much of a file is shown.
const SHOWN: u64 = 256 * 1024;
/// So much of a file that is no text.
const SHOWN_BYTES: usize = 8 * 1024;

impl Engine {
    /// The beginning of a file as one layer has it.
    ///
    /// # Errors
    /// `NoSuchImage`, `NoSuchContainer`; `InvalidArgument` if that layer has no such file.
    pub async fn read_file(&self, request: ReadFile) -> Result<FileContent> {
        let (layers, path) = self.located(&request.of, &request.path).await?;
        let store = self.store().clone();
        blocking(move || {
            let mut bytes = Vec::new();
            let file = (request.layer, path.as_path());
            let size_bytes = layers.read_file(&store, file, SHOWN, &mut bytes)?;
            Ok(content(&bytes, size_bytes))
        })
        .await
    }

    /// Copies a file out of a layer to a path of this machine that does not exist yet.
    ///
    /// # Errors
    /// As [`Engine::read_file`]; `InvalidArgument` for a target that is relative or there already.
    pub async fn save_file(&self, request: SaveFile) -> Result<SavedFile> {
        let to = PathBuf::from(&request.to);
        if !to.is_absolute() {
            return Err(bad_target(&request.to, "give an absolute path"));
        }
        let (layers, path) = self.located(&request.of, &request.path).await?;
        let store = self.store().clone();
        blocking(move || {
            let file = create(&to, &request.to)?;
            let wanted = (request.layer, path.as_path());
            let read = layers.read_file(&store, wanted, u64::MAX, file);
            if read.is_err() {
                // What is half written is of no use; the first error is the one that counts.
                let _ = std::fs::remove_file(&to);
            }
            Ok(SavedFile {
                size_bytes: read?,
                path: request.to,
            })
        })
        .await
    }

    async fn located(&self, of: &FilesOf, path: &str) -> Result<(Arc<Layers>, PathBuf)> {
        let names = name::components(path)?;
        let path = names.into_iter().map(OsString::from_vec).collect();
        Ok((self.layers(of).await?, path))
    }
}

fn create(to: &Path, named: &str) -> Result<std::fs::File> {
    let mut options = OpenOptions::new();
    match options.write(true).create_new(true).mode(0o600).open(to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(bad_target(named, "choose a name that is not taken"))
        }
        opened => opened.context(|| format!("create {}", quoted(named))),
    }
}

fn bad_target(path: &str, hint: &str) -> Error {
    let message = format!("cannot save as {}", quoted(path));
    Error::new(ErrorCode::InvalidArgument, message).hint(hint)
}

fn content(bytes: &[u8], size_bytes: u64) -> FileContent {
    if let Some(text) = text(bytes, size_bytes) {
        return FileContent {
            size_bytes,
            shown_bytes: text.len() as u64,
            text: text.to_owned(),
            is_text: true,
        };
    }
    let bytes = &bytes[..bytes.len().min(SHOWN_BYTES)];
    FileContent {
        size_bytes,
        shown_bytes: bytes.len() as u64,
        text: dump(bytes),
        is_text: false,
    }
}

/// The bytes as text, if they are; a letter that the limit cut in two does not count.
fn text(bytes: &[u8], size_bytes: u64) -> Option<&str> {
    let cut = (bytes.len() as u64) < size_bytes;
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if cut && error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let odd = |letter: char| letter.is_control() && !"\n\r\t\u{c}\u{1b}".contains(letter);
    (!text.contains(odd)).then_some(text)
}

/// Lines of 16 bytes: offset, numbers, letters.
fn dump(bytes: &[u8]) -> String {
    let mut lines = String::new();
    for (number, row) in bytes.chunks(16).enumerate() {
        let mut hex = String::new();
        for byte in row {
            let _ = write!(hex, "{byte:02x} ");
        }
        let letters: String = row
            .iter()
            .map(|byte| match byte {
                0x20..=0x7e => char::from(*byte),
                _ => '.',
            })
            .collect();
        let _ = writeln!(lines, "{:08x}  {hex:<48} {letters}", number * 16);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shown_as_text_and_other_bytes_as_numbers() {
        let shown = content("한글\n".as_bytes(), 7);
        assert!(shown.is_text);
        assert_eq!(shown.text, "한글\n");
        let shown = content(b"\x7fELF\0", 5);
        assert!(!shown.is_text);
        assert!(
            shown.text.starts_with("00000000  7f 45 4c 46 00"),
            "{}",
            shown.text
        );
        assert!(shown.text.ends_with(".ELF.\n"));
    }

    #[test]
    fn a_letter_that_the_limit_cuts_in_two_is_left_out() {
        let bytes = &"한글".as_bytes()[..5];
        assert_eq!(content(bytes, 6).text, "한");
        assert!(!content(bytes, 5).is_text);
    }
}
