//! A display whose picture can be read while it is drawn.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufRead as _, BufReader},
    os::unix::fs::FileExt as _,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

const WIDTH: u64 = 1440;
const HEIGHT: u64 = 900;
/// How many rows are looked at.
const ROWS: u64 = 12;
/// A blank web view and what a toolkit shows before it have one or two colors, a page has more.
const COLORS_OF_A_PAGE: usize = 4;
const PATIENCE: Duration = Duration::from_secs(30);

/// A virtual display of its own, and the file of its pixels.
#[derive(Debug)]
pub(crate) struct Screen {
    server: Child,
    pixels: File,
    /// Where the first pixel is, and how many bytes a row has.
    first: u64,
    stride: u64,
    /// What `DISPLAY` takes.
    pub(crate) name: String,
    _folder: TempDir,
}

impl Screen {
    /// Starts the display.
    ///
    /// # Errors
    /// When Xvfb is missing, or writes no picture in the format of `xwd`.
    pub(crate) fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-nolisten", "tcp", "-br", "-screen", "0"])
            .arg(format!("{WIDTH}x{HEIGHT}x24"))
            .arg("-fbdir")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("start Xvfb")?;
        let stdout = server.stdout.take().context("it has a pipe")?;
        let mut number = String::new();
        BufReader::new(stdout).read_line(&mut number)?;
        let pixels = File::open(folder.path().join("Xvfb_screen0"))?;
        // XWDFileHeader: 32-bit numbers, the most significant byte first.
        let field = |index: u64| -> Result<u64> {
            let mut bytes = [0; 4];
            pixels.read_exact_at(&mut bytes, index * 4)?;
            Ok(u32::from_be_bytes(bytes).into())
        };
        let (header, stride, colors) = (field(0)?, field(12)?, field(19)?);
        Ok(Self {
            server,
            first: header + colors * 12,
            stride,
            pixels,
            name: format!(":{}", number.trim()),
            _folder: folder,
        })
    }

    /// Waits until a page is to be seen.
    ///
    /// # Errors
    /// When none shows up.
    pub(crate) fn await_page(&self) -> Result<()> {
        self.wait(|colors| colors >= COLORS_OF_A_PAGE)
    }

    /// Waits until nothing is to be seen.
    ///
    /// # Errors
    /// When something stays.
    pub(crate) fn await_nothing(&self) -> Result<()> {
        self.wait(|colors| colors <= 1)
    }

    fn wait(&self, done: impl Fn(usize) -> bool) -> Result<()> {
        let started = Instant::now();
        while !done(self.colors()?) {
            ensure!(started.elapsed() < PATIENCE, "the display does not change");
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    fn colors(&self) -> Result<usize> {
        let mut colors = BTreeSet::new();
        let mut row = vec![0; usize::try_from(self.stride)?];
        for number in 1..=ROWS {
            let y = number * HEIGHT / (ROWS + 1);
            self.pixels
                .read_exact_at(&mut row, self.first + y * self.stride)?;
            colors.extend(row.chunks_exact(4).step_by(3).map(<[u8]>::to_vec));
        }
        Ok(colors.len())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
