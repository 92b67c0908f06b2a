//! Every unsafe call and every kernel interface, behind safe types
