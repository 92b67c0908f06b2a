//! Blobs, ingests, leases and snapshots: an image store that cannot lose
