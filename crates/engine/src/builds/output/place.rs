//! A result in one file.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use terrarium_api::{Error, ErrorCode};
use terrarium_builder::Files;

use super::Writing;
use crate::Result;

/// The files as a tar, with their owners and times.
pub(super) fn tar(files: &Arc<Files>, sink: &mut dyn Write) -> Result<()> {
    let failed = |error: io::Error| Error::new(ErrorCode::Internal, "write a tar").because(&error);
    let mut tar = files.tar_of("").map_err(failed)?;
    io::copy(&mut tar, sink).map_err(failed)?;
    Ok(())
}

/// Writes beside the place and moves it there when it is whole; the result of a build before is replaced.
pub(super) fn write(path: &Path, writing: Writing) -> Result<()> {
    let shown = path.display().to_string();
    let failed = |error: io::Error| {
        Error::new(ErrorCode::InvalidArgument, format!("write {shown:?}")).because(&error)
    };
    if !path.is_absolute() || path.file_name().is_none() || path.is_dir() {
        let text = format!("write {shown:?}: it is not the absolute path of a file");
        return Err(Error::new(ErrorCode::InvalidArgument, text));
    }
    let mut aside = path.as_os_str().to_owned();
    aside.push(".part");
    let aside = PathBuf::from(aside);
    // What a kill left is not ours to write into: it may be a link.
    let _ = fs::remove_file(&aside);
    let written = File::create_new(&aside).map_err(failed).and_then(|file| {
        let mut sink = BufWriter::with_capacity(1 << 18, file);
        writing(&mut sink)?;
        let file = sink.into_inner().map_err(|error| failed(error.into()))?;
        file.sync_all().map_err(failed)?;
        fs::rename(&aside, path).map_err(failed)
    });
    if written.is_err() {
        let _ = fs::remove_file(&aside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_when_the_new_one_is_whole_and_else_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("out.tar");
        let text = |text: &'static str| -> Writing {
            Box::new(move |sink| {
                sink.write_all(text.as_bytes()).expect("there is room");
                Ok(())
            })
        };
        write(&path, text("one")).expect("it is written");
        write(&path, text("two")).expect("it is replaced");
        let broken: Writing = Box::new(|sink| {
            sink.write_all(b"half").expect("there is room");
            Err(Error::new(ErrorCode::Internal, "broken"))
        });
        write(&path, broken).expect_err("it breaks off");
        assert_eq!(fs::read(&path).expect("it is there"), b"two");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
        for wrong in [Path::new("out.tar"), folder.path(), Path::new("/")] {
            write(wrong, text("x")).expect_err("it is refused");
        }
    }
}
