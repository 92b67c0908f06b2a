//! The layer explorer on an image of 100,000 files: the first tree after a pull, and searches.

use std::{fs::File, io::BufWriter, path::Path};

use anyhow::{Context as _, Result};
use serde_json::json;
use tempfile::TempDir;
use terrarium_tests::{Layout, Registry, Window, WindowOptions};

use crate::budget::{Budget, median};

const LAYERS: usize = 4;
const FOLDERS: usize = 250;
const FILES_A_FOLDER: usize = 100;
/// Parts of names, each in another number of files.
const WORDS: [&str; 5] = ["file-7", "folder-12", "notes", "99", "layer-3/folder-24/"];

/// Goes somewhere, and says how many milliseconds later something is there and drawn.
const GO: &str = "const done = arguments[arguments.length - 1]; const [place, ready] = arguments; \
    const began = performance.now(); location.hash = place; \
    const look = () => document.querySelector(ready) \
        ? requestAnimationFrame(() => setTimeout(() => done(performance.now() - began))) : setTimeout(look, 1); \
    look()";

/// Types a whole word, and says how many milliseconds later its first row is there and drawn.
const SEARCH: &str = "const done = arguments[arguments.length - 1]; const [word] = arguments; \
    const field = document.querySelector('[data-testid=file-search]'); const began = performance.now(); \
    field.value = word; field.dispatchEvent(new Event('input', { bubbles: true })); \
    const last = word.split('/').filter(Boolean).at(-1); \
    const there = () => document.querySelector('[data-testid=found-file]')?.textContent.includes(last); \
    const look = () => there() \
        ? requestAnimationFrame(() => setTimeout(() => done(performance.now() - began))) : setTimeout(look, 1); \
    look()";

/// The first tree and the middle of the searches.
pub(crate) fn measure() -> Result<Vec<Budget>> {
    let folder = tempfile::Builder::new().prefix("te").tempdir_in("/tmp")?;
    let registry = Registry::start()?;
    push(&registry, &folder)?;
    let window = Window::open(&WindowOptions {
        mirrors: vec![registry.url()],
        ..WindowOptions::default()
    })?;
    window.docker(&["pull", "-q", "big"]).ok();
    let id = window.docker(&["image", "inspect", "-f", "{{.Id}}", "big"]);
    let place = format!("#/images/{}/files", id.ok().trim());
    let line = "[data-testid=file-line]";
    let first = milliseconds(&window, GO, &place, line)?;
    milliseconds(&window, GO, "#/images", "[data-testid=image-row]")?;
    let again = milliseconds(&window, GO, &place, line)?;
    let searches = WORDS.map(|word| milliseconds(&window, SEARCH, word, ""));
    let searches = searches.into_iter().collect::<Result<Vec<_>>>()?;
    let files = LAYERS * FOLDERS * FILES_A_FOLDER;
    Ok(vec![
        Budget::at_most(300.0, "ms", format!("first tree of {files} files"), first),
        Budget::figure("ms", "  the second time", again),
        Budget::at_most(
            100.0,
            "ms",
            "  search by name, all layers",
            median(searches),
        ),
    ])
}

fn milliseconds(window: &Window, script: &str, what: &str, ready: &str) -> Result<f64> {
    let took = window.script_async(script, json!([what, ready]))?;
    took.as_f64().with_context(|| format!("{what}: {took}"))
}

/// Pushes an image whose layers have many small files each; a fifth of the names are in two of them.
fn push(registry: &Registry, folder: &TempDir) -> Result<()> {
    let layout = Layout::create(&folder.path().join("layout"))?;
    for layer in 0..LAYERS {
        let path = folder.path().join("layer.tar");
        write_layer(&path, layer)?;
        layout.add_tar(&path)?;
    }
    registry.push_layout(&layout, "library/big:latest")
}

fn write_layer(path: &Path, layer: usize) -> Result<()> {
    let mut tar = tar::Builder::new(BufWriter::new(File::create(path)?));
    for number in 0..FOLDERS * FILES_A_FOLDER {
        let (folder, file) = (number / FILES_A_FOLDER, number % FILES_A_FOLDER);
        let owner = if folder % 5 == 0 { 0 } else { layer };
        let name = format!("layer-{owner}/folder-{folder}/file-{file}-notes.txt");
        let content = format!("layer {layer}, file {number}\n");
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, name, content.as_bytes())?;
    }
    tar.into_inner()?;
    Ok(())
}
