//! Tidying up: a receipt of what could go, and the removal of what was chosen from it.

mod receipt;
mod remove;
