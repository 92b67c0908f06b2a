//! Files of a tree that processes may be changing meanwhile: looked at, packed into a tar, and
//! written from one.
//!
//! The root is `/` for every path and every link in it: paths are resolved by `openat2(2)` within
//! it, and everything below a path goes by descriptors, one name at a time (CVE-2018-15664,
//! CVE-2019-14271). No program is started.

mod look;
mod pack;
mod place;
mod put;

pub use look::{Found, PathStat};
pub use pack::Crossing;
pub use put::{Clash, Owner, PutOptions, put};
