//! What an error of the HTTP client means: its chain of causes, read once. It decides nothing about
//! what follows.

use std::error::Error as StdError;
use std::io;

use rustix::io::Errno;

use super::client::{EveryAddressRefused, NotResolved};
use super::{Error, Excess, Limits, Phase, Unreachable};

impl Error {
    /// What a failed request means.
    pub(super) fn of_request(error: &reqwest::Error, limits: &Limits) -> Self {
        let mut cause = error.source();
        while let Some(inner) = cause {
            if let Some(meaning) = meaning(inner, limits) {
                return meaning;
            }
            cause = next(inner);
        }
        if error.is_timeout() && error.is_connect() {
            return Self::Timeout { phase: Phase::Connect, after: limits.connect_time };
        }
        if error.is_connect() {
            return Self::Unreachable(Unreachable::NoConnection);
        }
        Self::Closed
    }

    /// What broken content means: whatever the reason, it is not all there.
    pub(super) fn of_body(_: &reqwest::Error) -> Self {
        Self::Incomplete
    }
}

fn meaning(cause: &(dyn StdError + 'static), limits: &Limits) -> Option<Error> {
    if cause.is::<EveryAddressRefused>() {
        return Some(Error::AddressProhibited);
    }
    if cause.is::<NotResolved>() {
        return Some(Error::Unresolvable);
    }
    if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
        return Some(Error::Unreachable(match tls {
            rustls::Error::InvalidCertificate(_) => Unreachable::Certificate,
            _ => Unreachable::Handshake,
        }));
    }
    if let Some(hyper) = cause.downcast_ref::<hyper::Error>() {
        if hyper.is_parse_too_large() {
            return Some(Error::TooLarge(Excess::Fields(limits.field_bytes)));
        }
        if hyper.is_parse() {
            return Some(Error::Malformed("it is not HTTP/1.1"));
        }
    }
    let io = cause.downcast_ref::<io::Error>()?;
    // What this machine lacks says nothing of the site.
    let ours = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL];
    if io.raw_os_error().is_some_and(|raw| ours.iter().any(|own| own.raw_os_error() == raw)) {
        return Some(Error::Exhausted);
    }
    (io.kind() == io::ErrorKind::ConnectionRefused)
        .then_some(Error::Unreachable(Unreachable::Refused))
}

/// The next cause. An I/O error that wraps another error names that one's cause as its own, and
/// thereby leaves out the error itself.
fn next<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => cause.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_machine_lacks_is_not_the_sites_failure() {
        let limits = Limits::default();
        let said = |errno: Errno| meaning(&io::Error::from(errno), &limits);
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::ADDRNOTAVAIL] {
            let error = said(errno).expect("a meaning");
            assert_eq!((error.is_sign_of_life(), error.is_worth_a_retry()), (None, false));
        }
        let refused = said(Errno::CONNREFUSED).expect("a meaning");
        assert_eq!(refused.is_sign_of_life(), Some(false));
    }
}
