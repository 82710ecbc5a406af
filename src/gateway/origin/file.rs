//! A file, or a message that is handed on as it is: kept whole if it is short, passed through if it is
//! long or slow. Nothing is taken out of it.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, TryStreamExt};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::cache::{Arrival, Content, ContentError, ContentStream, Head, Received, Validators};
use crate::portal::Form;
use crate::upstream::{Body, Read, Turn};

use super::super::error::{Limit, PortalFailure};
use super::super::{Error, WebPage, fields, provenance};
use super::whole::{End, Tail};
use super::{Digested, Errand, failed};

impl Errand {
    /// Fetches a file: kept whole if it is short, passed through if it is long or slow.
    pub(super) async fn file(self: &Arc<Self>, turn: Turn) -> Result<Arrival<Error>, Error> {
        let way = &self.way;
        let limit = way.terms.limits.file_bytes;
        let response = self.fetch(turn, way.target.url(), limit).await?;
        let (status, mut received) = (response.status, response.fields);
        let end = self.end(status).filter(|_| !response.is_redirected);
        way.site.note_success(status);
        let confirms = status == StatusCode::NOT_MODIFIED && self.validators.is_some();
        let validators = Validators::of(&received);
        let body = response.body;
        let length = received.get(CONTENT_LENGTH).cloned();
        if body.was_coded() {
            // RFC 9110 §8.8.1: a strong validator is one coding's alone, and so is a length.
            for name in [ETAG, CONTENT_LENGTH, CONTENT_ENCODING] {
                received.remove(name);
            }
        }
        let mut fields = match way.target.form {
            Form::Raw => fields::end_to_end(&received),
            _ => fields::of_file(&received, &way.portal, &way.target.url()),
        };
        fields.remove(CONTENT_LENGTH);
        if confirms {
            return Ok(Arrival::NotModified(fields));
        }
        if status.as_u16() >= 400 && way.portal.dialect.takes_post() && is_page(&received) {
            // The portal's own error page, with its scripts and its tokens, is of no use to a program.
            return Err(failed(status, PortalFailure::Page(WebPage::Other), None));
        }
        if way.target.form == Form::File && !fields::may_pass(status, !way.range.is_empty()) {
            return Err(failed(status, PortalFailure::Status, None));
        }
        let head = Head { status, fields: fields.clone(), validators };
        if way.method == Method::HEAD && !self.whole {
            if let (Some(length), false) = (length, body.was_coded()) {
                fields.insert(CONTENT_LENGTH, length);
            }
            // Not an empty buffer, whose length would be told as the file's.
            let content = Content::Stream(Box::pin(futures_util::stream::empty()), None);
            let rest = std::future::ready(Ok(Received::new(fields, content)));
            return Ok(Arrival::Response(head, Box::pin(rest)));
        }
        if body.length().is_some_and(|announced| announced > limit) {
            return Err(Error::ResponseTooLarge(Limit::Content(limit)));
        }
        let errand = Arc::clone(self);
        let rest = async move { errand.telling(errand.bytes(status, fields, body, end).await) };
        Ok(Arrival::Response(head, Box::pin(rest)))
    }

    /// Reads a file, as far as it is kept whole.
    async fn bytes(
        &self,
        status: StatusCode,
        mut fields: HeaderMap,
        body: Body,
        end: Option<End>,
    ) -> Result<Received, Error> {
        let way = &self.way;
        let limits = &way.terms.limits;
        let read = body.read_up_to(way.buffer, Some(limits.buffer_time)).await;
        match self.noting(read)? {
            Read::All(content) => {
                let mut tail = Tail::default();
                tail.push(&content);
                if end.is_some_and(|end| !tail.is(end)) {
                    return Err(Error::ResponseIncomplete { offset: Some(content.len()) });
                }
                if way.target.form == Form::File && status != StatusCode::PARTIAL_CONTENT {
                    let digested = Digested::of(content.clone());
                    provenance::add_digest(&mut fields, digested.digest.as_ref());
                }
                Ok(Received::new(fields, Content::Buffer(content)))
            }
            Read::More(body) => {
                let length = body.length();
                let turn = way.site.stream_turn()?;
                let stream = body.into_stream(limits.file_bytes, turn).map_err(Into::into);
                // It is under way for its client until it ends.
                let claim = way.claim.clone();
                let stream = stream.inspect(move |_| {
                    let _ = &claim;
                });
                let stream: ContentStream = match end {
                    Some(end) => Box::pin(to_its_end(stream, end)),
                    None => Box::pin(stream),
                };
                Ok(Received::new(fields, Content::Stream(stream, length)))
            }
        }
    }
    /// How the whole of the file ends, if that is known.
    fn end(&self, status: StatusCode) -> Option<End> {
        let url = self.way.target.url();
        End::of(&self.way.portal, url.path(), url.query()).filter(|_| status == StatusCode::OK)
    }
}

fn is_page(fields: &HeaderMap) -> bool {
    let media_type = fields.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    media_type.is_some_and(|text| {
        text.get(..9).is_some_and(|essence| essence.eq_ignore_ascii_case(b"text/html"))
    })
}

/// Content that ends in an error if it does not end as it should.
fn to_its_end(
    stream: impl Stream<Item = Result<Bytes, ContentError>> + Send + 'static,
    end: End,
) -> impl Stream<Item = Result<Bytes, ContentError>> + Send {
    let begun = (Box::pin(stream), Tail::default(), false);
    futures_util::stream::unfold(begun, move |(mut stream, mut tail, ended)| async move {
        if ended {
            return None;
        }
        match stream.next().await {
            Some(Ok(piece)) => {
                tail.push(&piece);
                Some((Ok(piece), (stream, tail, false)))
            }
            Some(Err(error)) => Some((Err(error), (stream, tail, true))),
            None if tail.is(end) => None,
            None => {
                let error = Error::ResponseIncomplete { offset: None };
                Some((Err(error.into()), (stream, tail, true)))
            }
        }
    })
}
