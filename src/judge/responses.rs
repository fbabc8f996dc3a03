//! The responses that count: what an HTTP client saw and the host told as well is one response.
//!
//! Promise: a captured response always counts; a told one is left out only where it can be a captured one: it has the
//! same id, or one of the two has none.
//! Not here: which of several counts for what (`judge`).

use crate::{
    provider::{Body, Reading, Want, read},
    record::{CallData, ResponseBody},
};

/// One response, read.
pub(crate) struct Response<'a> {
    pub(crate) body: &'a ResponseBody,
    pub(crate) reading: Reading<'a>,
}

/// Reads the responses of a call that count, in the order in which they ended.
pub(crate) fn responses(call: &CallData, want: Want) -> Vec<Response<'_>> {
    let read = |body| Response {
        body,
        reading: read(&Body::from(body), want),
    };
    let (captured, told): (Vec<_>, Vec<_>) = call
        .responses
        .iter()
        .map(read)
        .enumerate()
        .partition(|(_, response)| response.body.exchange.is_some());
    let is_new = |(_, told): &(usize, Response<'_>)| {
        let may_be = |(_, seen): &(usize, Response<'_>)| is_one(&told.reading, &seen.reading);
        !captured.iter().any(may_be)
    };
    let told: Vec<_> = told.into_iter().filter(is_new).collect();
    let mut counted = captured;
    counted.extend(told);
    counted.sort_by_key(|(at, _)| *at);
    counted.into_iter().map(|(_, response)| response).collect()
}

fn is_one(told: &Reading<'_>, captured: &Reading<'_>) -> bool {
    match (&told.response_id, &captured.response_id) {
        (Some(told), Some(captured)) => told == captured,
        _ => true,
    }
}
