//! When entries expire: how long they are fresh, and what may still be done with them afterwards.

use crate::random::Stream;
use crate::units::Nanoseconds;

/// When entries expire.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TimeToLive {
    /// How long an entry is fresh, before jitter: the soft TTL.
    pub base_ns: Nanoseconds,
    /// Whether each hit starts it anew.
    pub sliding: bool,
    /// The TTL is multiplied by a uniform draw from [1 - `jitter_below`, 1 + `jitter_above`].
    pub jitter_below: f64,
    /// See `jitter_below`.
    pub jitter_above: f64,
    /// For so long after its TTL an entry is served all the same, while one refresh goes on in the
    /// background (RFC 5861, section 3).
    pub stale_while_revalidate_ns: Nanoseconds,
    /// Who fetches the new one in the background.
    pub refreshers: Refreshers,
    /// For so long after its TTL an entry is served to those who would have to wait for somebody
    /// else's fetch of a new one.
    pub stale_if_locked_ns: Nanoseconds,
    /// For so long after its TTL an entry is kept for those who have waited in vain for a new one.
    pub stale_at_last_ns: Nanoseconds,
    /// For so long after its TTL an entry is served if the fetch of a new one fails (RFC 5861,
    /// section 4).
    pub stale_if_error_ns: Nanoseconds,
    /// For so long after its TTL an entry is kept for a conditional query to confirm it.
    pub revalidate_ns: Nanoseconds,
}

/// Of those who are served a stale entry, who fetches a new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refreshers {
    /// One of all: the node says so to the first.
    One,
    /// One of each app instance, or of each node of a tier that loads by itself.
    #[default]
    Instance,
    /// All of them.
    All,
}

impl TimeToLive {
    /// Until when an entry stored at `now_ns` is fresh; `luck` decides the jitter, addressed by
    /// `index`.
    #[inline]
    pub(super) fn fresh_until_ns(
        &self,
        now_ns: Nanoseconds,
        luck: &Stream,
        index: u64,
    ) -> Nanoseconds {
        let spread = self.jitter_below + self.jitter_above;
        let ttl_ns = if spread == 0.0 {
            self.base_ns
        } else {
            let factor = 1.0 - self.jitter_below + spread * luck.at(index).unit();
            // A TTL of zero would be an entry that never was.
            ((self.base_ns as f64 * factor).round() as Nanoseconds).max(1)
        };
        now_ns.saturating_add(ttl_ns)
    }

    /// How long an entry may be in its node after it was stored, unless it is stored again.
    pub(super) fn longest_ns(&self) -> Nanoseconds {
        if self.sliding {
            return Nanoseconds::MAX;
        }
        let fresh_ns = (self.base_ns as f64 * (1.0 + self.jitter_above)).ceil() as Nanoseconds;
        fresh_ns.saturating_add(self.kept_ns())
    }

    /// How long an entry stays in its node after it ceased to be fresh.
    #[inline]
    pub(super) fn kept_ns(&self) -> Nanoseconds {
        self.stale_while_revalidate_ns
            .max(self.stale_if_error_ns)
            .max(self.stale_if_locked_ns)
            .max(self.stale_at_last_ns)
            .max(self.revalidate_ns)
    }
}
