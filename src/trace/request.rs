//! One request of a trace, and what a trace may say about it.

use crate::units::{Key, Nanoseconds};

/// What a request asks for. The names are memcached's, which the public key-value traces use; block
/// traces know only reads ([`Operation::Get`]) and writes ([`Operation::Set`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Operation {
    /// Reads the value.
    #[default]
    Get,
    /// Reads the value and its version, for a later [`Operation::Cas`].
    Gets,
    /// Stores a value.
    Set,
    /// Stores a value if there is none.
    Add,
    /// Stores a value if there is one.
    Replace,
    /// Stores a value if the version has not changed.
    Cas,
    /// Lengthens the value at its end.
    Append,
    /// Lengthens the value at its start.
    Prepend,
    /// Removes the value.
    Delete,
    /// Adds to a number.
    Increment,
    /// Subtracts from a number.
    Decrement,
}

impl Operation {
    /// Every operation, in the order in which reports list them.
    pub const ALL: [Self; 11] = [
        Self::Get,
        Self::Gets,
        Self::Set,
        Self::Add,
        Self::Replace,
        Self::Cas,
        Self::Append,
        Self::Prepend,
        Self::Delete,
        Self::Increment,
        Self::Decrement,
    ];

    /// The name in text formats: `get`, `set`, ..., `incr`, `decr`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Gets => "gets",
            Self::Set => "set",
            Self::Add => "add",
            Self::Replace => "replace",
            Self::Cas => "cas",
            Self::Append => "append",
            Self::Prepend => "prepend",
            Self::Delete => "delete",
            Self::Increment => "incr",
            Self::Decrement => "decr",
        }
    }

    /// Whether a value is asked for and none is changed.
    #[must_use]
    pub fn is_read(self) -> bool {
        matches!(self, Self::Get | Self::Gets)
    }

    /// Whether the value is removed.
    #[must_use]
    pub fn is_delete(self) -> bool {
        self == Self::Delete
    }

    /// Whether a value is stored or changed; neither a read nor a delete.
    #[must_use]
    pub fn is_write(self) -> bool {
        !self.is_read() && !self.is_delete()
    }
}

/// One request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// When, in nanoseconds on the trace's own clock (its zero means nothing); 0 where the trace
    /// has no times.
    pub time_ns: Nanoseconds,
    /// What is asked for. Numbers stand as they are, other keys as their hash
    /// ([`key_from_bytes`]).
    pub key: Key,
    /// Bytes of the object; 0 where the trace does not say. (A read that missed in the traced
    /// cache often has none.)
    pub size: u64,
    /// What is to be done.
    pub operation: Operation,
    /// Who asks; 0 where the trace does not say.
    pub client: u32,
    /// How long a stored value may live, where the trace says so.
    pub ttl_ns: Option<Nanoseconds>,
    /// The number (counted from 0) of the next request for this key, [`NEVER_USED`] if there is
    /// none, where the trace says so. It counts all requests of the trace as it stands in the
    /// file.
    pub next_use: Option<u64>,
}

/// The [`Request::next_use`] of a last request.
pub const NEVER_USED: u64 = u64::MAX;

/// What the writes of a trace mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Writes {
    /// A write is an access like a read, counted as a hit or a miss: blocks of a disk.
    #[default]
    Access,
    /// A write stores a value and is not counted: look-aside key-value caches.
    Store,
}

impl Writes {
    /// The name on the command line: `accesses`, `stores`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Access => "accesses",
            Self::Store => "stores",
        }
    }
}

/// What the requests of a trace say, beside their keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// [`Request::time_ns`].
    pub time: bool,
    /// [`Request::size`].
    pub size: bool,
    /// [`Request::operation`].
    pub operation: bool,
    /// [`Request::client`].
    pub client: bool,
    /// [`Request::ttl_ns`].
    pub ttl: bool,
    /// [`Request::next_use`].
    pub next_use: bool,
}

impl Fields {
    /// Every field.
    pub const ALL: Self = Self {
        time: true,
        size: true,
        operation: true,
        client: true,
        ttl: true,
        next_use: true,
    };

    /// `request` without what these fields leave out.
    #[inline]
    #[must_use]
    pub fn of(self, request: &Request) -> Request {
        Request {
            time_ns: if self.time { request.time_ns } else { 0 },
            key: request.key,
            size: if self.size { request.size } else { 0 },
            operation: if self.operation {
                request.operation
            } else {
                Operation::Get
            },
            client: if self.client { request.client } else { 0 },
            ttl_ns: request.ttl_ns.filter(|_| self.ttl),
            next_use: request.next_use.filter(|_| self.next_use),
        }
    }

    /// The names of the fields in `self` that `other` has not.
    #[must_use]
    pub fn beyond(self, other: Self) -> Vec<&'static str> {
        [
            ("time", self.time, other.time),
            ("size", self.size, other.size),
            ("operation", self.operation, other.operation),
            ("client", self.client, other.client),
            ("ttl", self.ttl, other.ttl),
            ("next use", self.next_use, other.next_use),
        ]
        .into_iter()
        .filter(|&(_, here, there)| here && !there)
        .map(|(name, ..)| name)
        .collect()
    }
}

/// The 64-bit key for a key as it is written in a text format.
///
/// A decimal number below 2^64 without sign and without leading zeros stands for itself; anything
/// else is hashed with XXH3-64, seed 0.
#[inline]
#[must_use]
pub fn key_from_bytes(written: &[u8]) -> Key {
    canonical_number(written).unwrap_or_else(|| xxhash_rust::xxh3::xxh3_64(written))
}

/// The 32-bit client for a client as it is written: numbers below 2^32 as they are, others the low
/// half of their XXH3-64.
#[must_use]
pub fn client_from_bytes(written: &[u8]) -> u32 {
    canonical_number(written)
        .and_then(|number| u32::try_from(number).ok())
        .unwrap_or_else(|| xxhash_rust::xxh3::xxh3_64(written) as u32)
}

/// The number that `written` is the one decimal spelling of: two spellings of one number may be
/// two keys to the system that was traced.
#[inline]
fn canonical_number(written: &[u8]) -> Option<u64> {
    if written.is_empty() || written.len() > 20 || (written[0] == b'0' && written.len() > 1) {
        return None;
    }
    let mut number: u64 = 0;
    for &byte in written {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numeric_keys_stand_as_they_are_and_others_are_hashed() {
        assert_eq!(key_from_bytes(b"0"), 0);
        assert_eq!(key_from_bytes(b"18446744073709551615"), u64::MAX);
        for other in [
            "",
            "18446744073709551616",
            "007",
            "-1",
            "+1",
            "1.0",
            "user:1",
            " 1",
        ] {
            assert_eq!(
                key_from_bytes(other.as_bytes()),
                xxhash_rust::xxh3::xxh3_64(other.as_bytes()),
                "{other:?}"
            );
        }
        // From the reference implementation's test vectors: the hash of nothing, seed 0.
        assert_eq!(key_from_bytes(b""), 0x2d06_8005_38d3_94c2);
    }

    #[test]
    fn every_operation_is_a_read_a_write_or_a_delete() {
        for operation in Operation::ALL {
            let kinds = [
                operation.is_read(),
                operation.is_write(),
                operation.is_delete(),
            ];
            assert_eq!(
                kinds.iter().filter(|&&kind| kind).count(),
                1,
                "{operation:?}"
            );
        }
    }
}
