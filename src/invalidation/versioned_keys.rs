//! Versioned keys: the present version of a key is read first, and the entry under key and version.
//! A write raises the version; nobody asks for the old entries any more, and they age out.
//!
//! A slow fill sets under the version that its reader saw, so it cannot put an old row in the place
//! of a new one. The version is held by the tier's node of the key and raised by what would otherwise
//! be the delete of the write pattern. It takes up no capacity here.
//!
//! Known weakness: every read is two exchanges, old entries hold their places until they are evicted
//! or expire, and a node that loses its memory forgets the versions: entries of the row as it was at
//! first may come back from other nodes.

use super::{InvalidationRow, Plan};

pub(super) const ROW: InvalidationRow = InvalidationRow {
    name: "versioned-keys",
    parameters: &[],
    meaning: "a read asks for the key's version first and then for the entry of that version; a write raises the version, and old entries age out",
    source: "namespaces by key prefix, memcached's wiki; generational caching",
    build: |_| Ok(Plan::VersionedKeys),
};
