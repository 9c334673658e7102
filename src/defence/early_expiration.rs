//! Early expiration: each reader of a fresh entry throws dice of its own and may fetch it anew before
//! it expires for all, the sooner the longer the fetch takes. Nobody coordinates with anybody.
//!
//! Whoever fetches early and waits for it is a miss, though nothing had forced it to be one; with
//! `background` it is served the copy and is a hit. Beside a defence that lets one fetch, whoever would
//! fetch early while somebody else does already is a hit too.
//!
//! Known weakness: rarely read keys expire before anybody throws the right dice; and the variants that
//! do not measure the fetch are right for one fetch time only.

use super::{DefenceRow, EarlyRule, Plan};
use crate::workload::parameters::{Kind, Parameter, ParameterError};

pub(super) const ROW: DefenceRow = DefenceRow {
    name: "early-expiration",
    parameters: &[
        Parameter::optional(
            "variant",
            Kind::Word(&[
                (
                    "xfetch",
                    "now - delta x beta x ln(u) reaches the expiry: delta is the fetch time, measured per entry",
                ),
                (
                    "linear",
                    "the probability rises from 0 to 1 over the last `share` of the TTL",
                ),
                (
                    "exponential-in-remaining-ttl",
                    "the probability is e to the minus remaining TTL over `share` of the TTL",
                ),
            ]),
            "by which dice; \"xfetch\" if nothing is said",
        ),
        Parameter::optional(
            "beta",
            Kind::Number,
            "for \"xfetch\": above 1 fetches earlier, below 1 later; 1.0 if nothing is said",
        ),
        Parameter::optional(
            "share",
            Kind::Share,
            "for the other variants: a part of the TTL; 0.1 if nothing is said",
        ),
        Parameter::optional(
            "background",
            Kind::Switch,
            "whether whoever fetches early is served the copy at once and fetches in the background",
        ),
    ],
    meaning: "readers of fresh entries throw dice and fetch some of them anew before they expire",
    source: "Vattani, Chierichetti, Lowenstein, \"Optimal probabilistic cache stampede prevention\", PVLDB 8, 2015",
    build: |arguments| {
        let variant = arguments.word("variant", "xfetch")?;
        let (beta, share) = (arguments.optional("beta")?, arguments.optional("share")?);
        let is_measured = variant == "xfetch";
        if let (true, Some(_)) = (is_measured, share) {
            let problem =
                "is for the variants that do not measure the fetch time; \"xfetch\" has `beta`";
            return Err(ParameterError::new("share", problem));
        }
        if let (false, Some(_)) = (is_measured, beta) {
            let problem = format!("is for \"xfetch\"; \"{variant}\" has `share`");
            return Err(ParameterError::new("beta", problem));
        }
        let (beta, share) = (beta.unwrap_or(1.0), share.unwrap_or(0.1));
        if beta <= 0.0 || beta > 1000.0 {
            let problem = format!("must be above 0 and at most 1000, not {beta}");
            return Err(ParameterError::new("beta", problem));
        }
        if share <= 0.0 {
            return Err(ParameterError::new("share", "must be above 0"));
        }
        Ok(Plan::EarlyExpiration {
            early: match variant {
                "linear" => EarlyRule::Linear { share },
                "exponential-in-remaining-ttl" => EarlyRule::Exponential { share },
                _ => EarlyRule::Measured { beta },
            },
            background: arguments.switch("background", false)?,
        })
    },
};
