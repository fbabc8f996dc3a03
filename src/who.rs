//! Who asks, said once for all calls of a task, or for one request.
//!
//! Promise: of no runtime: the scope is set around each poll of its future and never outlives it, so tasks that share a
//! thread do not see each other's. Printing it shows no name.
//! Not here: who asks by the fields of spans (`layer`).

use std::{
    cell::RefCell,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use serde::Serialize;

use crate::{
    facts::{FactValue, Facts},
    semconv::Slot,
};

/// The attributes that name a person: taken whole from one place, never mixed of two.
pub(crate) const PERSON: [Slot; 6] = [
    Slot::UserId,
    Slot::UserHash,
    Slot::UserEmail,
    Slot::UserFullName,
    Slot::UserName,
    Slot::UserRoles,
];

thread_local! {
    static CURRENT: RefCell<Option<Arc<Who>>> = const { RefCell::new(None) };
}

/// Who asks: user, tenant, conversation, and members of the record's `metadata`.
///
/// For all calls that a future makes, with [`Who::scope`]; for one request, as an extension of it (see the middleware).
/// What a call's own span says of a person counts before the scope, and the scope before the spans around.
///
/// # Examples
/// ```
/// use tracing_llm_audit::Who;
/// # async fn answer(question: &str) {}
/// # async fn handler() {
/// Who::new().user("ada").tenant("acme").scope(answer("Why is the sky blue?")).await;
/// # }
/// ```
#[derive(Clone, Default)]
#[must_use = "nobody knows of it before it is a scope, or part of a request"]
pub struct Who {
    facts: Vec<(Slot, String)>,
    metadata: Vec<(String, String)>,
}

impl Who {
    /// Names nobody yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the user: the record's `user_id`.
    pub fn user(self, id: impl Into<String>) -> Self {
        self.with(Slot::UserId, id.into())
    }

    /// Names the tenant.
    pub fn tenant(self, id: impl Into<String>) -> Self {
        self.with(Slot::TenantId, id.into())
    }

    /// Names the conversation.
    pub fn conversation(self, id: impl Into<String>) -> Self {
        self.with(Slot::ConversationId, id.into())
    }

    /// Names the address from which the user asks.
    pub fn client_address(self, address: impl Into<String>) -> Self {
        self.with(Slot::ClientAddress, address.into())
    }

    /// Adds a member of the record's `metadata`; what cannot be written as JSON is left out.
    pub fn metadata(mut self, key: impl Into<String>, value: &(impl Serialize + ?Sized)) -> Self {
        if let Ok(json) = serde_json::to_string(value) {
            self.metadata.push((key.into(), json));
        }
        self
    }

    /// Says who asks for all calls that `future` makes; what it spawns is not part of it.
    pub fn scope<F: Future>(self, future: F) -> Scoped<F> {
        Scoped {
            who: Arc::new(self),
            future: Box::pin(future),
        }
    }

    /// Says who asks for all calls that `run` makes.
    pub fn in_scope<T>(self, run: impl FnOnce() -> T) -> T {
        let _entered = Entered::new(Arc::new(self));
        run()
    }

    fn with(mut self, slot: Slot, value: String) -> Self {
        self.facts.retain(|(known, _)| *known != slot);
        self.facts.push((slot, value));
        self
    }

    /// Returns who the scope around the caller names.
    pub(crate) fn current() -> Option<Arc<Self>> {
        // A destructor of the thread's own may make a call when this is gone.
        CURRENT.try_with(|current| current.borrow().clone()).ok()?
    }

    /// Says who asks where nothing else does.
    pub(crate) fn fill(&self, facts: &mut Facts) {
        for (slot, value) in &self.facts {
            let is_known = match slot {
                Slot::UserId => facts.has_any(&PERSON),
                other => facts.get(*other).is_some(),
            };
            if !is_known {
                facts.set(*slot, FactValue::Text(value));
            }
        }
    }

    /// Says who asks, whatever else was said.
    pub(crate) fn set(&self, facts: &mut Facts) {
        for (slot, value) in &self.facts {
            facts.set(*slot, FactValue::Text(value));
        }
    }

    /// Returns key and JSON text of each metadata member.
    pub(crate) fn metadata_members(&self) -> &[(String, String)] {
        &self.metadata
    }
}

impl fmt::Debug for Who {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Who").finish_non_exhaustive()
    }
}

/// A future in whose calls somebody asks.
#[must_use = "a future does nothing until it is awaited"]
pub struct Scoped<F> {
    who: Arc<Who>,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _entered = Entered::new(Arc::clone(&self.who));
        self.future.as_mut().poll(context)
    }
}

impl<F> fmt::Debug for Scoped<F> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Scoped").finish_non_exhaustive()
    }
}

/// The scope of this thread while it lives; the one before it comes back, a panic or not.
struct Entered(Option<Arc<Who>>);

impl Entered {
    fn new(who: Arc<Who>) -> Self {
        let before = CURRENT.try_with(|current| current.borrow_mut().replace(who));
        Self(before.ok().flatten())
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let before = self.0.take();
        let ended =
            CURRENT.try_with(|current| std::mem::replace(&mut *current.borrow_mut(), before));
        // Dropped here, where nothing is borrowed.
        drop(ended);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> Option<String> {
        let mut facts = Facts::default();
        Who::current()?.fill(&mut facts);
        facts.text(Slot::UserId).map(str::to_owned)
    }

    #[test]
    fn tasks_of_one_thread_do_not_see_each_others_scope() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("runtime");
        let ask = async |name: &str| {
            for _ in 0..10 {
                assert_eq!(user().as_deref(), Some(name));
                tokio::task::yield_now().await;
            }
        };
        runtime.block_on(async {
            let (ada, bob) = (Who::new().user("ada"), Who::new().user("bob"));
            tokio::join!(ada.scope(ask("ada")), bob.scope(ask("bob")));
        });
        assert_eq!(user(), None);
    }

    #[test]
    fn an_inner_scope_ends_and_the_outer_one_is_back() {
        Who::new().user("ada").in_scope(|| {
            Who::new()
                .user("bob")
                .in_scope(|| assert_eq!(user().as_deref(), Some("bob")));
            assert_eq!(user().as_deref(), Some("ada"));
        });
        assert_eq!(user(), None);
    }

    #[test]
    fn a_person_is_never_mixed_of_two() {
        let mut facts = Facts::default();
        facts.set(Slot::UserEmail, FactValue::Text("bob@example.com"));
        let who = Who::new().user("ada").tenant("acme");
        who.fill(&mut facts);
        assert_eq!(facts.text(Slot::UserId), None);
        assert_eq!(facts.text(Slot::TenantId), Some("acme"));
        assert_eq!(format!("{who:?}"), "Who { .. }");
    }
}
