use terrarium_api::{ContainerDetail, ContainerSize, ContainerSummary};

use super::unsupported;
use crate::{Engine, Result};

impl Engine {
    /// All containers, newest first.
    ///
    /// # Errors
    /// None so far.
    pub async fn containers(&self) -> Result<Vec<ContainerSummary>> {
        Ok(Vec::new())
    }

    /// Everything about one container.
    ///
    /// # Errors
    /// `NoSuchContainer`.
    pub async fn inspect_container(&self, name: &str) -> Result<ContainerDetail> {
        Err(crate::error::no_such_container(name))
    }

    /// The bytes of one container, walked now.
    ///
    /// # Errors
    /// `NoSuchContainer`, or what could not be read.
    pub async fn container_size(&self, name: &str) -> Result<ContainerSize> {
        unsupported("measure", name)
    }
}
