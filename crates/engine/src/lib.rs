//! The use cases: pull, run, exec, stats, reconcile
