//! Layers: from a tar stream to a folder in the format of overlay.
