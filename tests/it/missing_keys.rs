//! Keys that must exist: a container without its keys volume does not start with keys of its own.

use std::{error::Error as _, time::Duration};

use tracing_llm_audit::{Builder, LlmAudit};
use tracing_subscriber::Registry;

/// A container whose keys volume was not mounted made new keys at every start: its journal was signed by keys that no
/// verifier knew and that were gone with the container.
#[test]
fn an_audit_whose_keys_must_exist_is_not_built_without_them() {
    let folder = tempfile::tempdir().unwrap();
    let builder = || -> Builder { LlmAudit::builder().directory(folder.path().join("audit_logs")) };
    let error = builder().keys_must_exist().build::<Registry>().err();
    let error = error.expect("there are no keys yet");
    let cause = error.source().expect("the missing key").to_string();
    let sign = folder.path().join("audit_logs.keys/sign");
    assert!(cause.contains(&sign.display().to_string()), "{cause}");
    assert!(!folder.path().join("audit_logs.keys").exists());

    let (_layer, first) = builder().build::<Registry>().unwrap();
    first.shutdown(Duration::from_secs(60)).unwrap();
    let (_layer, second) = builder().keys_must_exist().build::<Registry>().unwrap();
    assert_eq!(second.verifier_key(), first.verifier_key());
    second.shutdown(Duration::from_secs(60)).unwrap();
}
