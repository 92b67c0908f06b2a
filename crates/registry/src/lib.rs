//! The OCI distribution protocol: resolve, fetch, push
