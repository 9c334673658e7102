//! `cachesim trace generate`: a trace that is made up, or that of a scenario.
//!
//! Not here: how it is made up (see [`crate::trace::generate`]).

use std::path::{Path, PathBuf};

use clap::Args;

use super::convert::which_format;
use super::typed::{durations, exponent, positive, rate, share_or_none, sizes, target};
use super::writing::WriteArguments;
use crate::cli::{Answer, not_over_itself};
use crate::random::Luck;
use crate::scenario::{self, BASE, Overrides};
use crate::trace::format::PREFERRED;
use crate::trace::generate::{Pattern, Recipe, Scan, Shift};
use crate::trace::{self, Compression, Output, Target};
use crate::workload::into_trace;

/// Make up a trace: Zipf, uniform or a loop, with scans, shifts, sizes, TTLs and writes
#[derive(Debug, Args)]
#[command(after_long_help = GENERATE_HELP)]
pub(super) struct Generate {
    /// File to write
    output: PathBuf,
    /// Write the requests of this scenario instead: as many as arrive in its duration, warm-up
    /// included, under the luck of its first replication
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "keys", "exponent", "in_a_loop", "scan_every", "scan_length", "shift_every", "shift_by",
        "rate", "size", "ttl", "write_share", "delete_share", "clients",
    ])]
    scenario: Option<PathBuf>,
    /// The variant of the scenario [default: base]
    #[arg(long, value_name = "NAME", requires = "scenario")]
    variant: Option<String>,
    /// How many requests, at most with --scenario [default: 1M]
    #[arg(long, value_name = "NUMBER", value_parser = positive)]
    requests: Option<u64>,
    /// How many distinct keys, beside those of scans
    #[arg(long, value_name = "NUMBER", default_value = "100k", value_parser = positive)]
    keys: u64,
    /// Zipf exponent of the popularity; 0 is uniform
    #[arg(long, value_name = "NUMBER", default_value_t = 1.0, allow_hyphen_values = true,
          value_parser = exponent,
          conflicts_with = "in_a_loop")]
    exponent: f64,
    /// Ask for the keys one after the other, again and again
    #[arg(long = "loop")]
    in_a_loop: bool,
    /// Start a scan of never repeated keys at every so many requests ...
    #[arg(long, value_name = "NUMBER", requires = "scan_length", value_parser = positive)]
    scan_every: Option<u64>,
    /// ... and make it so many requests long
    #[arg(long, value_name = "NUMBER", requires = "scan_every", value_parser = positive)]
    scan_length: Option<u64>,
    /// Move the ranking on at every so many requests ...
    #[arg(long, value_name = "NUMBER", requires = "shift_by", value_parser = positive)]
    shift_every: Option<u64>,
    /// ... by so many keys
    #[arg(long, value_name = "NUMBER", requires = "shift_every", value_parser = positive)]
    shift_by: Option<u64>,
    /// Mean rate of requests, in a Poisson process: 500/s, 10k/s
    #[arg(long, value_name = "RATE", default_value = "1k/s", value_parser = rate)]
    rate: f64,
    /// Size of each key's value, or a range of which each key has its own: 4KiB, 100B..64KiB
    #[arg(long, value_name = "BYTES", value_parser = sizes)]
    size: Option<(u64, u64)>,
    /// TTL of writes (see --write-share), or a range of which each key has its own: 60s, 10s..1h
    #[arg(long, value_name = "DURATION", value_parser = durations)]
    ttl: Option<(u64, u64)>,
    /// Share of requests that write
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share_or_none)]
    write_share: f64,
    /// Share of requests that delete
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share_or_none)]
    delete_share: f64,
    /// How many clients ask, each as often as the others
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    clients: u32,
    /// Seed of all randomness [default: the scenario's own, else 1]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Format to write, perhaps with its version: csv, lcs:5 [default: by the name of the output,
    /// else compact]
    #[arg(long, value_name = "FORMAT", value_parser = target)]
    to: Option<Target>,
    #[command(flatten)]
    write: WriteArguments,
}

const GENERATE_HELP: &str = "\
Examples:
  cachesim trace generate zipf.oracleGeneral.zst --to oracle-general --exponent 0.9
  cachesim trace generate loop.txt --to key-per-line --loop --keys 1000 --requests 20k
  cachesim trace generate sessions.zst --keys 50k --size 200B..20KiB --write-share 0.1 \\
      --ttl 30s..10m --shift-every 100k --shift-by 500
  cachesim trace generate stampede.zst --scenario scenarios/stampede.toml

Key k has rank k: 0 is the most popular (until the ranking is shifted). The keys of scans
lie above all others. A longer trace starts with the shorter one of the same seed.";

impl Generate {
    fn recipe(&self) -> Result<Recipe, miette::Report> {
        if self.write_share + self.delete_share > 1.0 {
            return Err(miette::miette!(
                "--write-share {} and --delete-share {} are more than 1 together",
                self.write_share,
                self.delete_share
            ));
        }
        if self.ttl.is_some() && self.write_share == 0.0 {
            return Err(miette::miette!(
                help = "add --write-share, for example --write-share 0.1",
                "--ttl is of writes, and without --write-share there are none"
            ));
        }
        let scan = self.scan_every.zip(self.scan_length);
        if let Some((every, length)) = scan.filter(|(every, length)| every <= length) {
            return Err(miette::miette!(
                "--scan-length {length} leaves nothing between scans: --scan-every is {every}"
            ));
        }
        Ok(Recipe {
            requests: self.requests.unwrap_or(1_000_000),
            keys: self.keys,
            pattern: match self.in_a_loop {
                true => Pattern::Loop,
                false => Pattern::Zipf {
                    exponent: self.exponent,
                },
            },
            scan: scan.map(|(every, length)| Scan { every, length }),
            shift: self
                .shift_every
                .zip(self.shift_by)
                .map(|(every, by)| Shift { every, by }),
            rate: self.rate,
            size: self.size,
            ttl_ns: self.ttl,
            write_share: self.write_share,
            delete_share: self.delete_share,
            clients: self.clients,
            seed: self.seed.unwrap_or(1),
        })
    }

    /// The requests of a variant of the scenario at `path`.
    fn of_scenario(&self, path: &Path) -> Result<into_trace::Requests, miette::Report> {
        let overrides = Overrides {
            seed: self.seed,
            variants: vec![self.variant.clone().unwrap_or_else(|| BASE.to_owned())],
            ..Overrides::default()
        };
        let mut studies = scenario::load(&[path.to_owned()], &overrides)?;
        if studies.len() > 1 {
            return Err(miette::miette!(
                "--scenario takes one file, not {}",
                studies.len()
            ));
        }
        let variant = studies.pop().and_then(|mut study| study.variants.pop());
        let Some(variant) = variant else {
            return Err(miette::miette!(
                "there is no scenario in {}",
                path.display()
            ));
        };
        let plan = variant.plan;
        if let Some(trace) = &plan.workload.trace {
            not_over_itself(&[trace.path()], [self.output.clone()])?;
        }
        let luck = Luck::new(plan.seed, 0);
        into_trace::Requests::new(&plan.workload, luck, plan.duration_ns).ok_or_else(|| {
            miette::miette!(
                "when the users of a closed loop ask depends on the answers, so {} has no trace of \
                 its own",
                path.display()
            )
        })
    }

    pub(super) fn execute(self) -> Answer {
        let target = self.to.or_else(|| Target::of_name(&self.output));
        let target = match target {
            Some(target) => target,
            None if looks_like_text(&self.output) => return Err(which_format(&self.output)),
            None => PREFERRED.into(),
        };
        let compression = self.write.compression(&self.output, Compression::Plain)?;
        let output = Output::new(&self.output, compression);
        let outcome = match &self.scenario {
            None => {
                let recipe = self.recipe()?;
                trace::write_all(recipe.generate(), recipe.fields(), target, output)
            }
            Some(path) => {
                not_over_itself(&[path], [self.output.clone()])?;
                let requests = self.of_scenario(path)?;
                let fields = requests.fields();
                let most = self.requests.unwrap_or(u64::MAX);
                let most = usize::try_from(most).unwrap_or(usize::MAX);
                trace::write_all(requests.take(most), fields, target, output)
            }
        };
        self.write
            .tell(outcome, (&self.output, target, compression), None)
    }
}

/// Whether the name promises a text, which the preferred format is not.
fn looks_like_text(output: &Path) -> bool {
    let name = output.file_name().and_then(|name| name.to_str());
    let name = name.unwrap_or_default().to_ascii_lowercase();
    let stem = [".gz", ".zst", ".zstd", ".xz"]
        .iter()
        .find_map(|ending| name.strip_suffix(ending))
        .unwrap_or(&name);
    [".txt", ".log", ".tsv", ".json"]
        .iter()
        .any(|ending| stem.ends_with(ending))
}
