//! Embeds the front end and the window's description.

use std::{fs, path::Path};

fn main() {
    // The checks of the workspace run without a built front end. The page says so, in case it is
    // ever seen.
    let dist = Path::new("../ui/dist");
    if !dist.exists() {
        fs::create_dir_all(dist).expect("ui/ is part of the checkout");
        let page = "<!doctype html><title>UI not built</title><p>Run npm run build in ui/.</p>";
        fs::write(dist.join("index.html"), page).expect("the folder has just been made");
    }
    // tauri_build names its own files only, and would leave a changed front end unnoticed.
    println!("cargo::rerun-if-changed=../ui/dist");
    tauri_build::build();
}
