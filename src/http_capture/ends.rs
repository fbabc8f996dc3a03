//! What is kept of a body: all of it up to a bound, beyond it the beginning and the end.
//!
//! Promise: memory stays within twice the bound while a body grows, and within half a mebibyte once it is longer; the
//! two ends joined are what the readers read: model and id stand at the beginning, usage and finish at the end.
//! Not here: what they say (`provider`). A binary event stream that is too long keeps its beginning alone.

use serde::de::IgnoredAny;

/// Bytes of a long body that are kept of its beginning.
const HEAD_BYTES: usize = 64 << 10;
/// Bytes of a long body that are kept of its end.
const TAIL_BYTES: usize = 192 << 10;
/// Members of a whole body from which on its end is read: what stands before usage, and usage itself.
const CLOSING_MEMBERS: [&[u8]; 8] = [
    b"\"stop_reason\"",
    b"\"finish_reason\"",
    b"\"status\"",
    b"\"usage\"",
    b"\"usageMetadata\"",
    b"\"usage_metadata\"",
    b"\"meta\"",
    b"\"model\"",
];

/// The bytes of one body, as far as they are kept.
pub(super) struct Ends {
    bytes_max: usize,
    /// All of it, or its beginning.
    head: Vec<u8>,
    /// Its end, where it is too long.
    tail: Option<Vec<u8>>,
    total: u64,
}

impl Ends {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            head: Vec::new(),
            tail: None,
            total: 0,
        }
    }

    /// Prepares for a body of a known length.
    pub(super) fn reserve(&mut self, bytes: u64) {
        let fits = usize::try_from(bytes)
            .ok()
            .filter(|bytes| *bytes <= self.bytes_max);
        if let Some(bytes) = fits {
            self.head.reserve_exact(bytes);
        }
    }

    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.total += chunk.len() as u64;
        let Some(tail) = &mut self.tail else {
            if self.head.len() + chunk.len() <= self.bytes_max {
                return self.head.extend_from_slice(chunk);
            }
            return self.part(chunk);
        };
        let last = &chunk[chunk.len().saturating_sub(TAIL_BYTES)..];
        tail.extend_from_slice(last);
        if tail.len() > 2 * TAIL_BYTES {
            tail.drain(..tail.len() - TAIL_BYTES);
        }
    }

    /// Becomes two ends, now that it is too long.
    fn part(&mut self, chunk: &[u8]) {
        let head_len = HEAD_BYTES.min(self.bytes_max);
        let missing = head_len.saturating_sub(self.head.len()).min(chunk.len());
        self.head.extend_from_slice(&chunk[..missing]);
        let rest = self.head.split_off(head_len.min(self.head.len()));
        let mut tail = rest[rest.len().saturating_sub(TAIL_BYTES)..].to_vec();
        self.head.shrink_to_fit();
        let chunk = &chunk[missing..];
        tail.extend_from_slice(&chunk[chunk.len().saturating_sub(TAIL_BYTES)..]);
        self.tail = Some(tail);
    }

    /// Returns the body, or its ends joined, and how many bytes are not in it; ends of what is coded cannot be joined.
    pub(super) fn join(self, is_plain: bool) -> (Vec<u8>, u64) {
        let Some(mut tail) = self.tail else {
            return (self.head, 0);
        };
        tail.drain(..tail.len().saturating_sub(TAIL_BYTES));
        let joined = is_plain
            .then(|| join_members(&self.head, &tail).or_else(|| join_lines(&self.head, &tail)))
            .flatten()
            .unwrap_or(self.head);
        let omitted = self.total.saturating_sub(joined.len() as u64).max(1);
        (joined, omitted)
    }
}

/// Joins the members that are whole at the beginning of one object with those at its end.
fn join_members(head: &[u8], tail: &[u8]) -> Option<Vec<u8>> {
    if !head.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let closing = closing_members(tail)?;
    let mut joined = whole_members(head).to_vec();
    if joined.is_empty() {
        joined.push(b'{');
    } else {
        joined.push(b',');
    }
    joined.extend_from_slice(closing);
    Some(joined)
}

/// The end of an object from the first closing member on that makes an object of its own.
fn closing_members(tail: &[u8]) -> Option<&[u8]> {
    let mut starts: Vec<usize> = CLOSING_MEMBERS
        .iter()
        .flat_map(|name| last_places(tail, name))
        .collect();
    starts.sort_unstable();
    starts.into_iter().map(|start| &tail[start..]).find(|rest| {
        let mut object = Vec::with_capacity(rest.len() + 1);
        object.push(b'{');
        object.extend_from_slice(rest);
        serde_json::from_slice::<IgnoredAny>(&object).is_ok()
    })
}

/// The last few places of a name: what is quoted in a text is one too, and makes no object.
fn last_places<'t>(tail: &'t [u8], name: &'t [u8]) -> impl Iterator<Item = usize> + 't {
    const PLACES_MAX: usize = 8;
    let starts = (0..tail.len().saturating_sub(name.len())).rev();
    starts
        .filter(|start| tail[*start..].starts_with(name))
        .take(PLACES_MAX)
}

/// The beginning of an object up to its last whole member, without the comma.
fn whole_members(head: &[u8]) -> &[u8] {
    let (mut depth, mut in_text, mut is_escaped, mut end) = (0_u32, false, false, 0);
    for (at, byte) in head.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 1 => end = at,
            _ => {}
        }
    }
    &head[..end]
}

/// Joins a stream of lines between two events, or two lines.
fn join_lines(head: &[u8], tail: &[u8]) -> Option<Vec<u8>> {
    let by = |gap: &[u8]| {
        let end = head.windows(gap.len()).rposition(|window| window == gap)? + gap.len();
        let start = tail.windows(gap.len()).position(|window| window == gap)? + gap.len();
        Some([&head[..end], &tail[start..]].concat())
    };
    [&b"\r\n\r\n"[..], b"\n\n", b"\n"].into_iter().find_map(by)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: usize = 300 << 10;

    fn kept(body: &[u8], chunk: usize) -> (Vec<u8>, u64) {
        let mut ends = Ends::new(BOUND);
        for chunk in body.chunks(chunk) {
            ends.push(chunk);
            assert!(
                ends.head.len() + ends.tail.as_ref().map_or(0, Vec::len) <= BOUND + 3 * TAIL_BYTES
            );
        }
        ends.join(true)
    }

    #[test]
    fn a_body_within_the_bound_is_kept_whole() {
        let body = vec![7; BOUND];
        assert_eq!(kept(&body, 1000), (body, 0));
    }

    #[test]
    fn the_ends_of_a_long_object_are_an_object_with_its_usage() {
        let text = "never \\\"usage\\\": {\\\"input_tokens\\\": 1} here, ".repeat(40_000);
        let body = format!(
            r#"{{"id":"msg_1","model":"m","content":[{{"text":"{text}"}}],"stop_reason":"end_turn","usage":{{"input_tokens":7,"output_tokens":{{}}}}}}"#
        );
        for chunk in [1, 7, 4096, 1 << 20, body.len()] {
            let (joined, omitted) = kept(body.as_bytes(), chunk.max(64));
            assert_eq!(
                String::from_utf8_lossy(&joined),
                r#"{"id":"msg_1","model":"m","stop_reason":"end_turn","usage":{"input_tokens":7,"output_tokens":{}}}"#
            );
            assert_eq!(omitted, (body.len() - joined.len()) as u64);
        }
    }

    #[test]
    fn the_ends_of_a_long_stream_are_whole_events() {
        let event = |n: usize| format!("data: {{\"n\":{n},\"text\":\"{}\"}}\n\n", "x".repeat(100));
        let body: String = (0..9_000).map(event).collect();
        let (joined, omitted) = kept(body.as_bytes(), 1000);
        let joined = String::from_utf8(joined).expect("cut between characters");
        assert!(joined.starts_with(&event(0)) && joined.ends_with(&event(8_999)));
        assert!(
            joined
                .split_terminator("\n\n")
                .all(|event| { event.starts_with("data: {\"n\":") && event.ends_with("\"}") })
        );
        assert_eq!(omitted, (body.len() - joined.len()) as u64);
    }

    #[test]
    fn what_cannot_be_joined_keeps_its_beginning() {
        let body: Vec<u8> = (0..2_000_000_u32)
            .map(|n| (n * 31 % 251) as u8 | 0x80)
            .collect();
        let (joined, omitted) = kept(&body, 5000);
        assert_eq!(joined, body[..HEAD_BYTES]);
        assert!(omitted > 0);
    }
}
