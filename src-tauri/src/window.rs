//! The window and its life.

use tauri::{AppHandle, Manager as _, RunEvent};
use terrarium_engine::Config;
use tokio::signal::unix::{SignalKind, signal};

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
    tauri::async_runtime::spawn(exit_on_signal(app.handle().clone()));
    app.run(|app, event| {
        if let RunEvent::Exit = event {
            app.state::<Host>().stop();
        }
    });
}

/// Ends as if the window had been closed, when the session ends or somebody presses Ctrl+C.
async fn exit_on_signal(app: AppHandle) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    app.exit(0);
}
