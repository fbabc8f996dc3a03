//! Puts the pieces of a streamed value together, as the whole body would have had it.
//!
//! Promise: numbers and everything that is not in pieces stay as they were spelled.
//! Not here: which pieces belong together (`anthropic`, `openai_chat`).

use super::object::Object;
use llm_audit_journal::json;

/// Members whose texts come in pieces; a piece of any other member replaces what was there.
const IN_PIECES: [&str; 9] = [
    "arguments",
    "content",
    "data",
    "reasoning",
    "reasoning_content",
    "refusal",
    "text",
    "thinking",
    "transcript",
];

/// Elements of a list or members of an object among which a piece looks for its own; what comes behind them is added
/// without a look, so that a hostile list costs no more than its length.
const ELEMENTS_MAX: usize = 512;
/// Levels on which pieces are put together; what stands deeper is taken as it is spelled.
const DEPTH_MAX: usize = 16;

/// A value that is being put together.
pub(crate) enum Node {
    /// As it was spelled.
    Raw(Vec<u8>),
    Text(String),
    Object(Vec<(String, Node)>),
    List(Vec<Node>),
}

impl Node {
    /// Makes an empty object.
    pub(crate) fn object() -> Self {
        Self::Object(Vec::new())
    }

    /// Makes a value of its first piece.
    pub(crate) fn of(piece: &[u8]) -> Self {
        Self::of_piece(piece, DEPTH_MAX)
    }

    fn of_piece(piece: &[u8], depth: usize) -> Self {
        let mut node = Self::Raw(b"null".to_vec());
        node.merge_within("", piece, depth);
        node
    }

    /// Adds a piece of the member `key`.
    pub(crate) fn merge(&mut self, key: &str, piece: &[u8]) {
        self.merge_within(key, piece, DEPTH_MAX);
    }

    fn merge_within(&mut self, key: &str, piece: &[u8], depth: usize) {
        match piece.first() {
            Some(b'n') => {}
            Some(b'"') if IN_PIECES.contains(&key) => {
                self.push_text(&json::text(piece).unwrap_or_default());
            }
            Some(b'{') if depth > 0 => self.merge_object(piece, depth - 1),
            Some(b'[') if depth > 0 => self.merge_list(piece, depth - 1),
            _ => *self = Self::Raw(piece.to_vec()),
        }
    }

    /// Adds to a text.
    pub(crate) fn push_text(&mut self, text: &str) {
        match self {
            Self::Text(whole) => whole.push_str(text),
            _ => *self = Self::Text(text.to_owned()),
        }
    }

    /// Adds to a text that may still stand as it was spelled.
    pub(crate) fn continue_text(&mut self, piece: &str) {
        if let Self::Raw(raw) = self
            && let Some(text) = json::text(raw)
        {
            *self = Self::Text(text.into_owned());
        }
        self.push_text(piece);
    }

    /// Returns the element at a place of a list, which grows to hold it; none at a place that no honest list has.
    pub(crate) fn element(&mut self, at: u64) -> Option<&mut Self> {
        let at = usize::try_from(at).ok().filter(|at| *at < ELEMENTS_MAX)?;
        if !matches!(self, Self::List(_)) {
            *self = Self::List(Vec::new());
        }
        let Self::List(elements) = self else {
            unreachable!("it was made a list above");
        };
        while elements.len() <= at {
            elements.push(Self::object());
        }
        elements.get_mut(at)
    }

    /// Adds an element to a list.
    pub(crate) fn push(&mut self, element: &[u8]) {
        self.push_node(Self::of(element));
    }

    fn push_node(&mut self, element: Self) {
        match self {
            Self::List(elements) => elements.push(element),
            _ => *self = Self::List(vec![element]),
        }
    }

    /// Returns a member of an object, null where it was not there yet.
    pub(crate) fn member(&mut self, key: &str) -> &mut Self {
        if !matches!(self, Self::Object(_)) {
            *self = Self::object();
        }
        let Self::Object(members) = self else {
            unreachable!("it was made an object above");
        };
        let at = members
            .iter()
            .take(ELEMENTS_MAX)
            .position(|(name, _)| name == key)
            .unwrap_or_else(|| {
                members.push((key.to_owned(), Self::Raw(b"null".to_vec())));
                members.len() - 1
            });
        &mut members[at].1
    }

    /// Returns a member of an object, where it is there.
    pub(crate) fn known(&mut self, key: &str) -> Option<&mut Self> {
        let Self::Object(members) = self else {
            return None;
        };
        let found = members.iter_mut().find(|(name, _)| name == key);
        found.map(|(_, value)| value)
    }

    fn merge_object(&mut self, piece: &[u8], depth: usize) {
        if !matches!(self, Self::Object(_)) {
            *self = Self::object();
        }
        for (key, value) in Object::parse(piece).iter().flat_map(Object::iter) {
            let member = self.member(key);
            if key == "input" {
                // A tool's input is the model's own JSON: taken whole, never merged.
                *member = Self::Raw(value.to_vec());
            } else {
                member.merge_within(key, value, depth);
            }
        }
    }

    /// Adds the elements of a piece: to those of the same `index`, the rest behind the others.
    fn merge_list(&mut self, piece: &[u8], depth: usize) {
        if !matches!(self, Self::List(_)) {
            *self = Self::List(Vec::new());
        }
        for element in json::elements(piece).filter_map(Result::ok) {
            let index = json::member(element, "index");
            match index.and_then(|index| self.indexed(index)) {
                Some(known) => known.merge_within("", element, depth),
                None => self.push_node(Self::of_piece(element, depth)),
            }
        }
    }

    fn indexed(&mut self, index: &[u8]) -> Option<&mut Self> {
        let Self::List(elements) = self else {
            return None;
        };
        elements
            .iter_mut()
            .take(ELEMENTS_MAX)
            .find(|element| element.index() == Some(index))
    }

    fn index(&self) -> Option<&[u8]> {
        let Self::Object(members) = self else {
            return None;
        };
        let found = members.iter().find(|(name, _)| name == "index")?;
        match &found.1 {
            Self::Raw(raw) => Some(raw),
            _ => None,
        }
    }

    /// Takes a member out of an object.
    pub(crate) fn remove(&mut self, key: &str) {
        if let Self::Object(members) = self {
            members.retain(|(name, _)| name != key);
        }
    }

    /// Takes a member out of an object where it has nothing in it.
    pub(crate) fn remove_empty(&mut self, key: &str) {
        if let Self::Object(members) = self {
            members.retain(|(name, value)| name != key || !value.is_empty());
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Raw(raw) => matches!(raw.as_slice(), b"null" | b"\"\"" | b"[]" | b"{}"),
            Self::Text(text) => text.is_empty(),
            Self::Object(members) => members.is_empty(),
            Self::List(elements) => elements.is_empty(),
        }
    }

    /// Returns the elements of a list.
    pub(crate) fn elements(&mut self) -> &mut [Self] {
        match self {
            Self::List(elements) => elements,
            _ => &mut [],
        }
    }

    /// Spells the value as JSON.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Raw(raw) => out.extend_from_slice(raw),
            Self::Text(text) => json::write_str(out, text),
            Self::Object(members) => {
                out.push(b'{');
                for (at, (key, value)) in members.iter().enumerate() {
                    comma(out, at);
                    json::write_str(out, key);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
            Self::List(elements) => {
                out.push(b'[');
                for (at, element) in elements.iter().enumerate() {
                    comma(out, at);
                    element.write(out);
                }
                out.push(b']');
            }
        }
    }
}

fn comma(out: &mut Vec<u8>, at: usize) {
    if at > 0 {
        out.push(b',');
    }
}
