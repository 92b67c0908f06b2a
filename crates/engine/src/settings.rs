//! What the user chose, in `DATA_ROOT/settings.json`.

use std::{fs, io};

use terrarium_api::Settings;

use crate::{Engine, Result, blocking::blocking, error::Context as _, files};

impl Engine {
    /// The user's settings; the defaults when none were saved or they cannot be read.
    pub async fn settings(&self) -> Settings {
        let path = self.config().data_root.join("settings.json");
        let read = blocking(move || match fs::read(&path) {
            Ok(text) => {
                serde_json::from_slice(&text).context(|| format!("read {}", path.display()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Settings::default()),
            Err(error) => Err(error).context(|| format!("read {}", path.display())),
        });
        read.await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the settings are the defaults");
            Settings::default()
        })
    }

    /// Saves the user's settings.
    ///
    /// # Errors
    /// What could not be written.
    pub async fn save_settings(&self, settings: Settings) -> Result<Settings> {
        let path = self.config().data_root.join("settings.json");
        let text = serde_json::to_vec_pretty(&settings).context(|| "write the settings".into())?;
        blocking(move || {
            files::write_durably(&path, &text).context(|| format!("write {}", path.display()))
        })
        .await?;
        Ok(settings)
    }
}
