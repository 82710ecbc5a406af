//! Going to the origin for one request or for all who wait: what is stored of what arrives, what it
//! replaces, and what is reused where nothing usable arrives. It does not decide who goes.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use futures_util::{StreamExt as _, TryStreamExt as _};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use super::collapse::{Landing, Ticket};
use super::disk::Draft;
use super::freshness::{Authority, Lifetime};
use super::purge::Fetching;
use super::stored::{Kept, announce, compact};
use super::{
    Arrival, Ask, Cache, Content, ContentStream, Entry, Forward, Head, Origin, Part, Passing,
    Received, Reply, Rest, Selecting, StoredResponse, coding, freshness,
};

/// One errand to the origin.
struct Errand<'a, E> {
    ask: &'a Ask,
    stale: Option<Arc<StoredResponse>>,
    why: Forward,
    ticket: Option<Ticket<E>>,
    asked: Instant,
    fetching: Fetching,
}

/// What the origin server's answer comes to.
enum Outcome<E> {
    /// It confirmed the stored response, which has been freshened.
    Confirmed(StoredResponse),
    /// It sent a response.
    Response(Head, Rest<E>),
    /// It confirmed what nobody asked about.
    Senseless,
}

impl<E> Errand<'_, E> {
    /// Ends the flight, if there is one, and gives the reply.
    fn land(&mut self, landing: Landing<E>) {
        if let Some(ticket) = self.ticket.take() {
            ticket.land(landing);
        }
    }
}

impl<E: Clone + Send + Sync + 'static> Cache<E> {
    /// Asks the origin, stores what may be stored, and tells those who wait, if there is a ticket.
    /// Where nothing usable comes, a stale response is reused if it may be (RFC 5861 §4).
    pub(super) async fn fetch<O: Origin<Error = E>>(
        self: &Arc<Self>,
        ask: &Ask,
        origin: &O,
        stale: Option<Arc<StoredResponse>>,
        why: Forward,
        ticket: Option<Ticket<E>>,
    ) -> Result<Reply, E> {
        let (asked, fetching) = (self.clock.now(), self.fetches.begin(&ask.key));
        let mut errand = Errand { ask, stale, why, ticket, asked, fetching };
        if errand.ticket.is_some()
            && let Some(reply) = self.landed_meanwhile(&mut errand).await
        {
            return Ok(reply);
        }
        match self.ask_origin(&errand, origin).await {
            Err(error) => self.cover(errand, Err(error)),
            Ok(Outcome::Confirmed(kept)) => {
                Ok(self.keep(&mut errand, kept, StatusCode::NOT_MODIFIED).await)
            }
            Ok(Outcome::Response(head, rest)) => self.receive(errand, head, rest).await,
            Ok(Outcome::Senseless) => {
                errand.land(Landing::NotShared);
                let passing = Passing::empty(StatusCode::BAD_GATEWAY);
                Ok(Reply::passing(passing, why))
            }
        }
    }

    /// Another flight may have landed between a request's look-up and its turn to lead.
    async fn landed_meanwhile(&self, errand: &mut Errand<'_, E>) -> Option<Reply> {
        let entry = self.load(&errand.ask.key).await?;
        let found = entry.select(&errand.ask.fields)?;
        let (ask, now) = (errand.ask, self.clock.now());
        let news = errand.stale.as_ref().is_none_or(|old| found.received > old.received);
        if !news {
            return None;
        }
        let decision = freshness::decide(found, &ask.directives, &ask.policy, now);
        if decision != freshness::Decision::Reuse {
            errand.stale = Some(Arc::clone(found));
            return None;
        }
        errand.land(Landing::Stored(Arc::clone(found)));
        Some(Reply::hit(Arc::clone(found), now))
    }

    /// RFC 9111 §4.3.1: with the stored response's validators; where the answer is about another
    /// response than the stored one, once more without.
    async fn ask_origin<O: Origin<Error = E>>(
        &self,
        errand: &Errand<'_, E>,
        origin: &O,
    ) -> Result<Outcome<E>, E> {
        let ask = errand.ask;
        let whole = ask.part == Part::Full;
        let stale = errand.stale.as_ref().filter(|_| ask.may_store());
        let validators = stale.and_then(|old| old.validators.as_deref());
        let mut arrival = origin.fetch(validators, whole).await?;
        if let (Arrival::NotModified(update), Some(old)) = (&arrival, stale) {
            let (policy, wall) = (&ask.policy, self.clock.wall());
            if let Some(kept) = old.freshened(policy, ask.authorized, update, errand.asked, wall) {
                return Ok(Outcome::Confirmed(kept));
            }
            arrival = origin.fetch(None, whole).await?;
        }
        Ok(match arrival {
            Arrival::Response(head, rest) => Outcome::Response(head, rest),
            Arrival::NotModified(_) => Outcome::Senseless,
        })
    }

    /// Deals with a response whose fields have arrived.
    async fn receive(
        self: &Arc<Self>,
        mut errand: Errand<'_, E>,
        head: Head,
        rest: Rest<E>,
    ) -> Result<Reply, E> {
        let mut status = head.status;
        if freshness::is_error(status) && self.usable(&errand).is_some() {
            return self.cover(errand, Ok(()));
        }
        let wall = self.clock.wall();
        let mut lifetime = lifetime(errand.ask, &head, wall);
        if lifetime.is_none() {
            if !freshness::is_error(status) && errand.ask.part == Part::Full {
                // What was stored is no longer what the origin server says.
                self.forget(&errand).await;
            }
            if errand.ticket.is_some() && !freshness::may_tell_all(status, &head.fields) {
                self.flights.mark_unstorable(&errand.ask.key, self.clock.now());
                errand.land(Landing::NotShared);
            }
        }
        let Received { fields, content, status: told, failed } = match rest.await {
            Err(error) => return self.cover(errand, Err(error)),
            Ok(received) => received,
        };
        if told.is_some() || failed {
            status = told.unwrap_or(status);
            if freshness::is_error(status) && self.usable(&errand).is_some() {
                return self.cover(errand, Ok(()));
            }
            let kept_as = if failed { StatusCode::BAD_REQUEST } else { status };
            lifetime = self::lifetime(errand.ask, &Head { status: kept_as, ..head.clone() }, wall);
        }
        let Some(lifetime) = lifetime else {
            let passing = Passing::unstored(&errand.ask.policy, status, fields, content);
            errand.land(match passing.as_error() {
                Some(error) => Landing::ErrorAnswer(Arc::new(error)),
                None => Landing::NotShared,
            });
            return Ok(Reply::passing(passing, errand.why));
        };
        let head = Head { status, fields, ..head };
        match content {
            Content::Buffer(bytes) => {
                let stored = self.stored(&errand, head, lifetime, wall, Kept::Buffer(bytes));
                Ok(self.keep(&mut errand, stored, status).await)
            }
            Content::Stream(stream, length) => {
                let head = (head, lifetime, wall);
                Ok(self.grow(errand, head, stream, length).await)
            }
        }
    }

    /// Deals with content that is too long or too slow to be waited for: where the disk takes it, it
    /// is stored as it comes, and everybody reads what is there; else it goes to one client.
    async fn grow(
        self: &Arc<Self>,
        mut errand: Errand<'_, E>,
        (head, lifetime, wall): (Head, Lifetime, SystemTime),
        stream: ContentStream,
        length: Option<u64>,
    ) -> Reply {
        let (ask, status, why) = (errand.ask, head.status, errand.why);
        let draft = match &self.disk {
            Some(disk) => disk.begin(&ask.key, length).await,
            None => None,
        };
        let Some(draft) = draft else {
            errand.land(Landing::NotShared);
            let content = Content::Stream(stream, length);
            let passing = Passing::unstored(&ask.policy, status, head.fields, content);
            return Reply::passing(passing, why);
        };
        let content = Kept::Growing(draft.growing(), length);
        let response = Arc::new(self.stored(&errand, head, lifetime, wall, content));
        if let Some(ticket) = &errand.ticket {
            ticket.announce(Landing::Stored(Arc::clone(&response)));
        }
        let under_way = (errand.fetching, errand.ticket.take());
        tokio::spawn(Arc::clone(self).pump(stream, draft, Arc::clone(&response), under_way));
        Reply::stored(response, self.clock.now(), status, why)
    }

    /// Writes content to the disk as it arrives, and stores the response when it is whole. Content
    /// that breaks off is never stored, and its readers see that it did. Content that the disk cannot
    /// take after all is not stored either, and goes on to one of them.
    async fn pump(
        self: Arc<Self>,
        mut stream: ContentStream,
        mut draft: Draft,
        response: Arc<StoredResponse>,
        (fetching, ticket): (Fetching, Option<Ticket<E>>),
    ) {
        while let Some(piece) = stream.next().await {
            let Ok(piece) = piece else { return };
            if draft.write(piece).await.is_err() {
                // It cannot be kept, but it can be passed on: to one reader, so that for a while
                // those who come next do not share it.
                self.flights.mark_unstorable(&response.key, self.clock.now());
                draft.hand_over(Box::pin(stream.map_err(std::io::Error::other)));
                return;
            }
        }
        let Ok(object) = draft.finish().await else { return };
        self.put(Arc::new(response.with(Kept::Object(object))), &fetching).await;
        self.flights.mark_storable(&response.key);
        // Until here, whoever asks joins the flight.
        drop(ticket);
    }

    fn stored(
        &self,
        errand: &Errand<'_, E>,
        head: Head,
        lifetime: Lifetime,
        wall: SystemTime,
        content: Kept,
    ) -> StoredResponse {
        let (ask, mut fields) = (errand.ask, head.fields);
        let selecting = Selecting::of(&fields, &ask.fields);
        let coded = codable(ask, head.status, &fields, &content).then(Arc::default);
        announce(&mut fields, &ask.policy, &lifetime, wall);
        let received = match ask.policy.authority {
            // RFC 9111 §4.2.3: the response delay is part of the age.
            Authority::Origin => errand.asked,
            Authority::Registry => self.clock.now(),
        };
        let (fields, content) = compact(&fields, content);
        StoredResponse {
            key: ask.key.clone(),
            status: head.status,
            fields,
            validators: head.validators.aside(),
            selecting,
            lifetime,
            received,
            content,
            coded,
        }
    }

    /// Stores a response in every tier, and tells those who wait.
    async fn keep(
        &self,
        errand: &mut Errand<'_, E>,
        response: StoredResponse,
        forward_status: StatusCode,
    ) -> Reply {
        let response = Arc::new(response);
        let stored = self.put(Arc::clone(&response), &errand.fetching).await;
        self.flights.mark_storable(&errand.ask.key);
        errand.land(Landing::Stored(Arc::clone(&response)));
        let mut reply = Reply::stored(response, self.clock.now(), forward_status, errand.why);
        reply.status.stored = stored;
        reply
    }

    /// RFC 9110 §9.3.3: a response to POST can be reused to satisfy a later GET or HEAD if it includes
    /// explicit freshness information and a Content-Location that has the same value as the target
    /// URI. Whether it has the latter is for the caller to say.
    pub async fn store_post(&self, ask: &Ask, head: Head, content: bytes::Bytes) {
        if !freshness::is_explicit(&head.fields) {
            return;
        }
        let ask = Ask { part: Part::Full, ..ask.clone() };
        let wall = self.clock.wall();
        let Some(lifetime) = lifetime(&ask, &head, wall) else { return };
        let (status, asked) = (head.status, self.clock.now());
        let why = Forward::Method;
        let fetching = self.fetches.begin(&ask.key);
        let mut errand = Errand { ask: &ask, stale: None, why, ticket: None, asked, fetching };
        let stored = self.stored(&errand, head, lifetime, wall, Kept::Buffer(content));
        self.keep(&mut errand, stored, status).await;
    }

    /// Stores a response beside the others of its key, unless the key was purged while it was being
    /// fetched. Whether it is stored.
    async fn put(&self, response: Arc<StoredResponse>, fetching: &Fetching) -> bool {
        let key = response.key.clone();
        let old = self.load(&key).await;
        if !fetching.is_doomed() {
            self.store(Entry::with(old.as_ref(), &response));
            if fetching.is_doomed() {
                // Purged while it was being stored: a purge dooms first and removes then.
                self.invalidate(&key).await;
            }
        }
        !fetching.is_doomed()
    }

    /// Forgets the response that another one, which may not be stored, has replaced.
    async fn forget(&self, errand: &Errand<'_, E>) {
        let key = &errand.ask.key;
        let Some(entry) = self.load(key).await else { return };
        let Some(selected) = entry.select(&errand.ask.fields) else { return };
        match entry.without(selected) {
            None => self.invalidate(key).await,
            Some(rest) => self.store(rest),
        }
    }

    /// RFC 5861 §4: the stale response, if it may be reused when the origin server fails.
    fn usable(&self, errand: &Errand<'_, E>) -> Option<Arc<StoredResponse>> {
        let now = self.clock.now();
        errand.stale.clone().filter(|old| freshness::usable_on_error(old, now))
    }

    /// Covers a failure with the stale response, or hands it on.
    fn cover(&self, mut errand: Errand<'_, E>, failed: Result<(), E>) -> Result<Reply, E> {
        match (self.usable(&errand), failed) {
            (Some(old), _) => {
                errand.land(Landing::Stale(Arc::clone(&old)));
                Ok(Reply::stale(old, self.clock.now()))
            }
            (None, Err(error)) => {
                errand.land(Landing::Failed(error.clone()));
                Err(error)
            }
            (None, Ok(())) => {
                errand.land(Landing::NotShared);
                Ok(Reply::passing(Passing::empty(StatusCode::BAD_GATEWAY), errand.why))
            }
        }
    }
}

/// How long a response may be reused; `None` if it must not be stored.
fn lifetime(ask: &Ask, head: &Head, wall: SystemTime) -> Option<Lifetime> {
    if !ask.may_store() {
        return None;
    }
    let Head { status, fields, validators } = head;
    freshness::lifetime(&ask.policy, ask.authorized, *status, fields, validators, wall)
}

/// Whether variants of the content may be made, and are worth it.
fn codable(ask: &Ask, status: StatusCode, fields: &HeaderMap, content: &Kept) -> bool {
    let Kept::Buffer(content) = content else { return false };
    ask.policy.may_code
        && status == StatusCode::OK
        && coding::may_be_coded(fields)
        && fields
            .get(CONTENT_TYPE)
            .is_some_and(|media_type| coding::is_worth(media_type, content.len() as u64))
}
