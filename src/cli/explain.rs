//! `cachesim explain`: what a word means, when it is worth choosing, what its trap is, where it is from.
//!
//! What a word means is read from the tables that define it; this file adds what no table knows, for
//! the words that people ask about most.

use clap::Args;
use miette::miette;

use super::{
    Answer, Status,
    list::{self, Entry, everything},
};
use crate::{metrics, report::terminal::wrap, scenario::unit::nearest};

/// Say what a word of scenarios or reports means
///
/// A metric, policy, admission, pattern, placement, defence, guard, queue discipline, promise,
/// mechanism of invalidation, action, distribution or trace format, or the name of a topic of
/// `cachesim list`: what it is, when it helps, its trap, what may be set, where it is from.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cachesim explain single-flight
  cachesim explain tier.redis.hit_ratio
  cachesim explain s3-fifo
  cachesim explain breaker
  cachesim explain ring")]
pub struct Explain {
    /// A name as scenarios, options or reports spell it
    #[arg(value_name = "WORD")]
    word: String,
}

/// What is known of a word besides its row: (topic, word, when to choose or look at it, its trap).
const ADVICE: &[(&str, &str, &str, &str)] = &[
    (
        "metrics",
        "hit_ratio",
        "to compare caches; it decides on the load of the database",
        "98 % and 99 % look alike, and are twice the load on the database apart: look at the rest, or at database.qps.mean",
    ),
    (
        "metrics",
        "latency.mean",
        "for capacity (Little's law); hardly for people, who feel the tail",
        "a mean hides that most answers are fast and some very slow: look at latency.p99",
    ),
    (
        "metrics",
        "latency.p99",
        "for what one of a hundred requests waits",
        "percentiles of parts do not add up to that of the whole; a page of ten requests meets the p99 one time in ten",
    ),
    (
        "metrics",
        "database.qps.mean",
        "for cost and for head-room on a usual day",
        "the database falls over at the peak: look at database.qps.max",
    ),
    (
        "metrics",
        "database.qps.max",
        "for how large the database has to be",
        "the maximum of a longer run is higher: compare runs of one length",
    ),
    (
        "metrics",
        "stampede.peak",
        "to see whether a defence works",
        "a low peak in a run in which no hot key expired shows nothing: see stampede.events",
    ),
    (
        "metrics",
        "staleness.ratio",
        "for how often somebody is shown something old",
        "rare may still be long: look at staleness.p99 and staleness.max",
    ),
    (
        "defences",
        "single-flight",
        "nearly always, in process: it costs nothing and needs no other machine",
        "n instances still send n fetches of one key, and who waits for a slow fetch waits as long as it takes",
    ),
    (
        "defences",
        "lease",
        "with many instances, where even one fetch of each is too many; it also closes the race of a late fill",
        "the node has to know tokens, and others wait or are served something stale until the holder is done",
    ),
    (
        "defences",
        "none",
        "as what the others are compared with",
        "as many fetches of one key as requests that miss it together",
    ),
    (
        "patterns",
        "aside",
        "by default: the app reads the cache, then the database, then stores; the cache may fail",
        "a fill that arrives after a delete stores an old row, until its TTL",
    ),
    (
        "patterns",
        "through",
        "where the cache itself can load, so that one place loads each key",
        "when the cache is down, so is the way to the database",
    ),
    (
        "patterns",
        "behind",
        "for many writes of few keys: they are answered at once and combined",
        "what was answered and not flushed is lost with its node",
    ),
    (
        "patterns",
        "around",
        "for rows that are written and seldom read soon",
        "a copy that is there already stays old until its TTL",
    ),
    (
        "policies",
        "lru",
        "as what everything is compared with; good where what was asked for lately is asked for again",
        "one scan over many keys that are asked for once throws out everything else",
    ),
    (
        "policies",
        "lfu",
        "for popularity that does not change",
        "what was popular once stays for ever, unless counts fade",
    ),
    (
        "policies",
        "fifo",
        "where hits must not cost a lock",
        "popular entries leave like all others",
    ),
    (
        "policies",
        "s3-fifo",
        "for many keys that are asked for once: they leave early, and hits cost little",
        "a key whose second request comes after it has left the small queue begins anew",
    ),
    (
        "placements",
        "modulo",
        "for a number of nodes that never changes",
        "one node more or less, and nearly every key is somewhere else: the cache is cold",
    ),
    (
        "placements",
        "ring",
        "for nodes that come and go: only their share of the keys moves",
        "with few virtual nodes the shares are uneven: look at tier.<tier>.imbalance",
    ),
    (
        "keys",
        "zipf",
        "for keys of which few are asked for often; an exponent of 0.7 to 1 is usual",
        "the exponent decides on the hit ratio more than anything else: fit it to a trace (cachesim trace info)",
    ),
    (
        "arrivals",
        "poisson",
        "for many clients who do not know of each other",
        "real load comes in bursts more than that: try another process before trusting a queue",
    ),
    (
        "guards",
        "breaker",
        "where what is called fails or hangs, so that nobody waits for it in vain",
        "a tenth that is broken opens it for the other nine; without `slow` it sees nothing but failures, and a database that is late fails nobody",
    ),
    (
        "guards",
        "rate-limit",
        "where the load that can be borne is known",
        "the right rate is the database's capacity, which changes",
    ),
    (
        "guards",
        "bulkhead",
        "so that one slow dependency does not take all of an instance",
        "all instances together may still be too many",
    ),
    (
        "guards",
        "aimd-limit",
        "where the latency that is still good is known, and the capacity is not",
        "a limit below the need sheds on a good day",
    ),
    (
        "guards",
        "gradient-limit",
        "where not even that is known",
        "what is slow for long becomes the long run",
    ),
    (
        "disciplines",
        "fifo",
        "where the queue is short, or nobody gives up",
        "under overload everybody waits equally long, which is too long",
    ),
    (
        "disciplines",
        "lifo",
        "where clients give up: some are served at once, instead of all too late",
        "the old wait until nobody waits for them any more; order is lost",
    ),
    (
        "disciplines",
        "codel",
        "where clients give up, and who comes too late had better be told at once",
        "while nothing is served nobody's turn comes, so nobody is turned away: a limit of the queue helps",
    ),
    (
        "disciplines",
        "codel-lifo",
        "where overload comes in bursts: the newest are served, the late are told",
        "while nothing is served nobody is turned away, and order is lost",
    ),
];

impl Explain {
    /// Prints what is known.
    ///
    /// # Errors
    /// When nothing has that name; it says what is near.
    pub fn execute(&self) -> Answer {
        let entries = everything();
        let found: Vec<&Entry> = entries
            .iter()
            .filter(|one| is_called(one, &self.word))
            .collect();
        if let (true, Some(topic)) = (found.is_empty(), list::topic(&self.word)) {
            super::print(&topic)?;
            return Ok(Status::Well);
        }
        if found.is_empty() {
            let words = entries.iter().map(|one| one.word());
            let help = match nearest(&self.word, words) {
                Some(near) => format!("did you mean `{near}`? `cachesim list` has all words"),
                None => "`cachesim list` has all words".to_owned(),
            };
            return Err(miette!(help = help, "nothing is called `{}`", self.word));
        }
        let texts: Vec<String> = found.iter().map(|one| explained(one)).collect();
        super::print(&texts.join("\n"))?;
        Ok(Status::Well)
    }
}

/// Whether a word means this row: its name, or for a metric one that it stands for.
fn is_called(entry: &Entry, word: &str) -> bool {
    let is_metric = || {
        entry.topic == "metrics" && metrics::find(word).is_some_and(|row| row.name == entry.name)
    };
    entry.word() == word || entry.name == word || is_metric()
}

fn explained(entry: &Entry) -> String {
    let mut text = format!("{} ({})\n", entry.name, entry.topic);
    let mut say = |what: &str| {
        for line in wrap(what, 78) {
            text.push_str(&format!("  {line}\n"));
        }
    };
    say(&entry.what);
    if let Some((.., when, trap)) = ADVICE
        .iter()
        .find(|(topic, word, ..)| *topic == entry.topic && *word == entry.word())
    {
        say(&format!("when: {when}"));
        say(&format!("trap: {trap}"));
    }
    for line in &entry.details {
        say(line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_about_words_that_exist() {
        let entries = everything();
        for (topic, word, ..) in ADVICE {
            let is_it = |one: &Entry| one.topic == *topic && one.word() == *word;
            assert!(entries.iter().any(is_it), "{topic}: {word}");
        }
    }

    #[test]
    fn guards_and_disciplines_are_explained_with_their_settings_and_traps() {
        let entries = everything();
        for topic in ["guards", "disciplines"] {
            for entry in entries.iter().filter(|one| one.topic == topic) {
                let text = explained(entry);
                assert!(text.contains("  trap: "), "{text}");
                assert!(
                    text.lines().all(|line| line.chars().count() <= 80),
                    "{text}"
                );
            }
        }
        let fifo = |topic: &str| {
            entries
                .iter()
                .find(|one| one.topic == topic && one.word() == "fifo")
        };
        // One word, two things.
        assert!(explained(fifo("policies").unwrap()).contains("hits must not cost a lock"));
        assert!(explained(fifo("disciplines").unwrap()).contains("under overload"));
        assert!(list::topic("guards").unwrap().contains("breaker"));
        assert!(list::topic("guard").is_some() && list::topic("guardian").is_none());
    }

    #[test]
    fn every_word_is_explained_and_an_instance_of_a_metric_is_its_metric() {
        let entries = everything();
        for entry in &entries {
            assert!(is_called(entry, entry.word()));
            assert!(explained(entry).lines().count() > 1);
        }
        let is_ratio = |one: &&Entry| is_called(one, "tier.redis.hit_ratio");
        let found: Vec<&str> = entries
            .iter()
            .filter(is_ratio)
            .map(|one| one.name.as_str())
            .collect();
        assert_eq!(found, ["tier.<tier>.hit_ratio"]);
    }
}
