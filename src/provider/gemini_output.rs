//! A candidate of a Gemini stream, put together as the whole body would have had it.
//!
//! Promise: pieces of one text become one part; parts of other kinds stay as they were spelled, in order.
//! Not here: counts and reasons (`gemini`).

use super::{merge::Node, object::Object};

/// Members of a part that is a piece of a text.
const TEXT_MEMBERS: [&str; 3] = ["text", "thought", "thoughtSignature"];

/// The chunks of one candidate so far.
pub(super) struct Candidate {
    members: Node,
    content: Node,
    parts: Vec<Node>,
    /// Whether the last part takes further text, and whether that is thought.
    open: Option<bool>,
}

impl Default for Candidate {
    fn default() -> Self {
        Self {
            members: Node::object(),
            content: Node::object(),
            parts: Vec::new(),
            open: None,
        }
    }
}

impl Candidate {
    /// Adds one chunk's candidate.
    pub(super) fn add(&mut self, candidate: &Object<'_>) {
        for (key, value) in candidate.iter().filter(|(key, _)| *key != "content") {
            *self.members.member(key) = Node::Raw(value.to_vec());
        }
        let Some(content) = candidate.object("content") else {
            return;
        };
        for (key, value) in content.iter().filter(|(key, _)| *key != "parts") {
            *self.content.member(key) = Node::Raw(value.to_vec());
        }
        for raw in content.elements("parts") {
            self.add_part(raw);
        }
    }

    fn add_part(&mut self, raw: &[u8]) {
        let part = Object::parse(raw).filter(|part| {
            part.get("text").is_some() && part.iter().all(|(key, _)| TEXT_MEMBERS.contains(&key))
        });
        let Some(part) = part else {
            self.open = None;
            self.parts.push(Node::Raw(raw.to_vec()));
            return;
        };
        let is_thought = part.get("thought") == Some(b"true");
        let signature = part.get("thoughtSignature");
        if self.open != Some(is_thought) {
            if part.text("text").is_none() && signature.is_none() {
                return;
            }
            self.parts.push(text_part(is_thought));
        }
        if let Some(last) = self.parts.last_mut() {
            last.member("text")
                .push_text(&part.text("text").unwrap_or_default());
            if let Some(signature) = signature {
                *last.member("thoughtSignature") = Node::Raw(signature.to_vec());
            }
        }
        // What follows a signature is another part.
        self.open = signature.is_none().then_some(is_thought);
    }

    /// Spells the candidate as JSON.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut members = Vec::new();
        self.members.write(&mut members);
        let mut content = Vec::new();
        self.content.write(&mut content);
        out.extend_from_slice(b"{\"content\":");
        out.extend_from_slice(without_end(&content));
        if content.len() > 2 {
            out.push(b',');
        }
        out.extend_from_slice(b"\"parts\":[");
        for (at, part) in self.parts.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            part.write(out);
        }
        out.extend_from_slice(b"]}");
        if members.len() > 2 {
            out.push(b',');
            out.extend_from_slice(&members[1..members.len() - 1]);
        }
        out.push(b'}');
    }
}

/// An empty text, to which pieces are added.
fn text_part(is_thought: bool) -> Node {
    let mut part = Node::object();
    part.member("text").push_text("");
    if is_thought {
        *part.member("thought") = Node::Raw(b"true".to_vec());
    }
    part
}

/// An object without its closing brace.
fn without_end(object: &[u8]) -> &[u8] {
    &object[..object.len() - 1]
}
