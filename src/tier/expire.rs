//! Entries whose time is up before their TTL is over.

use super::{Request, Tier};
use crate::units::Key;

impl Tier {
    /// The TTL of a row's entry in a node ends now, and so does that of other copies of it: what may be
    /// served after the TTL still may.
    pub fn expire(&self, node: usize, row: Key) {
        let request = Request {
            key: row,
            ..Request::default()
        };
        let mut entries = vec![row];
        if self.plan.has_versioned_keys {
            let version = (0..self.nodes.len()).map(|node| self.version_of(node, row));
            let newest = version.max().unwrap_or(0);
            entries.push(request.of_version(newest).key);
        }
        let group = node as u32 / self.plan.nodes_per_group();
        let copies = self.other_copies_of(group, row).into_iter();
        entries.extend(copies.map(|copy| request.of_copy(copy).key));
        for key in entries {
            self.expire_entry(node, key);
        }
    }

    fn expire_entry(&self, number: usize, key: Key) {
        let now_ns = self.kernel.now();
        let node = &self.nodes[number];
        if let Some((_, until_ns)) = node.pinned.borrow_mut().get_mut(&key) {
            *until_ns = now_ns.min(*until_ns);
        }
        let mut cache = node.cache.borrow_mut();
        let (Some(resident), Some(expires_ns)) = (cache.peek(key), cache.expires_ns(key)) else {
            return;
        };
        let kept_ns = self.plan.kept_ns(resident.is_absent);
        let ends_ns = now_ns.saturating_add(kept_ns);
        if expires_ns > ends_ns {
            cache.extend(key, ends_ns);
        }
    }
}
