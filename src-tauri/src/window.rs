//! The window and its life.

use tauri::{Manager as _, RunEvent};
use terrarium_engine::Config;

use crate::{commands, host::Host, streams::Streams};

/// Opens the window and returns when it is closed.
pub(crate) fn run(config: Config) {
    let app = tauri::Builder::default()
        .manage(Host::start(config))
        .manage(Streams::default())
        .invoke_handler(commands::handler())
        .build(tauri::generate_context!())
        .unwrap_or_else(|error| {
            eprintln!("error: open the window\n  because: {error}\nhint: start it in a graphical session, or use terrariumd without a window");
            std::process::exit(1);
        });
    app.run(|app, event| {
        if let RunEvent::Exit = event {
            app.state::<Host>().stop();
        }
    });
}
