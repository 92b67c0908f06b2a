//! The real window, from the first click to the last.

mod archives;
mod copies;
mod editing;
mod explorer;
mod hands;
mod inside;
mod journey;
mod keeping;
mod looks;
mod networks;
mod registries;
mod screens;
mod signatures;
mod studio;
mod trash;
