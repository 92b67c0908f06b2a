//! Pictures of every screen in both languages and themes, and what a checker for accessibility says.
