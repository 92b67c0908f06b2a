//! Volumes: data that outlives containers.

use std::collections::BTreeMap;

wire! {
    /// A volume of the local driver.
    #[derive(Eq)]
    pub struct Volume {
        /// Unique name.
        pub name: String,
        /// Where its data lies on this machine.
        pub mountpoint: String,
        /// When it was made.
        pub created_at_ms: u64,
        /// User's labels.
        pub labels: BTreeMap<String, String>,
        /// Made for one container without a name.
        pub anonymous: bool,
        /// Names of the containers that mount it.
        pub used_by: Vec<String>,
    }

    /// A new volume.
    #[derive(Eq)]
    pub struct CreateVolume {
        /// A name; chosen by the engine when absent.
        pub name: Option<String>,
        /// User's labels.
        pub labels: BTreeMap<String, String>,
    }

    /// Names a volume.
    #[derive(Eq)]
    pub struct VolumeName {
        /// Its name.
        pub name: String,
    }
}
