//! What a guardrail of Amazon Bedrock did, by its trace.
//!
//! Promise: an intervention counts as masking only where the trace says so and names no block.
//! Not here: that a guardrail intervened at all, which stop reason and body say (`bedrock_converse`, `bedrock_invoke`).
//!
//! Bedrock says `guardrail_intervened` of an answer that was replaced and of one whose personal data was masked
//! alike; only the actions of the trace's assessments tell them apart, and a trace comes only where it was asked for.

use super::object::Object;
use llm_audit_journal::json;

/// Objects and lists inside each other that are looked at: more than a trace has.
const DEPTH_MAX: usize = 16;

/// The actions of a trace's assessments.
#[derive(Default)]
struct Actions {
    has_mask: bool,
    has_block: bool,
}

/// Says whether a `trace` has masks and no block.
pub(super) fn is_masked(trace: &Object<'_>) -> bool {
    let mut actions = Actions::default();
    if let Some(guardrail) = trace.get("guardrail") {
        actions.look(guardrail, DEPTH_MAX);
    }
    actions.has_mask && !actions.has_block && trace.is_whole
}

impl Actions {
    fn look(&mut self, value: &[u8], depth: usize) {
        let Some(depth) = depth.checked_sub(1) else {
            // What is not looked at may be a block.
            self.has_block = true;
            return;
        };
        match value.first() {
            Some(b'{') => {
                let Some(object) = Object::parse(value) else {
                    return;
                };
                self.has_mask |= object.is("action", "ANONYMIZED");
                self.has_block |= object.is("action", "BLOCKED");
                for (_, member) in object.iter() {
                    self.look(member, depth);
                }
            }
            Some(b'[') => {
                for element in json::elements(value).filter_map(Result::ok) {
                    self.look(element, depth);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_masks_without_a_block_are_masking() {
        let told = |guardrail: &str| {
            let trace = format!("{{\"guardrail\":{guardrail}}}");
            is_masked(&Object::parse(trace.as_bytes()).expect("an object"))
        };
        let mask = r#"{"sensitiveInformationPolicy":{"piiEntities":[{"action":"ANONYMIZED"}]}}"#;
        let block = r#"{"wordPolicy":{"customWords":[{"action":"BLOCKED"}]}}"#;
        assert!(told(&format!(
            "{{\"outputAssessments\":{{\"g\":[{mask}]}}}}"
        )));
        assert!(!told(&format!(
            "{{\"outputAssessments\":{{\"g\":[{mask},{block}]}}}}"
        )));
        assert!(!told(&format!("{{\"inputAssessment\":{{\"g\":{block}}}}}")));
        assert!(!told("{}"));
        // A model's own words about a mask are a text and no assessment.
        assert!(!told(r#"{"modelOutput":["{\"action\":\"ANONYMIZED\"}"]}"#));
        let deep = format!("{}{mask}{}", "[".repeat(40), "]".repeat(40));
        assert!(!told(&format!("[{mask},{deep}]")));
    }
}
