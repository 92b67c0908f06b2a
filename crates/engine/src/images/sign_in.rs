use terrarium_api::Credentials;

use super::error::registry_failed;
use crate::{Engine, Result, error::quoted};

impl Engine {
    /// Asks a registry whether it takes these credentials. They are not kept.
    ///
    /// # Errors
    /// `Unauthorized` when it does not, `RegistryUnreachable`, or what the registry said.
    pub async fn check_sign_in(&self, registry: &str, credentials: Credentials) -> Result<()> {
        let client = self.inner.images.client(registry, Some(credentials));
        let checked = client.ping(registry).await;
        checked.map_err(|error| registry_failed(format!("sign in to {}", quoted(registry)), &error))
    }
}
