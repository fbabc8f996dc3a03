//! The journal's tests, one module per subject: one program, so that they link once.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod adoption;
mod belief;
mod bounded;
mod disk;
mod faults;
mod files;
mod format;
mod harm;
mod keys;
mod left_out;
mod life;
mod moved;
mod paths;
mod reader;
mod recovery;
#[allow(dead_code, reason = "the workspace's own tests use the rest")]
mod storage;
mod support;
mod verifier;
