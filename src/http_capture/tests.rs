//! The decisions of the capture, without a connection.
