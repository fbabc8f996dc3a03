//! An OTLP server that counts what arrives, and does as it is told: refuse, delay, hang, break off, go away.
//!
//! It runs on a thread of its own, over HTTP or gRPC, behind a proxy that can cut and hold connections.
//! What it acknowledges is in the ledger, by seq; what it refuses is not.

#![allow(clippy::module_inception, reason = "the proxy goes by its name")]

mod ledger;
mod proxy;
mod server;
mod tls;

pub(crate) use self::{
    ledger::Ledger,
    proxy::Proxy,
    server::{Fault, OtlpServer, Script, Wire},
    tls::{CA, CLIENT, CLIENT_KEY, tls_front},
};
