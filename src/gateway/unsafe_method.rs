//! A request whose method changes something, or may: handed on to an operator's own origin server, and
//! what follows from it for what is stored. It answers nothing from there.

use std::sync::Arc;

use http::Method;
use http::header::{CONTENT_LOCATION, LOCATION};

use crate::cache::{Answer, Ask, Content, Head, Passing, Validators};
use crate::portal::Form;

use super::aim::key;
use super::origin::PortalOrigin;
use super::{Error, Gateway, Response};

impl Gateway {
    /// Hands a request on whose method changes something, or may.
    pub(super) async fn pass(&self, ask: &Ask, origin: PortalOrigin) -> Result<Response, Error> {
        let (method, target) = (origin.method.clone(), origin.target.url());
        let portal = Arc::clone(&origin.portal);
        let spent = Arc::clone(&origin.spent);
        let reply = self.cache.answer(ask, || origin).await?;
        let cache = reply.status;
        let Answer::Passing(Passing { status, fields, content }) = reply.answer else {
            return Err(Error::Internal);
        };
        // RFC 9111 §4.4: a cache MUST invalidate the target URI when it receives a non-error status
        // code in response to an unsafe request method (including methods whose safety is
        // unknown); it MAY invalidate others of the same origin that Location and
        // Content-Location name.
        if !method.is_safe() && matches!(status.as_u16(), 200..=399) {
            let named = |name| target.join(fields.get(name)?.to_str().ok()?).ok();
            let content_location = named(CONTENT_LOCATION);
            let places = [Some(target.clone()), named(LOCATION), content_location.clone()];
            for url in places.into_iter().flatten().filter(|u| u.origin() == target.origin()) {
                // What is being fetched was asked for before the change, or may have been.
                self.cache.purge_key(&key(&portal, Form::Raw, url.as_str(), None)).await;
            }
            if let (true, Content::Buffer(content), true) =
                (method == Method::POST, &content, content_location == Some(target))
            {
                let head =
                    Head { status, validators: Validators::of(&fields), fields: fields.clone() };
                self.cache.store_post(ask, head, content.clone()).await;
            }
        }
        let portal_time = spent.get().copied();
        Ok(Response { status, fields, content, cache, terms: None, portal_time })
    }
}
