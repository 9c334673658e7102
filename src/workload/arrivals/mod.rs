//! Arrivals: when requests come.
//!
//! An *open* loop ([`Open`]) does not wait for answers. Its rate at an instant is a product: the
//! rate of the process (which may change at random, as in bursts), times the [`Curve`] over time,
//! times the factors of surges. Arrivals are made by time rescaling: points of a process of rate 1
//! are drawn, and each is put at the instant where the integrated rate reaches it (Cinlar,
//! "Introduction to Stochastic Processes", 1975, section 4.7). The integral is inverted exactly,
//! piece by piece, so nothing is polled, nothing drifts, and a stretch without any rate costs one
//! step. Bursts last as long in simulated time whatever the curve does.
//!
//! In a *closed* loop ([`Closed`]) each user waits for the answer, thinks, and asks again.
//!
//! Not here: what is asked ([`super::Workload`]), and the client that waits (`client`).

mod closed;
mod curve;
mod open;
mod rescaling;
#[cfg(test)]
mod tests;

pub use closed::{Closed, ClosedLoop};
pub use curve::{CURVES, Curve};
pub use open::Open;
pub use rescaling::Arrivals;

use super::parameters::{Kind, Parameter, ParameterError, Row};

/// One second in nanoseconds, for rates.
const SECOND: f64 = 1e9;

/// More than this is a typing error: a request every picosecond.
const LARGEST_RATE: f64 = 1e12;

/// When requests come, as checked.
#[derive(Clone, Debug)]
pub enum Plan {
    /// Requests that do not wait for answers.
    Open(Open),
    /// Users who do.
    Closed(Closed),
}

fn any_rate(name: &'static str, rate: f64) -> Result<f64, ParameterError> {
    if (0.0..=LARGEST_RATE).contains(&rate) {
        Ok(rate)
    } else {
        Err(ParameterError::new(
            name,
            format!("must be between 0 and {LARGEST_RATE:e} per second, not {rate}"),
        ))
    }
}

fn some_rate(name: &'static str, rate: f64) -> Result<f64, ParameterError> {
    if any_rate(name, rate)? > 0.0 {
        Ok(rate)
    } else {
        Err(ParameterError::new(name, "must be above 0"))
    }
}

const RATE: Parameter = Parameter::required("rate", Kind::Rate, "requests per second");
const EVEN: Parameter = Parameter::optional(
    "even",
    Kind::Switch,
    "whether requests are evenly spaced while on, instead of Poisson (false)",
);

/// Every process by which requests arrive.
pub static TABLE: &[Row<Plan>] = &[
    Row {
        name: "poisson",
        parameters: &[RATE],
        meaning: "open loop: very many users who know nothing of each other",
        source: "",
        build: |arguments| Ok(Plan::Open(Open::poisson(arguments.number("rate")?)?)),
    },
    Row {
        name: "constant",
        parameters: &[RATE],
        meaning: "open loop: a constant time apart, the first at once, as a load generator sends",
        source: "",
        build: |arguments| Ok(Plan::Open(Open::constant(arguments.number("rate")?)?)),
    },
    Row {
        name: "on-off",
        parameters: &[
            Parameter::required("rate", Kind::Rate, "requests per second while on"),
            Parameter::required("on", Kind::Durations, "how long a burst lasts"),
            Parameter::required(
                "off",
                Kind::Durations,
                "how long the pause between bursts is",
            ),
            Parameter::optional("off_rate", Kind::Rate, "requests per second while off (0)"),
            EVEN,
        ],
        meaning: "open loop: bursts and pauses, beginning with a burst",
        source: "",
        build: |arguments| {
            let open = Open::on_off(
                arguments.number("rate")?,
                arguments.optional("off_rate")?.unwrap_or(0.0),
                arguments.distribution("on")?.clone(),
                arguments.distribution("off")?.clone(),
            )?;
            Ok(Plan::Open(open.even(arguments.switch("even", false)?)))
        },
    },
    Row {
        name: "mmpp",
        parameters: &[Parameter::required(
            "states",
            Kind::States,
            "pairs of a rate and a mean duration; any state may follow any other",
        )],
        meaning: "open loop: Poisson with a rate that jumps between states at random",
        source: "Fischer and Meier-Hellstern, \"The Markov-modulated Poisson process cookbook\", \
                 Performance Evaluation 1993",
        build: |arguments| Ok(Plan::Open(Open::mmpp(arguments.pairs("states")?)?)),
    },
    Row {
        name: "closed",
        parameters: &[
            Parameter::required("users", Kind::Count, "how many users there are"),
            Parameter::required(
                "think",
                Kind::Durations,
                "pause between an answer and the next request",
            ),
        ],
        meaning: "closed loop: users who wait for the answer, think, and ask again",
        source: "",
        build: |arguments| {
            let users = arguments.count("users")?;
            let think = arguments.distribution("think")?.clone();
            Ok(Plan::Closed(Closed::new(users, think)?))
        },
    },
];
