//! Checked tiers: each with its pattern, its defence and its mechanisms, as far as they go together.

use super::{Planner, limit, row};
use crate::defence::composition::{self, Surroundings};
use crate::guard::discipline::DISCIPLINES;
use crate::invalidation::{self, INVALIDATIONS};
use crate::pattern::{self, LayerPlan, PAIRS, READS, REFRESH, WRITES};
use crate::scenario::format::{read_capacity, read_eviction, read_jitter};
use crate::scenario::shape::{Checked, Sound};
use crate::units::RegionId;
use crate::{defence, geography, placement, tier};

impl Planner<'_> {
    pub(super) fn tiers(
        &mut self,
        checked: &Checked,
        regions: &geography::Plan,
    ) -> Option<Vec<LayerPlan>> {
        let mut layers: Vec<Option<LayerPlan>> = Vec::new();
        for (index, tier) in checked.list().iter().enumerate() {
            let name = tier.at("name");
            let first = checked.list()[..index]
                .iter()
                .find(|other| other.at("name").is(name.text()));
            if let Some(first) = first {
                let message = format!("two tiers are called `{}`", name.text());
                let help = format!(
                    "rename one of them; the first is on line {}",
                    self.line(first.at("name").span)
                );
                self.problem(name.span, message, help);
            }
            layers.push(self.tier(tier, regions));
        }
        layers.into_iter().collect()
    }

    pub(super) fn tier(
        &mut self,
        checked: &Checked,
        regions: &geography::Plan,
    ) -> Option<LayerPlan> {
        let name = checked.at("name").text();
        let network = self.distribution(&format!("tier.{name}.network"), checked.at("network"));
        let service = checked.at("service");
        let service_time =
            self.distribution(&format!("tier.{name}.service.time"), service.at("time"));
        // These have been read once already, so they read again.
        let capacity = read_capacity(checked.at("capacity").text()).ok()?;
        let eviction = read_eviction(checked.at("eviction").text()).ok()?;
        let overhead = checked.at("entry_overhead");
        let sweep = checked.at("sweep");
        let ttl = checked.at("ttl");
        let ttl = ttl.get("base").map(|base| time_to_live(base, ttl));
        let pattern = self.pattern(name, checked.at("pattern"), ttl.as_ref());
        let defences = self.defences(name, checked.at("defence"));
        let place = format!("tier.{name}.service.discipline");
        let discipline = self.chosen(&place, "kind", DISCIPLINES, service.at("discipline"));
        let guards = self.guards(&format!("tier.{name}.guards"), checked.at("guards"));
        let scope = scope(checked.at("scope"))?;
        let membership = self.membership(name, checked);
        let mut layer = LayerPlan {
            tier: tier::Plan {
                membership: membership?,
                scope,
                home: self.home_of_tier(checked, scope, regions)?,
                delete_failure: checked.at("delete_failure").base(),
                nodes: checked.at("nodes").whole_u32(),
                entry_overhead_bytes: overhead.whole(),
                negative_ttl_ns: checked.at("negative").get("ttl").map(Checked::whole),
                eviction,
                ttl,
                sweep: sweep.get("interval").map(|interval| tier::Sweep {
                    interval_ns: interval.whole(),
                    sample: sweep.at("sample").whole_u32(),
                }),
                placement: self.placement(name, checked)?,
                network: network?,
                workers: service.at("workers").whole_u32(),
                service_time: service_time?,
                bandwidth_per_s: service.at("bandwidth").amount().map(|it| it.whole()),
                values: self.values(name, checked)?,
                hot_keys: self.hot_keys(name, checked.at("hot_keys"))?,
                queue_limit: limit(service.at("queue_limit")),
                connections: self.connections(name, checked, scope)?,
                cacheable: checked.at("cacheable").base(),
                personalised: checked.at("personalised").base(),
                promote_after: promote_after(checked.at("promote")),
                is_exclusive: checked.at("fill").is("exclusive"),
                discipline: discipline?,
                guards: guards?,
                ..tier::Plan::plain(name, capacity)
            },
            pattern: pattern?,
            defences: defences?,
            invalidations: Vec::new(),
        };
        for mechanism in checked.at("invalidation").list() {
            let place = format!("tier.{name}.invalidation");
            let plan = self.chosen(&place, "kind", INVALIDATIONS, mechanism)?;
            let again = layer
                .invalidations
                .iter()
                .any(|other: &invalidation::Plan| other.name() == plan.name());
            if again {
                let message = format!("`{place}` names `{}` twice", plan.name());
                self.problem(mechanism.span, message, "remove one of the two");
                return None;
            }
            if let Some((message, help)) = misfit(&plan, &layer) {
                self.problem(mechanism.span, format!("`{place}`: {message}"), help);
                return None;
            }
            plan.prepare(&mut layer.tier);
            layer.invalidations.push(plan);
        }
        if let Some((setting, message, help)) = uncured(&layer) {
            let message = format!("`tier.{name}.{setting}`: {message}");
            self.problem(checked.at(setting).span, message, help);
            return None;
        }
        let around = Surroundings {
            tier: &layer.tier,
            loads_by_itself: layer.pattern.read == pattern::Read::Through,
            refreshes_ahead: layer.pattern.refresh.is_some(),
        };
        if let Err(misfit) = composition::check(&layer.defences, around) {
            let defence = checked.at("defence");
            let place = defence.list().get(misfit.which).unwrap_or(defence);
            let message = format!("`tier.{name}.defence`: {}", misfit.message);
            self.problem(place.span, message, misfit.help);
            return None;
        }
        for defence in &layer.defences {
            defence.prepare(&mut layer.tier);
        }
        let is_fenced = layer.tier.mutexes.is_some_and(|mutexes| mutexes.fencing);
        if (layer.tier.leases.is_some() || is_fenced)
            && matches!(layer.tier.values, tier::Values::Chunks(_))
        {
            let what = if is_fenced {
                "locks that are fences"
            } else {
                "leases"
            };
            let message = format!(
                "`tier.{name}.chunking`: {what} are given for a key, and each chunk has a key of its own"
            );
            let help = "use another `defence`, or remove `chunking`";
            self.problem(checked.at("chunking").span, message, help);
            return None;
        }
        self.members_fit(&layer, checked)?;
        if let Some(connections) = &mut layer.tier.connections {
            connections.nodes_load = layer.pattern.read == pattern::Read::Through;
        }
        Some(layer)
    }

    /// The defences of the tier `name`, one or a list.
    fn defences(&mut self, name: &str, checked: &Checked) -> Option<Vec<defence::Plan>> {
        let place = format!("tier.{name}.defence");
        let one = std::slice::from_ref(checked);
        let all = match &checked.value {
            Sound::List(list) => list,
            _ => one,
        };
        let defences = all.iter();
        let defences = defences.map(|one| self.chosen(&place, "kind", defence::DEFENCES, one));
        // All of them are looked at, so that all errors are told of.
        let defences: Vec<_> = defences.collect();
        defences.into_iter().collect()
    }

    /// The pools of connections to the nodes, if they are limited: the outer `None` is a problem.
    fn connections(
        &mut self,
        name: &str,
        tier: &Checked,
        scope: tier::Scope,
    ) -> Option<Option<tier::ConnectionsPlan>> {
        let checked = tier.at("connections");
        let Some(most) = checked.get("most") else {
            return Some(None);
        };
        if !matches!(scope, tier::Scope::Global | tier::Scope::Region) {
            let message = format!(
                "`tier.{name}.connections`: there are none to a cache that is {}",
                if scope == tier::Scope::Instance {
                    "in the app's own process"
                } else {
                    "the client's own"
                }
            );
            let help = "use it in a tier with `scope = \"global\"` or `scope = \"region\"`";
            self.problem(checked.span, message, help);
            return None;
        }
        Some(Some(tier::ConnectionsPlan {
            most: most.whole_u32(),
            queue_limit: limit(checked.at("queue_limit")),
            nodes_load: false,
        }))
    }

    /// Whether values are stored and sent in one piece.
    fn values(&mut self, name: &str, tier: &Checked) -> Option<tier::Values> {
        let (fields, chunking) = (tier.at("fields"), tier.at("chunking"));
        match (fields.get("count"), chunking.get("size")) {
            (None, None) => Some(tier::Values::Whole),
            (Some(count), None) => {
                let per_read = fields.at("per_read");
                if per_read.whole() > count.whole() {
                    let message = format!(
                        "`tier.{name}.fields.per_read` is {}, and a value has {} fields",
                        per_read.whole(),
                        count.whole()
                    );
                    self.problem(per_read.span, message, "lower it, or raise `count`");
                    return None;
                }
                Some(tier::Values::Fields(tier::Fields {
                    count: count.whole_u32(),
                    per_read: per_read.whole_u32(),
                }))
            }
            (None, Some(size)) => Some(tier::Values::Chunks(tier::Chunking {
                bytes: size.whole_u32(),
                parallel: chunking.at("parallel").whole_u32(),
            })),
            (Some(_), Some(_)) => {
                let message = format!(
                    "`tier.{name}` has both `fields` and `chunking`: a value is a hash or a row of chunks"
                );
                self.problem(chunking.span, message, "remove one of the two");
                None
            }
        }
    }

    /// What is done about hot keys, if anything is: the outer `None` is a problem.
    fn hot_keys(&mut self, name: &str, checked: &Checked) -> Option<Option<tier::HotKeys>> {
        let Some(copies) = checked.get("copies") else {
            return Some(None);
        };
        let detect = checked.at("detect");
        let hot_keys = tier::HotKeys {
            copies: copies.whole_u32(),
            top: checked.at("top").whole_u32(),
            detect: detect.get("threshold").map(|threshold| tier::Detect {
                threshold_per_s: threshold.base(),
                cool_down_ns: detect.at("cool_down").whole(),
            }),
            pin_ns: checked.get("pin").map(Checked::whole),
        };
        let problem = if hot_keys.top == 0 && hot_keys.detect.is_none() {
            Some((
                "says what is done about hot keys, and not which they are",
                "add `detect = { threshold = \"5k/s\" }` or `top = 1`",
            ))
        } else if hot_keys.copies == 1 && hot_keys.pin_ns.is_none() {
            Some((
                "says which keys are hot, and not what is done about them",
                "add `copies = 10`, or `pin = \"1s\"` in a tier with `scope = \"instance\"`",
            ))
        } else {
            None
        };
        if let Some((problem, help)) = problem {
            let message = format!("`tier.{name}.hot_keys` {problem}");
            self.problem(checked.span, message, help);
            return None;
        }
        Some(Some(hot_keys))
    }

    /// Where the tier lives, which is for those to say that everybody shares.
    fn home_of_tier(
        &mut self,
        checked: &Checked,
        scope: tier::Scope,
        regions: &geography::Plan,
    ) -> Option<Option<RegionId>> {
        let Some(named) = checked.get("region") else {
            return Some(None);
        };
        if scope != tier::Scope::Global {
            let message = format!(
                "`tier.{}.region`: only a tier with `scope = \"global\"` lives in one region",
                checked.at("name").text()
            );
            self.problem(named.span, message, "remove `region`, or change `scope`");
            return None;
        }
        self.home(regions, named).map(Some)
    }

    pub(super) fn placement(&mut self, name: &str, tier: &Checked) -> Option<placement::Plan> {
        let checked = tier.at("placement");
        let plan = placement(checked)?;
        if let Err((setting, problem)) = plan.check(tier.at("nodes").whole_u32()) {
            let setting = setting_name(setting);
            let span = checked.get(setting).map_or(checked.span, |it| it.span);
            let message = format!("`tier.{name}.placement.{setting}` {problem}");
            self.problem(span, message, "");
            return None;
        }
        Some(plan)
    }

    pub(super) fn pattern(
        &mut self,
        name: &str,
        checked: &Checked,
        ttl: Option<&tier::TimeToLive>,
    ) -> Option<pattern::Plan> {
        let place = format!("tier.{name}.pattern");
        let plan = if let Sound::Text(pair) = &checked.value {
            PAIRS.iter().find(|row| row.name == pair)?.plan()
        } else {
            let write = row(WRITES, checked.at("write").text())?;
            for other in WRITES.iter().filter(|other| other.name != write.name) {
                for parameter in other.parameters {
                    if let Some(value) = checked.get(parameter.name) {
                        let message = format!(
                            "`{place}.{}` is a setting of `write = \"{}\"`, not of `write = \"{}\"`",
                            parameter.name, other.name, write.name
                        );
                        self.problem(value.span, message, "remove it, or change `write`");
                        return None;
                    }
                }
            }
            let refresh = checked.at("refresh");
            let refresh = if matches!(refresh.value, Sound::Text(_)) {
                None
            } else {
                let place = format!("{place}.refresh");
                let arguments = self.arguments(&place, &REFRESH, refresh)?;
                Some(self.sound(&place, (REFRESH.build)(&arguments), refresh)?)
            };
            let arguments = self.arguments(&place, write, checked)?;
            pattern::Plan {
                read: self.chosen(&place, "read", READS, checked)?,
                write: self.sound(&place, (write.build)(&arguments), checked)?,
                refresh,
            }
        };
        if plan.refresh.is_some() && ttl.is_none_or(|ttl| ttl.sliding) {
            let message = if ttl.is_some() {
                "refresh-ahead has nothing to do where each hit starts the TTL anew"
            } else {
                "refresh-ahead has nothing to do where entries do not expire"
            };
            let help = format!("give the tier a TTL: `ttl = \"60s\"` in `tier.{name}`");
            self.problem(checked.span, message, help);
            return None;
        }
        Some(plan)
    }
}

/// What of a tier's `chunking` or `hot_keys` does not go with its other settings: which, why not, and
/// what would help.
fn uncured(layer: &LayerPlan) -> Option<(&'static str, &'static str, &'static str)> {
    let tier = &layer.tier;
    let app_conducts =
        layer.pattern.read == pattern::Read::Aside && !layer.pattern.write.goes_through();
    let aside = "use `pattern = \"aside\"`, or another pattern with `read = \"aside\"` in which the app writes to the database";
    if matches!(tier.values, tier::Values::Chunks(_)) && !app_conducts {
        let message = "the app cuts values and puts them together, and here the tier loads or writes by itself";
        return Some(("chunking", message, aside));
    }
    let hot_keys = tier.hot_keys?;
    let problem = if hot_keys.pin_ns.is_some() && tier.scope != tier::Scope::Instance {
        (
            "`pin` is for an in-process tier",
            "use it in a tier with `scope = \"instance\"`; here `copies = 10` spreads a hot key over the nodes",
        )
    } else if hot_keys.copies == 1 {
        return None;
    } else if matches!(tier.scope, tier::Scope::Instance | tier::Scope::Client) {
        (
            "nobody else asks these nodes, so `copies` spread nothing",
            "use `pin = \"1s\"` here, and `copies` in a tier that all share",
        )
    } else if tier.nodes == 1 {
        (
            "there is one node, so `copies` spread nothing",
            "raise `nodes`",
        )
    } else if !app_conducts {
        (
            "the app chooses among `copies`, and here the tier loads or writes by itself",
            aside,
        )
    } else if tier.has_versioned_keys {
        (
            "versioned keys make a key for each version, and `copies` one for each copy",
            "remove one of the two",
        )
    } else if layer
        .invalidations
        .iter()
        .any(|it| it.name() == "change-capture")
    {
        (
            "a change feed knows of rows, not of their `copies`",
            "remove one of the two",
        )
    } else {
        return None;
    };
    Some(("hot_keys", problem.0, problem.1))
}

/// Why a mechanism cannot work in such a tier, and what it would need.
fn misfit(
    mechanism: &invalidation::Plan,
    layer: &LayerPlan,
) -> Option<(&'static str, &'static str)> {
    use invalidation::Plan as Mechanism;
    use pattern::Read;
    let scope = layer.tier.scope;
    match mechanism {
        Mechanism::PubSub(_) if scope == tier::Scope::Global => Some((
            "a bus tells other copies of an entry, and a tier with `scope = \"global\"` has but one",
            "use it in a tier with `scope = \"instance\"`, or follow the database here: \"change-capture\"",
        )),
        Mechanism::PubSub(_) | Mechanism::ChangeCapture { .. } if scope == tier::Scope::Client => {
            Some((
                "nobody sends messages to the caches of clients",
                "give the entries a short `ttl` and use \"etag\", or use this in a tier with another `scope`",
            ))
        }
        Mechanism::VersionedKeys if scope != tier::Scope::Global => Some((
            "the version of a key must be read from where all who write it raise it",
            "use it in a tier with `scope = \"global\"`",
        )),
        Mechanism::VersionedKeys if layer.pattern.read != Read::Aside => Some((
            "the app asks for the version first, and with `read = \"through\"` it does not conduct the read",
            "use `read = \"aside\"`",
        )),
        Mechanism::VersionedKeys if !layer.pattern.write.deletes() => Some((
            "the version is raised by what deletes the entry, and this `write` deletes nothing",
            "use `write = \"invalidate\"`",
        )),
        Mechanism::Etag { .. } if layer.tier.ttl.is_none() => Some((
            "where entries do not expire there is nothing to confirm",
            "give the tier a TTL, for example `ttl = \"60s\"`",
        )),
        _ => None,
    }
}

fn time_to_live(base: &Checked, ttl: &Checked) -> tier::TimeToLive {
    let jitter = ttl.at("jitter");
    let (jitter_below, jitter_above) = match &jitter.value {
        Sound::Text(text) => (0.0, read_jitter(text).unwrap_or(0.0)),
        _ => (jitter.base(), jitter.base()),
    };
    tier::TimeToLive {
        base_ns: base.whole(),
        sliding: ttl.at("sliding").flag(),
        jitter_below,
        jitter_above,
        stale_while_revalidate_ns: ttl.at("stale_while_revalidate").whole(),
        stale_if_error_ns: ttl.at("stale_if_error").whole(),
        ..tier::TimeToLive::default()
    }
}

/// After how many hits; `None` for never.
fn promote_after(checked: &Checked) -> Option<u16> {
    if checked.amount().is_some() {
        return Some(checked.whole() as u16);
    }
    checked.is("always").then_some(0)
}

fn scope(checked: &Checked) -> Option<tier::Scope> {
    let row = tier::SCOPES.iter().find(|row| checked.is(row.name));
    row.map(|row| row.scope)
}

fn placement(checked: &Checked) -> Option<placement::Plan> {
    let name = checked.at("scheme").text();
    let row = placement::SCHEMES.iter().find(|row| row.name == name)?;
    let plan = placement::Plan::default();
    let whole = |name: &str, default| checked.get(name).map_or(default, Checked::whole_u32);
    let weights = checked.get("weights").map_or(&[][..], Checked::list);
    Some(placement::Plan {
        scheme: row.name,
        virtual_nodes: whole("virtual_nodes", plan.virtual_nodes),
        probes: whole("probes", plan.probes),
        table_size: whole("table_size", plan.table_size),
        keys_per_tag: checked.get("keys_per_tag").map_or(1, Checked::whole),
        weights: weights.iter().map(Checked::base).collect(),
        epsilon: checked.get("epsilon").map_or(plan.epsilon, Checked::base),
        ring: checked.get("ring").map_or(0, Checked::whole),
        client: (checked.get("client"))
            .and_then(|client| {
                placement::SLOT_CLIENTS
                    .iter()
                    .find(|row| client.is(row.name))
            })
            .map_or(plan.client, |row| row.client),
    })
}

/// Where a setting of a scheme is written.
pub(super) fn setting_name(setting: placement::Setting) -> &'static str {
    match setting {
        placement::Setting::VirtualNodes => "virtual_nodes",
        placement::Setting::Probes => "probes",
        placement::Setting::TableSize => "table_size",
        placement::Setting::KeysPerTag => "keys_per_tag",
        placement::Setting::Weights => "weights",
        placement::Setting::Epsilon => "epsilon",
        placement::Setting::Ring => "ring",
        placement::Setting::Client => "client",
    }
}
