//! A window with a page of four colors: what the window's start and memory are compared with.

#![forbid(unsafe_code)]

fn main() {
    tauri::Builder::default()
        .run(tauri::generate_context!("examples/empty/tauri.conf.json"))
        .expect("a window opens where the benchmark runs");
}
