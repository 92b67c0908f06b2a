//! The real window, from the first click to the last.

mod explorer;
mod journey;
mod screens;
