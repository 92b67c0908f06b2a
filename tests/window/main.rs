//! The real window, from the first click to the last.

mod journey;
mod screens;
