//! The command `llm-audit`.
fn main() {}
