//! The content blocks of a Converse stream, put together as the whole body would have had them.
//!
//! Promise: a tool's input is JSON where its pieces make JSON; what is in no pieces stays as it was spelled.
//! Not here: counts and reasons (`bedrock_converse`).

use super::{merge::Node, object::Object};
use llm_audit_journal::json;

/// A content block and its pieces.
pub(super) struct Block {
    content: Node,
    tool_input: String,
}

impl Default for Block {
    fn default() -> Self {
        Self {
            content: Node::object(),
            tool_input: String::new(),
        }
    }
}

impl Block {
    /// Begins a block of a kind that announces itself.
    pub(super) fn start(&mut self, start: &Object<'_>) {
        for (key, value) in start.iter() {
            self.content.member(key).merge(key, value);
        }
    }

    /// Adds a piece.
    pub(super) fn add(&mut self, delta: &Object<'_>) {
        for (key, value) in delta.iter() {
            match key {
                "toolUse" => {
                    let piece = Object::parse(value).and_then(|tool| tool.owned_text("input"));
                    self.tool_input.push_str(&piece.unwrap_or_default());
                }
                "reasoningContent" => self.reason(value),
                "citation" => {
                    let citations = self.content.member("citationsContent");
                    citations.member("citations").push(value);
                }
                _ => self.content.member(key).merge(key, value),
            }
        }
    }

    /// Whole bodies have text and signature of reasoning one level deeper.
    fn reason(&mut self, piece: &[u8]) {
        for (key, value) in Object::parse(piece).iter().flat_map(Object::iter) {
            let reasoning = self.content.member("reasoningContent");
            let text = || json::text(value).unwrap_or_default();
            match key {
                "text" | "signature" => reasoning
                    .member("reasoningText")
                    .member(key)
                    .push_text(&text()),
                "redactedContent" => reasoning.member(key).push_text(&text()),
                _ => reasoning.member(key).merge(key, value),
            }
        }
    }

    fn write(mut self, out: &mut Vec<u8>) {
        if !self.tool_input.is_empty() {
            let is_json = json::normalize(&mut Vec::new(), self.tool_input.as_bytes(), 1).is_ok();
            *self.content.member("toolUse").member("input") = if is_json {
                Node::Raw(self.tool_input.into_bytes())
            } else {
                Node::Text(self.tool_input)
            };
        }
        self.content.write(out);
    }
}

/// Spells `{"message":{"role":...,"content":[...]}}`, which is a whole body's `output`.
pub(super) fn message(role: &str, blocks: impl Iterator<Item = Block>) -> Vec<u8> {
    let mut out = b"{\"message\":{\"role\":".to_vec();
    json::write_str(&mut out, role);
    out.extend_from_slice(b",\"content\":[");
    for (at, block) in blocks.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        block.write(&mut out);
    }
    out.extend_from_slice(b"]}}");
    out
}
