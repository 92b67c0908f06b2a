//! The harness that every suite stands on.
