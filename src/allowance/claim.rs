//! One request's claim on its client's allowance.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::bucket::UnderWay;
use super::{Allowances, Client, Standing};

/// What a request claims when a portal has to be asked for it. Whoever works for the request holds
/// it; when the last one lets go, its fetch is no longer under way.
#[derive(Debug)]
pub struct Claim {
    allowances: Arc<Allowances>,
    client: Client,
    made: OnceLock<Option<Made>>,
}

/// A claim that was made.
#[derive(Debug)]
struct Made {
    standing: Standing,
    _under_way: UnderWay,
}

/// The allowance is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client asks for too much")]
pub struct Exceeded {
    /// How long to wait before the next request, as far as the time decides.
    pub retry_after: Duration,
    /// How the client stands.
    pub standing: Standing,
    /// Whether too much is under way at once, not too much asked for in a time.
    pub at_once: bool,
}

impl Claim {
    /// A claim that has not been made.
    #[must_use]
    pub fn new(allowances: &Arc<Allowances>, client: Client) -> Arc<Self> {
        Arc::new(Self { allowances: Arc::clone(allowances), client, made: OnceLock::new() })
    }

    /// Makes the claim, once: a request that asks a portal twice counts once.
    ///
    /// # Errors
    /// [`Exceeded`] when the client has nothing left.
    pub fn make(&self) -> Result<(), Exceeded> {
        if self.made.get().is_some() {
            return Ok(());
        }
        let made = match self.allowances.bucket(self.client) {
            None => None,
            Some(bucket) => {
                let taken = bucket.take();
                let standing = taken.map_err(|(standing, retry_after)| Exceeded {
                    retry_after,
                    standing,
                    at_once: false,
                })?;
                let under_way = bucket.begin().ok_or(Exceeded {
                    retry_after: Duration::ZERO,
                    standing,
                    at_once: true,
                })?;
                Some(Made { standing, _under_way: under_way })
            }
        };
        // Whoever was faster has made it.
        let _ = self.made.set(made);
        Ok(())
    }

    /// How the client stands, if the claim was made and the client is bounded.
    #[must_use]
    pub fn standing(&self) -> Option<Standing> {
        self.made.get()?.as_ref().map(|made| made.standing)
    }
}
