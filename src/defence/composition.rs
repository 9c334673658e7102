//! Which defences go together, and in which tier they can work.
//!
//! At most one says who of a process fetches, at most one who of all processes does, and any number
//! say what becomes of those who would wait, when entries are fetched anew and when they expire. The
//! order in which they are written does not matter: who misses goes through that of the process first.

use super::Plan;
use crate::tier::{self, Scope};

/// A defence that does not fit its tier, or another defence of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Which of the defences, counted from 0.
    pub which: usize,
    /// What is wrong.
    pub message: String,
    /// What could be written instead.
    pub help: &'static str,
}

/// The rest of the tier, as far as defences depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The tier, before any defence has prepared it.
    pub tier: &'a tier::Plan,
    /// Whether the tier loads what it does not have by itself.
    pub loads_by_itself: bool,
    /// Whether its pattern fetches entries anew before they expire.
    pub refreshes_ahead: bool,
}

/// What a defence decides that only one of them can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    WithinProcess,
    AcrossProcesses,
    Other,
}

impl Plan {
    /// The name in a scenario.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => super::none::ROW.name,
            Self::SingleFlight => super::single_flight::ROW.name,
            Self::Collapse => super::collapse::ROW.name,
            Self::Lease { .. } => super::lease::ROW.name,
            Self::Lock(_) => super::lock::ROW.name,
            Self::ServeStaleIfLocked { .. } => super::serve_stale_if_locked::ROW.name,
            Self::StaleWhileRevalidate { .. } => super::stale_while_revalidate::ROW.name,
            Self::EarlyExpiration { .. } => super::early_expiration::ROW.name,
            Self::Buddy(_) => super::buddy::ROW.name,
            Self::WarmUp(_) => super::warm_up::ROW.name,
            Self::Coalesce { .. } => super::coalesce::ROW.name,
            Self::Jitter { .. } => super::jitter::ROW.name,
        }
    }

    fn role(&self) -> Role {
        match self {
            Self::SingleFlight | Self::Collapse => Role::WithinProcess,
            Self::Lease { .. } | Self::Lock(_) => Role::AcrossProcesses,
            _ => Role::Other,
        }
    }

    /// Whether it has nothing to do where entries do not expire.
    fn needs_ttl(&self) -> bool {
        match self {
            Self::ServeStaleIfLocked { .. }
            | Self::StaleWhileRevalidate { .. }
            | Self::EarlyExpiration { .. }
            | Self::Buddy(_)
            | Self::Jitter { .. } => true,
            Self::Lock(locking) => locking.keep_ns > 0,
            _ => false,
        }
    }
}

/// Checks that the defences go together and with their tier.
///
/// # Errors
/// The first that does not.
pub fn check(defences: &[Plan], around: Surroundings<'_>) -> Result<(), Misfit> {
    for (which, plan) in defences.iter().enumerate() {
        let wrong = with_others(plan, &defences[..which], defences)
            .or_else(|| with_tier(plan, around))
            .map(|(message, help)| Misfit {
                which,
                message,
                help,
            });
        if let Some(misfit) = wrong {
            return Err(misfit);
        }
    }
    Ok(())
}

type Wrong = Option<(String, &'static str)>;

fn with_others(plan: &Plan, before: &[Plan], all: &[Plan]) -> Wrong {
    let name = plan.name();
    if before.iter().any(|other| other.name() == name) {
        let message = format!("`{name}` is named twice");
        return Some((message, "remove one of the two"));
    }
    if *plan == Plan::None && all.len() > 1 {
        let message = "`none` stands beside other defences".to_owned();
        return Some((message, "remove it, or the others"));
    }
    let role = plan.role();
    let rival = before.iter().find(|other| other.role() == role);
    if let Some(rival) = rival.filter(|_| role != Role::Other) {
        let (who, help) = match role {
            Role::WithinProcess => ("who of a process fetches", "remove one of the two"),
            _ => (
                "who of all processes fetches",
                "remove one of the two; \"single-flight\" may stand beside either",
            ),
        };
        let message = format!("`{}` and `{name}` both say {who}", rival.name());
        return Some((message, help));
    }
    let lets_one_fetch = |other: &Plan| other.role() != Role::Other;
    if matches!(plan, Plan::ServeStaleIfLocked { .. }) && !all.iter().any(lets_one_fetch) {
        let message = format!("with `{name}` alone nobody waits for anybody, so nobody is served");
        let help = "add a defence that lets one fetch: [\"lock\", \"serve-stale-if-locked\"], or use \"stale-while-revalidate\"";
        return Some((message, help));
    }
    None
}

fn with_tier(plan: &Plan, around: Surroundings<'_>) -> Wrong {
    let Surroundings {
        tier,
        loads_by_itself,
        refreshes_ahead,
    } = around;
    let name = plan.name();
    let ttl = tier.ttl.as_ref();
    if plan.needs_ttl() && ttl.is_none() {
        let message = format!("`{name}` has nothing to do where entries do not expire");
        let help = "give the tier a TTL, for example `ttl = \"60s\"`";
        return Some((message, help));
    }
    match plan {
        Plan::Lease { .. } if loads_by_itself => Some((
            "leases are given to those who fill the cache, and with `read = \"through\"` the tier does so itself".to_owned(),
            "use `defence = \"single-flight\"`, or `read = \"aside\"`",
        )),
        Plan::Lock(_) if loads_by_itself => Some((
            "locks are taken by those who fill the cache, and with `read = \"through\"` the tier does so itself".to_owned(),
            "use `defence = \"collapse\"`, or `read = \"aside\"`",
        )),
        Plan::Lock(_) if tier.scope != Scope::Global => Some((
            "a lock in a node that is not shared keeps nobody else from fetching".to_owned(),
            "use \"single-flight\" here and the lock in a tier with `scope = \"global\"`",
        )),
        Plan::Collapse if !loads_by_itself => Some((
            "with `read = \"aside\"` no request is at the tier while its row is fetched, so none can be collapsed there".to_owned(),
            "use `pattern = \"through\"`, or `defence = \"single-flight\"`",
        )),
        Plan::Jitter { .. } if ttl.is_some_and(|ttl| ttl.jitter_below + ttl.jitter_above > 0.0) => {
            Some((
                "the TTL has a `jitter` already".to_owned(),
                "remove one of the two",
            ))
        }
        Plan::StaleWhileRevalidate { .. }
            if ttl.is_some_and(|ttl| ttl.stale_while_revalidate_ns > 0) =>
        {
            Some((
                "the TTL has a `stale_while_revalidate` already".to_owned(),
                "remove one of the two",
            ))
        }
        Plan::Buddy(_) if refreshes_ahead => Some((
            "the pattern has a `refresh` already, which does the same".to_owned(),
            "remove one of the two",
        )),
        Plan::Buddy(buddy) if ttl.is_some_and(|ttl| ttl.base_ns <= buddy.ahead_ns) => Some((
            "`ahead` must be less than the TTL, or entries are fetched as soon as they are stored"
                .to_owned(),
            "lower `ahead`, or raise the TTL",
        )),
        Plan::WarmUp(_) if tier.scope == Scope::Client => Some((
            "nobody warms the caches of clients".to_owned(),
            "use it in a tier with another `scope`",
        )),
        Plan::WarmUp(_) if tier.has_versioned_keys => Some((
            "what is loaded before the version of its key was asked for is never found".to_owned(),
            "remove it, or the versioned keys",
        )),
        Plan::EarlyExpiration { .. } | Plan::Buddy(_) if ttl.is_some_and(|ttl| ttl.sliding) => Some((
            format!("`{name}` has nothing to do where each hit starts the TTL anew"),
            "remove `sliding = true`, or the defence",
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DEFENCES, Plan};
    use super::*;
    use crate::tier::{Capacity, TimeToLive};
    use crate::workload::parameters::Arguments;

    fn defence(name: &str) -> Plan {
        let row = DEFENCES.iter().find(|row| row.name == name).unwrap();
        (row.build)(&Arguments::new()).unwrap()
    }

    fn verdict(names: &[&str], change: impl FnOnce(&mut tier::Plan)) -> Result<(), Misfit> {
        let mut tier = tier::Plan::plain("cache", Capacity::Unlimited);
        tier.ttl = Some(TimeToLive {
            base_ns: 1000,
            ..TimeToLive::default()
        });
        change(&mut tier);
        let defences: Vec<Plan> = names.iter().map(|name| defence(name)).collect();
        let around = Surroundings {
            tier: &tier,
            loads_by_itself: names.contains(&"collapse"),
            refreshes_ahead: false,
        };
        check(&defences, around)
    }

    #[test]
    fn every_row_is_called_by_its_own_name() {
        for row in DEFENCES {
            assert_eq!(defence(row.name).name(), row.name);
        }
    }

    #[test]
    fn one_for_each_question_may_stand_beside_one_another_in_any_order() {
        let many = [
            "jitter",
            "lock",
            "serve-stale-if-locked",
            "single-flight",
            "early-expiration",
            "stale-while-revalidate",
        ];
        assert_eq!(verdict(&many, |_| ()), Ok(()));
        let mut reversed = many;
        reversed.reverse();
        assert_eq!(verdict(&reversed, |_| ()), Ok(()));
    }

    #[test]
    fn two_that_answer_the_same_question_are_refused_at_the_second() {
        for pair in [["lease", "lock"], ["none", "jitter"], ["lock", "lock"]] {
            assert!(verdict(&pair, |_| ()).is_err(), "{pair:?}");
        }
        let misfit = verdict(&["jitter", "lock", "lease"], |_| ()).unwrap_err();
        assert_eq!(misfit.which, 2);
    }

    #[test]
    fn what_is_about_expiry_is_refused_where_nothing_expires() {
        for name in ["jitter", "stale-while-revalidate", "early-expiration"] {
            assert_eq!(verdict(&[name], |_| ()), Ok(()));
            assert!(verdict(&[name], |tier| tier.ttl = None).is_err(), "{name}");
        }
        assert_eq!(verdict(&["lock"], |tier| tier.ttl = None), Ok(()));
    }
}
