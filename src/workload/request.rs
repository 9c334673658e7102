//! A request on its way through the system.

use crate::random::mix;
use crate::units::{Key, Nanoseconds, RegionId};

/// What every part of the system may know of the request that it works for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The request's number: all its luck depends on it.
    pub index: u64,
    /// The app instance that works on it.
    pub instance: u32,
    /// The client that made it, who is to see its own writes; 0 where clients have no identity.
    pub session: u32,
    /// The row that it is about.
    pub key: Key,
    /// When it was issued.
    pub issued_ns: Nanoseconds,
    /// Whether the answer must not be stale.
    pub must_be_fresh: bool,
    /// Where it is worked on: the region of its instance or, while a tier asks on its behalf, of the
    /// tier.
    pub region: RegionId,
    /// Which of several entries of the row `key` is: where keys have versions, one more than that of
    /// the entry; where a hot row has copies, the number of the copy. 0 where `key` is the row's own.
    /// See [`Request::of_version`] and [`Request::of_copy`].
    pub generation: u32,
    /// Whether `key` is that of an entry of its session alone. See [`Request::of_session`].
    pub is_personal: bool,
}

/// What tells the keys of personal entries from those of versions.
const PERSONAL: u64 = 0x7065_7273_6f6e_616c;

impl Request {
    /// Work that follows from this request, with luck of its own: `reason` tells several such from
    /// one another.
    #[must_use]
    pub fn derived(&self, reason: u64) -> Self {
        // Far above the numbers of requests proper.
        let index = 1 << 63 | mix(self.index.wrapping_add(mix(reason))) >> 1;
        Self { index, ..*self }
    }

    /// The same request as a tier with versioned keys sees it: its key is that of the entry of the
    /// row's `version`.
    #[must_use]
    pub fn of_version(&self, version: u64) -> Self {
        // No row is written so often that its versions come round again while entries live.
        self.of_generation((version as u32).wrapping_add(1).max(1))
    }

    /// The same request for another copy of its row, where there are several: copy 0 is under the
    /// row's own key, and the number tells the keys of the others from one another.
    #[must_use]
    pub fn of_copy(&self, copy: u32) -> Self {
        if copy == 0 {
            return *self;
        }
        self.of_generation(copy)
    }

    fn of_generation(&self, generation: u32) -> Self {
        Self {
            key: self.key ^ mix(u64::from(generation)),
            generation,
            ..*self
        }
    }

    /// The same request as a tier sees it that keeps the row for each session apart: its key is that
    /// of the session's entry.
    #[must_use]
    pub fn of_session(&self) -> Self {
        Self {
            key: self.key ^ mix(PERSONAL ^ u64::from(self.session)),
            is_personal: true,
            ..*self
        }
    }

    /// The same request as everybody else sees it: its key is the row's.
    #[must_use]
    pub fn of_row(&self) -> Self {
        let mut request = *self;
        if self.generation != 0 {
            request.key ^= mix(u64::from(self.generation));
            request.generation = 0;
        }
        if self.is_personal {
            request.key ^= mix(PERSONAL ^ u64::from(self.session));
            request.is_personal = false;
        }
        request
    }

    /// As [`Request::derived`], about another row.
    #[must_use]
    pub fn about(&self, key: Key) -> Self {
        Self {
            key,
            ..self.derived(key)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_two_versions_have_two_keys_and_lead_back_to_one_row() {
        let request = Request {
            index: 3,
            key: 7,
            ..Request::default()
        };
        let [first, second] = [0, 1].map(|version| request.of_version(version));
        assert!(first.key != 7 && second.key != 7 && first.key != second.key);
        assert_eq!((first.of_row(), second.of_row()), (request, request));
        assert_eq!(request.of_row(), request);
        let personal = request.of_session();
        assert_ne!(
            personal.key,
            Request {
                session: 1,
                ..request
            }
            .of_session()
            .key
        );
        assert_eq!(personal.of_row(), request);
        assert_eq!(personal.of_version(2).of_row(), request);
    }

    #[test]
    fn a_request_takes_no_more_than_forty_bytes() {
        assert!(size_of::<Request>() <= 40);
    }
}
