//! Backoff: how long a client waits before it asks again, and what chance does to that. One row of
//! [`JITTERS`] per way.
//!
//! The wait before retry n is `base` x `factor`^(n - 1), at most `cap`. Without jitter all who failed
//! together come back together; that is what the ways of jitter differ in.

use crate::random::Draws;
use crate::units::Nanoseconds;

/// A backoff as checked.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// The wait before the first retry; 0 asks again at once.
    pub base_ns: Nanoseconds,
    /// What each further wait is multiplied by, at least 1.
    pub factor: f64,
    /// The longest wait.
    pub cap_ns: Nanoseconds,
    /// What chance does to it: a row of [`JITTERS`].
    pub jitter: &'static JitterRow,
}

/// A wait that is about to be drawn.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    /// What it would be without jitter.
    full_ns: f64,
    base_ns: f64,
    cap_ns: f64,
    /// The wait before the last attempt; `base_ns` before the first retry.
    previous_ns: f64,
}

/// One row of the table of jitters.
#[derive(Clone, Copy, Debug)]
pub struct JitterRow {
    /// The name in a scenario.
    pub name: &'static str,
    /// What it does, in one line.
    pub meaning: &'static str,
    /// Where it is from.
    pub source: &'static str,
    /// The wait, in nanoseconds.
    draw: fn(Wait, &mut Draws) -> f64,
}

const BROOKER: &str =
    "Brooker, \"Exponential Backoff And Jitter\", AWS Architecture Blog, March 2015";

/// All jitters.
pub static JITTERS: &[JitterRow] = &[
    JitterRow {
        name: "none",
        meaning: "exactly as long as it says: who failed together comes back together",
        source: "",
        draw: |wait, _| wait.full_ns,
    },
    JitterRow {
        name: "full",
        meaning: "anything between nothing and that",
        source: BROOKER,
        draw: |wait, luck| wait.full_ns * luck.unit(),
    },
    JitterRow {
        name: "equal",
        meaning: "half of it, and anything between nothing and the other half",
        source: BROOKER,
        draw: |wait, luck| wait.full_ns / 2.0 * (1.0 + luck.unit()),
    },
    JitterRow {
        name: "decorrelated",
        meaning: "anything between `base` and three times the last wait, at most `cap`; `factor` does not matter",
        source: BROOKER,
        draw: |wait, luck| {
            let most_ns = (3.0 * wait.previous_ns).max(wait.base_ns);
            (wait.base_ns + (most_ns - wait.base_ns) * luck.unit()).min(wait.cap_ns)
        },
    },
];

impl Backoff {
    /// The wait before retry `retry`, counted from 1, given the wait before the one before (if there
    /// was one).
    #[must_use]
    pub fn wait_ns(
        &self,
        retry: u32,
        previous_ns: Option<Nanoseconds>,
        luck: &mut Draws,
    ) -> Nanoseconds {
        let base_ns = self.base_ns as f64;
        let cap_ns = self.cap_ns as f64;
        let exponent = f64::from(retry.saturating_sub(1));
        let full_ns = (base_ns * libm::pow(self.factor, exponent)).min(cap_ns);
        let previous_ns = previous_ns.map_or(base_ns, |it| it as f64);
        let wait = Wait {
            full_ns,
            base_ns,
            cap_ns,
            previous_ns,
        };
        (self.jitter.draw)(wait, luck).round() as Nanoseconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::SECOND_NS;

    fn backoff(jitter: &str) -> Backoff {
        Backoff {
            base_ns: 100,
            factor: 2.0,
            cap_ns: 1000,
            jitter: JITTERS.iter().find(|row| row.name == jitter).unwrap(),
        }
    }

    fn draw(jitter: &str, retry: u32, previous_ns: Option<u64>) -> Vec<u64> {
        let wait = |seed| {
            let mut luck = Draws::from_seed(seed);
            backoff(jitter).wait_ns(retry, previous_ns, &mut luck)
        };
        (0..2000).map(wait).collect()
    }

    fn between(waits: &[u64], low: u64, high: u64) {
        let mean = waits.iter().sum::<u64>() as f64 / waits.len() as f64;
        assert!(
            waits.iter().all(|it| (low..=high).contains(it)),
            "{waits:?}"
        );
        let middle = (low + high) as f64 / 2.0;
        let spread = (high - low) as f64;
        assert!((mean - middle).abs() < 0.05 * spread.max(1.0), "{mean}");
    }

    #[test]
    fn without_jitter_waits_grow_by_the_factor_up_to_the_cap() {
        let waits: Vec<u64> = (1..=6).map(|retry| draw("none", retry, None)[0]).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1000, 1000]);
    }

    #[test]
    fn each_jitter_is_uniform_where_it_says() {
        between(&draw("full", 3, None), 0, 400);
        between(&draw("equal", 3, None), 200, 400);
        between(&draw("decorrelated", 1, None), 100, 300);
        between(&draw("decorrelated", 2, Some(250)), 100, 750);
    }

    #[test]
    fn no_wait_is_longer_than_the_cap_and_none_overflows() {
        for row in JITTERS {
            let longest = draw(row.name, 4_000_000, Some(900 * SECOND_NS));
            assert!(longest.iter().all(|wait| *wait <= 1000), "{}", row.name);
        }
    }
}
