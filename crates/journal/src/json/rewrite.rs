//! A host's JSON into the one spelling that is committed ([`normalize`]) or hashed ([`canonical`]).
//!
//! Promise: any valid JSON text goes in; what comes out is the same for every build of this crate.
//! Not here: judging a line that is already written (`strict`).

use thiserror::Error;

use super::{
    DEPTH_MAX, canonical_keys, number,
    scan::{NotJson, Scan, unescape},
    spelling::{Style, write_inner},
};

/// The deepest nesting that [`canonical`] follows: far beyond any provider's body, and shallow for any thread's stack.
const CANONICAL_DEPTH_MAX: usize = 256;

/// Objects with at most this many members are searched for duplicates pair by pair, which is cheaper than sorting.
const PAIRWISE_MAX: usize = 12;

/// Why a host's JSON text could not be taken; nothing of it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NormalizeError {
    /// The text is not JSON, or not UTF-8.
    #[error("not JSON at byte {offset}")]
    NotJson {
        /// The first byte that cannot stand where it stands.
        offset: usize,
    },
    /// [`canonical`] only: a number beyond the range of a double, which RFC 8785 cannot spell.
    #[error("number at byte {offset} is beyond the range of a double")]
    NumberRange {
        /// The number's first byte.
        offset: usize,
    },
    /// [`canonical`] only: nested deeper than it follows.
    #[error("nested too deep at byte {offset}")]
    TooDeep {
        /// The bracket that goes too deep.
        offset: usize,
    },
}

impl From<NotJson> for NormalizeError {
    fn from(at: NotJson) -> Self {
        Self::NotJson { offset: at.offset }
    }
}

/// Writes a host's JSON value in the journal's spelling; `depth` is the depth at which it will stand.
///
/// The value of a line's own member stands at depth 2. Members keep the order in which they were written. Exponents are
/// expanded; a number that is too long, and an object or array that would lie too deep, become strings of the host's own
/// text; a lone surrogate becomes U+FFFD; of members with one key the last stays.
///
/// # Errors
/// [`NormalizeError::NotJson`]; then `out` is as it was.
pub fn normalize(out: &mut Vec<u8>, host_json: &[u8], depth: usize) -> Result<(), NormalizeError> {
    rewrite(out, host_json, depth, Style::Journal)
}

/// Writes a host's JSON text in the canonical form of RFC 8785, the form that is hashed.
///
/// Of members with one key the last stays, and a lone surrogate becomes U+FFFD, where the RFC would refuse.
///
/// # Errors
/// What cannot be spelled in that form; then `out` is as it was.
pub fn canonical(out: &mut Vec<u8>, host_json: &[u8]) -> Result<(), NormalizeError> {
    rewrite(out, host_json, 1, Style::Canonical)
}

fn rewrite(
    out: &mut Vec<u8>,
    json: &[u8],
    depth: usize,
    style: Style,
) -> Result<(), NormalizeError> {
    let text = std::str::from_utf8(json).map_err(|error| NormalizeError::NotJson {
        offset: error.valid_up_to(),
    })?;
    let start = out.len();
    out.reserve(json.len());
    let mut rewriter = Rewriter {
        scan: Scan::new(text),
        out,
        style,
        members: Vec::new(),
        scratch: Vec::new(),
    };
    let done = rewriter.whole(depth);
    if done.is_err() {
        out.truncate(start);
    }
    done
}

/// Where a member lies in the output.
#[derive(Clone, Copy)]
pub(super) struct Span {
    /// The quote that opens its key.
    start: usize,
    /// Behind the quote that closes its key.
    key_end: usize,
    /// Behind its value.
    end: usize,
}

impl Span {
    /// Returns the key's spelling between its quotes.
    pub(super) fn key<'a>(&self, out: &'a [u8]) -> &'a [u8] {
        &out[self.start + 1..self.key_end - 1]
    }
}

struct Rewriter<'a, 'o> {
    scan: Scan<'a>,
    out: &'o mut Vec<u8>,
    style: Style,
    /// The members of every open object, innermost last.
    members: Vec<Span>,
    scratch: Vec<u8>,
}

impl Rewriter<'_, '_> {
    fn whole(&mut self, depth: usize) -> Result<(), NormalizeError> {
        self.value(depth)?;
        Ok(self.scan.finish()?)
    }

    fn value(&mut self, depth: usize) -> Result<(), NormalizeError> {
        self.scan.space();
        match self.scan.peek() {
            Some(b'{' | b'[') if self.is_too_deep(depth) => self.too_deep(),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                self.out.extend_from_slice(self.scan.literal()?.as_bytes());
                Ok(())
            }
        }
    }

    fn is_too_deep(&self, depth: usize) -> bool {
        match self.style {
            Style::Journal => depth > DEPTH_MAX,
            Style::Canonical => depth > CANONICAL_DEPTH_MAX,
        }
    }

    fn too_deep(&mut self) -> Result<(), NormalizeError> {
        if self.style == Style::Canonical {
            return Err(NormalizeError::TooDeep {
                offset: self.scan.at,
            });
        }
        super::write_str(self.out, self.scan.value()?);
        Ok(())
    }

    fn object(&mut self, depth: usize) -> Result<(), NormalizeError> {
        let base = self.members.len();
        self.scan.at += 1;
        self.out.push(b'{');
        if self.scan.eat(b'}') {
            self.out.push(b'}');
            return Ok(());
        }
        loop {
            let start = self.out.len();
            self.scan.space();
            self.string()?;
            let key_end = self.out.len();
            self.scan.expect(b':')?;
            self.out.push(b':');
            self.value(depth + 1)?;
            let end = self.out.len();
            self.members.push(Span {
                start,
                key_end,
                end,
            });
            self.out.push(b',');
            if !self.scan.more(b'}')? {
                break;
            }
        }
        self.settle(base);
        self.close(b'}');
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<(), NormalizeError> {
        self.scan.at += 1;
        self.out.push(b'[');
        if self.scan.eat(b']') {
            self.out.push(b']');
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            self.out.push(b',');
            if !self.scan.more(b']')? {
                break;
            }
        }
        self.close(b']');
        Ok(())
    }

    /// Puts the bracket in place of the last comma.
    fn close(&mut self, bracket: u8) {
        if let Some(last) = self.out.last_mut() {
            *last = bracket;
        }
    }

    fn string(&mut self) -> Result<(), NormalizeError> {
        let inner = self.scan.string()?;
        self.out.push(b'"');
        if self.style == Style::Canonical && !inner.contains('\\') {
            // What JSON lets stand raw, the canonical form has raw.
            self.out.extend_from_slice(inner.as_bytes());
        } else {
            write_inner(self.out, &unescape(inner), self.style);
        }
        self.out.push(b'"');
        Ok(())
    }

    fn number(&mut self) -> Result<(), NormalizeError> {
        let offset = self.scan.at;
        let token = self.scan.number()?;
        if self.style == Style::Journal {
            number::write_number(self.out, token);
            return Ok(());
        }
        let double = token
            .parse::<f64>()
            .ok()
            .filter(|double| double.is_finite());
        let double = double.ok_or(NormalizeError::NumberRange { offset })?;
        let mut buffer = ryu_js::Buffer::new();
        self.out
            .extend_from_slice(buffer.format_finite(double).as_bytes());
        Ok(())
    }

    /// Drops all but the last of members with one key, and sorts them where the form asks for it.
    fn settle(&mut self, base: usize) {
        let spans = &self.members[base..];
        let kept = match self.style {
            Style::Journal => without_duplicates(self.out, spans),
            Style::Canonical => canonical_keys::sorted(self.out, spans),
        };
        if let Some(kept) = kept {
            self.scratch.clear();
            for span in &kept {
                self.scratch
                    .extend_from_slice(&self.out[span.start..span.end]);
                self.scratch.push(b',');
            }
            self.out.truncate(spans[0].start);
            self.out.extend_from_slice(&self.scratch);
        }
        self.members.truncate(base);
    }
}

/// Returns the members that stay, in their order; none where all do.
fn without_duplicates(out: &[u8], spans: &[Span]) -> Option<Vec<Span>> {
    let key = |at: usize| spans[at].key(out);
    if spans.len() <= PAIRWISE_MAX {
        let is_last = |at: usize| (at + 1..spans.len()).all(|later| key(later) != key(at));
        if (0..spans.len()).all(is_last) {
            return None;
        }
    }
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by(|&left, &right| key(left).cmp(key(right)).then(left.cmp(&right)));
    let mut kept: Vec<usize> = (0..order.len())
        .filter(|&at| {
            order
                .get(at + 1)
                .is_none_or(|&next| key(next) != key(order[at]))
        })
        .map(|at| order[at])
        .collect();
    kept.sort_unstable();
    (kept.len() < spans.len()).then(|| kept.into_iter().map(|at| spans[at]).collect())
}
