//! The real window, from the first click to the last.

mod explorer;
mod inside;
mod journey;
mod screens;
