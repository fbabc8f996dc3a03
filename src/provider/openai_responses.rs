//! `OpenAI` Responses, on Azure, xAI and others too: whole bodies and streams.
//!
//! Promise: the last event's response object counts; a stream that was cut before it gives what its items said.
//! Not here: polling of background responses, which are calls of their own; counts (`openai_usage`).
//!
//! A finish reason is the response's `status`: `incomplete` with its reason beside it is an answer that ended early,
//! as `length` is in chat; `cancelled` is incomplete, and so are `queued` and `in_progress`, whose answer is still to come: there the status is
//! the reason too.
//!
//! # Source
//! openai/openai-python at e43b4224, `types/responses`.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    EventReader,
    merge::Node,
    object::Object,
    openai_usage::Counts,
    reading::Reading,
    refusal::{ProviderError, refusal_code},
};

/// Says whether a whole body is of this flavour.
pub(super) fn is_body(body: &Object<'_>) -> bool {
    let kind = body.text("object").unwrap_or_default();
    kind == "response" || kind.starts_with("response.")
}

/// Says whether an event is of this flavour.
pub(super) fn is_event(_name: &[u8], event: &Object<'_>) -> bool {
    let kind = event.text("type").unwrap_or_default();
    kind.starts_with("response.")
}

/// Reads a whole body.
pub(super) fn read_body<'a>(body: &Object<'a>) -> Reading<'a> {
    let mut items = Items::default();
    for (at, item) in (0..).zip(body.elements("output")) {
        items.take(at, item);
    }
    let mut known = Known::default();
    known.merge(body);
    let is_pending = matches!(known.status.as_deref(), Some("queued" | "in_progress"));
    if is_pending && known.incomplete_reason.is_none() {
        known.incomplete_reason.clone_from(&known.status);
    }
    let is_ended = !is_pending && !body.is("status", "cancelled");
    Reading {
        is_complete: body.is_whole && is_ended,
        output: body.get("output").map(Cow::Borrowed),
        ..known.into_reading(&items)
    }
}

/// What a response object says beside its output.
#[derive(Default)]
struct Known {
    model: Option<String>,
    id: Option<String>,
    status: Option<String>,
    incomplete_reason: Option<String>,
    service_tier: Option<String>,
    counts: Option<Counts>,
    /// Searches as the response counts them, beside its usage.
    searches: Option<u64>,
    error: Option<ProviderError>,
    refusal: Option<&'static str>,
}

impl Known {
    fn merge(&mut self, response: &Object<'_>) {
        let texts = [
            (&mut self.model, "model"),
            (&mut self.id, "id"),
            (&mut self.status, "status"),
            (&mut self.service_tier, "service_tier"),
        ];
        for (mine, key) in texts {
            *mine = response.owned_text(key).or_else(|| mine.take());
        }
        let details = response.object("incomplete_details");
        self.incomplete_reason = details
            .and_then(|details| details.owned_text("reason"))
            .or_else(|| self.incomplete_reason.take());
        if let Some(usage) = response.get("usage") {
            self.counts = Some(Counts::read(usage));
        }
        let tools = response.object("tool_usage");
        let searches = tools.and_then(|tools| tools.count_in("web_search", "num_requests"));
        self.searches = searches.or(self.searches);
        self.error = ProviderError::read(response).or_else(|| self.error.take());
        self.refusal = self.refusal.or_else(|| filtered(response));
    }

    fn into_reading(self, items: &Items) -> Reading<'static> {
        let by_reason = || refusal_code(self.incomplete_reason.as_deref()?);
        let refusal = items.refusal.or_else(by_reason).or(self.refusal);
        let failed = || ProviderError::of_finish_reason(self.status.as_deref()?);
        let mut reading = Reading {
            error: self.error.or_else(failed),
            refusal,
            response_model: self.model,
            response_id: self.id,
            finish_reasons: self.status.into_iter().collect(),
            incomplete_reason: self.incomplete_reason,
            service_tier: self.service_tier,
            tool_calls: items.names(),
            fee_tools: items.fees(),
            ..Reading::default()
        };
        let mut counts = self.counts.unwrap_or_default();
        counts.searched(self.searches.filter(|count| *count > 0));
        counts.searched(items.searches());
        counts.searched(self.searches);
        counts.tell(&mut reading);
        reading
    }
}

/// Azure's own filter, where it took something away.
fn filtered(response: &Object<'_>) -> Option<&'static str> {
    let mut filters = response
        .elements("content_filters")
        .filter_map(Object::parse);
    filters
        .any(|filter| filter.get("blocked") == Some(b"true"))
        .then_some("content_filter")
}

/// What the output's items say beside their content, each by its place.
#[derive(Default)]
struct Items {
    known: BTreeMap<u64, Item>,
    refusal: Option<&'static str>,
}

#[derive(Default)]
struct Item {
    /// The name of a function, a custom tool or a remote one; tools that the host runs by itself have none.
    call: Option<String>,
    is_search: bool,
    /// The name of a hosted tool with a fee of its own.
    fee: Option<&'static str>,
}

/// Kinds of items that are charged beside the tokens, and what their tools are called.
const FEES: [(&str, &str); 3] = [
    ("code_interpreter_call", "code_interpreter"),
    ("file_search_call", "file_search"),
    ("image_generation_call", "image_generation"),
];

impl Items {
    fn take(&mut self, at: u64, item: &[u8]) {
        let Some(item) = Object::parse(item) else {
            return;
        };
        let kind = item.text("type").unwrap_or_default();
        let is_call = kind.ends_with("_call");
        let call = item.owned_text("name").filter(|_| is_call);
        let is_search = kind == "web_search_call" && is_charged_search(&item);
        let fee = FEES.iter().find(|(fee, _)| *fee == kind);
        let fee = fee.map(|(_, tool)| *tool);
        let item_known = Item {
            call,
            is_search,
            fee,
        };
        self.known.insert(at, item_known);
        let mut parts = item.elements("content").filter_map(Object::parse);
        if parts.any(|part| part.is("type", "refusal")) {
            self.refusal = Some("refusal");
        }
    }

    fn names(&self) -> Vec<String> {
        let calls = self.known.values().filter_map(|item| item.call.clone());
        calls.collect()
    }

    fn fees(&self) -> Vec<&'static str> {
        let fees: BTreeSet<_> = self.known.values().filter_map(|item| item.fee).collect();
        fees.into_iter().collect()
    }

    fn searches(&self) -> Option<u64> {
        let count = self.known.values().filter(|item| item.is_search).count() as u64;
        (count > 0).then_some(count)
    }
}

/// A search is charged; opening a page that it found is not, nor is a search that failed.
fn is_charged_search(call: &Object<'_>) -> bool {
    let action = call.object("action");
    let is_search = action
        .is_none_or(|action| !action.is("type", "open_page") && !action.is("type", "find_in_page"));
    is_search && !call.is("status", "failed")
}

/// A stream of this flavour, put together.
#[derive(Default)]
struct Stream {
    with_output: bool,
    known: Known,
    items: Items,
    /// The items as far as they came, where the output is wanted.
    drafts: BTreeMap<u64, Node>,
    /// The output of the last event's response object.
    output: Option<Vec<u8>>,
    /// The last number of an event: one that is sent again is not taken again.
    sequence_number: Option<u64>,
    /// The event came that ends the response, in whatever way.
    has_last: bool,
    is_ended: bool,
}

/// Makes the reader of a stream.
pub(super) fn stream(with_output: bool) -> Box<dyn EventReader> {
    Box::new(Stream {
        with_output,
        ..Stream::default()
    })
}

impl Stream {
    /// Takes an event that carries the response object.
    fn response(&mut self, event: &Object<'_>, is_last: bool) {
        let Some(response) = event.object("response") else {
            return;
        };
        self.known.merge(&response);
        self.has_last |= is_last;
        self.is_ended |= is_last && !response.is("status", "cancelled");
        let output = response.get("output").filter(|output| *output != b"[]");
        let Some(output) = output.filter(|_| is_last) else {
            return;
        };
        self.items = Items::default();
        for (at, item) in (0..).zip(response.elements("output")) {
            self.items.take(at, item);
        }
        if self.with_output {
            self.output = Some(output.to_vec());
        }
    }

    fn item(&mut self, event: &Object<'_>) {
        if let Some((at, item)) = event.count("output_index").zip(event.get("item")) {
            self.items.take(at, item);
            if self.with_output {
                self.drafts.insert(at, Node::of(item));
            }
        }
    }

    /// Takes a part or a piece of one.
    fn piece(&mut self, kind: &str, event: &Object<'_>) {
        if kind.starts_with("refusal.") {
            self.items.refusal = Some("refusal");
        }
        let Some(place) = Place::of(kind).filter(|_| self.with_output) else {
            return;
        };
        let Some(item) = event
            .count("output_index")
            .map(|at| self.drafts.entry(at).or_insert_with(Node::object))
        else {
            return;
        };
        place.put(item, event);
    }

    fn error(&mut self, event: &Object<'_>) {
        let error = ProviderError::read(event);
        self.known.error = Some(error.unwrap_or_else(|| ProviderError::of_event(event)));
    }

    /// Says whether an event was seen already.
    fn is_repeated(&mut self, event: &Object<'_>) -> bool {
        let number = event.count("sequence_number");
        let is_old = number.is_some() && number <= self.sequence_number;
        self.sequence_number = number.max(self.sequence_number);
        is_old
    }

    /// The items put together, where the last event did not bring them.
    fn drafted(&self) -> Option<Vec<u8>> {
        let mut out = vec![b'['];
        for item in self.drafts.values() {
            if out.len() > 1 {
                out.push(b',');
            }
            item.write(&mut out);
        }
        out.push(b']');
        (out.len() > 2 || self.is_ended).then_some(out)
    }
}

impl EventReader for Stream {
    fn event(&mut self, name: &[u8], data: &[u8]) {
        // What stands behind the end is no part of the answer.
        let Some(event) = Object::parse(data).filter(|_| !self.has_last) else {
            return;
        };
        let kind = event.text("type").unwrap_or_default();
        let kind = kind.strip_prefix("response.").unwrap_or(&kind);
        match kind {
            "completed" | "incomplete" | "failed" | "cancelled" => self.response(&event, true),
            "created" | "in_progress" | "queued" => self.response(&event, false),
            "error" => self.error(&event),
            _ if name == b"error" => self.error(&event),
            _ if self.is_repeated(&event) => {}
            "output_item.added" | "output_item.done" => self.item(&event),
            _ => self.piece(kind, &event),
        }
    }

    fn finish(mut self: Box<Self>, _is_whole: bool) -> Reading<'static> {
        if !self.has_last {
            // What the response was doing when the stream was cut is no reason why it ended.
            self.known.status = None;
        }
        let output = self.output.take();
        let output = output.or_else(|| self.with_output.then(|| self.drafted()).flatten());
        Reading {
            is_complete: self.is_ended,
            output: output.map(Cow::Owned),
            ..self.known.into_reading(&self.items)
        }
    }
}

/// Where an event's text or part goes inside an item.
struct Place {
    /// The list in the item, with the event's member that counts in it.
    list: Option<(&'static str, &'static str)>,
    /// The member that the text belongs to; none for a whole part.
    member: Option<&'static str>,
    /// The whole text, which replaces its pieces.
    is_whole: bool,
}

impl Place {
    fn of(kind: &str) -> Option<Self> {
        const CONTENT: Option<(&str, &str)> = Some(("content", "content_index"));
        const SUMMARY: Option<(&str, &str)> = Some(("summary", "summary_index"));
        let (what, step) = kind.rsplit_once('.')?;
        let is_whole = match step {
            "delta" => false,
            "done" | "added" => true,
            _ => return None,
        };
        let (list, member) = match what {
            "content_part" => (CONTENT, None),
            "reasoning_summary_part" => (SUMMARY, None),
            "output_text" | "reasoning_text" => (CONTENT, Some("text")),
            "refusal" => (CONTENT, Some("refusal")),
            "reasoning_summary_text" => (SUMMARY, Some("text")),
            "function_call_arguments" | "mcp_call_arguments" => (None, Some("arguments")),
            "custom_tool_call_input" => (None, Some("input")),
            "code_interpreter_call_code" => (None, Some("code")),
            _ => return None,
        };
        Some(Self {
            list,
            member,
            is_whole,
        })
    }

    fn put(&self, item: &mut Node, event: &Object<'_>) {
        let node = match self.list {
            Some((list, index)) => {
                let at = event.count(index).unwrap_or(0);
                item.member(list).element(at)
            }
            None => Some(item),
        };
        let Some(node) = node else { return };
        match self.member {
            None => {
                if let Some(part) = event.get("part") {
                    *node = Node::of(part);
                }
            }
            Some(member) if self.is_whole => {
                // The text stands under the member's own name: `text`, `refusal`, `arguments`, ...
                if let Some(text) = event.get(member) {
                    *node.member(member) = Node::Raw(text.to_vec());
                }
            }
            Some(member) => {
                let piece = event.text("delta").unwrap_or_default();
                node.member(member).continue_text(&piece);
            }
        }
    }
}

#[cfg(test)]
mod tests;
