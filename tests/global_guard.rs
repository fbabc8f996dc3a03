//! The guard is dropped at once, as `let _ = ...` does; a journal on disk, installed globally.
//!
//! A process of its own, because the global subscriber is.

use std::time::Duration;

use tracing_llm_audit::{Installation, LlmAudit, LlmCall};

#[test]
fn calls_after_the_guard_was_dropped_are_recorded_still() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = folder.path().join("audit_logs");
    let (layer, guard) = LlmAudit::builder()
        .directory(&directory)
        .build()
        .expect("a fresh journal opens");
    Installation::new(layer)
        .init()
        .expect("nothing blinds the audit");
    drop(guard);
    let ack = {
        let span = tracing::info_span!("ask", gen_ai.operation.name = "chat", user.id = "late");
        let _entered = span.enter();
        LlmCall::current().input_text("hello").ack()
    };
    ack.wait(Duration::from_secs(20)).expect("durable");
    let files = std::fs::read_dir(&directory).expect("the journal's folder");
    let segments = files.filter_map(|file| std::fs::read_to_string(file.ok()?.path()).ok());
    let lines: String = segments.collect();
    assert_eq!(lines.matches("\"user_id\":\"late\"").count(), 1, "{lines}");
    assert!(!lines.contains("hello"), "content is hashed, not kept");
}
