//! Curves: how a rate changes over time, other than by chance.

use super::{any_rate, some_rate};
use crate::workload::parameters::{
    Kind, Parameter, ParameterError, Row, not_negative, share, turn_ns,
};

/// A factor (or, for a process of rate 1, a rate per second) over time.
#[derive(Clone, Debug)]
pub struct Curve {
    pub(super) shape: CurveShape,
}

#[derive(Clone, Debug)]
pub(super) enum CurveShape {
    Pieces {
        pieces: Vec<CurvePiece>,
        /// After so long it begins again; infinite if never.
        repeat_ns: f64,
    },
    Sine {
        period_ns: f64,
        low: f64,
        high: f64,
        /// How far into the period it is at instant 0; the period begins where it is lowest.
        ahead_ns: f64,
    },
}

/// From `begins_ns` to the next piece, on a straight line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct CurvePiece {
    pub(super) begins_ns: f64,
    pub(super) value: f64,
    pub(super) slope_per_ns: f64,
}

impl Curve {
    /// 1 for ever.
    #[must_use]
    pub fn constant() -> Self {
        let only = CurvePiece {
            begins_ns: 0.0,
            value: 1.0,
            slope_per_ns: 0.0,
        };
        Self {
            shape: CurveShape::Pieces {
                pieces: vec![only],
                repeat_ns: f64::INFINITY,
            },
        }
    }

    /// Steps: pairs of an instant in nanoseconds and the value from there on. Before the first, its
    /// value holds; after the last, the last one does, or with `repeat_ns` all begins again (then
    /// what is before the first instant belongs to the last value).
    ///
    /// # Errors
    /// When there is no pair, instants do not rise or are not before `repeat_ns`, or a value is
    /// negative.
    pub fn steps(points: &[(f64, f64)], repeat_ns: Option<f64>) -> Result<Self, ParameterError> {
        let repeat_ns = check_points(points, repeat_ns, false)?;
        let mut pieces: Vec<CurvePiece> = points
            .iter()
            .map(|&(begins_ns, value)| CurvePiece {
                begins_ns,
                value,
                slope_per_ns: 0.0,
            })
            .collect();
        let wraps = repeat_ns.is_finite();
        let first = pieces[if wraps { pieces.len() - 1 } else { 0 }];
        if pieces[0].begins_ns > 0.0 {
            pieces.insert(
                0,
                CurvePiece {
                    begins_ns: 0.0,
                    ..first
                },
            );
        }
        Ok(Self {
            shape: CurveShape::Pieces { pieces, repeat_ns },
        })
    }

    /// Ramps: straight lines between pairs of an instant in nanoseconds and a value; two pairs of
    /// one instant make a jump. Before the first, its value holds; after the last, the last one
    /// does, or with `repeat_ns` all begins again and a line leads from the last to the first.
    ///
    /// # Errors
    /// When there is no pair, instants fall or are not before `repeat_ns`, or a value is negative.
    pub fn ramps(points: &[(f64, f64)], repeat_ns: Option<f64>) -> Result<Self, ParameterError> {
        let repeat_ns = check_points(points, repeat_ns, true)?;
        let (first_at, first) = points[0];
        let (last_at, last) = points[points.len() - 1];
        let mut corners = points.to_vec();
        if repeat_ns.is_finite() {
            let gap = repeat_ns - last_at + first_at;
            let at_zero = if gap > 0.0 {
                last + (first - last) * ((repeat_ns - last_at) / gap)
            } else {
                first
            };
            if first_at > 0.0 {
                corners.insert(0, (0.0, at_zero));
            }
            corners.push((repeat_ns, at_zero));
        } else {
            if first_at > 0.0 {
                corners.insert(0, (0.0, first));
            }
            corners.push((f64::INFINITY, last));
        }
        let pieces = corners
            .windows(2)
            .filter(|pair| pair[0].0 < pair[1].0)
            .map(|pair| CurvePiece {
                begins_ns: pair[0].0,
                value: pair[0].1,
                slope_per_ns: (pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0),
            })
            .collect();
        Ok(Self {
            shape: CurveShape::Pieces { pieces, repeat_ns },
        })
    }

    /// Up and down as days and nights do: between `low` and `high` and back once in a period. At
    /// instant 0 it is at `phase` of a period, where 0 is lowest and 0.5 highest.
    ///
    /// # Errors
    /// When the period is below a microsecond, `low` is negative or above `high`, `high` is 0, or
    /// `phase` not in 0..=1.
    pub fn sine(period_ns: f64, low: f64, high: f64, phase: f64) -> Result<Self, ParameterError> {
        turn_ns("period", period_ns)?;
        any_rate("low", low)?;
        some_rate("high", high)?;
        if low > high {
            return Err(ParameterError::new(
                "low",
                format!("must be at most `high`: {low} is above {high}"),
            ));
        }
        share("phase", phase)?;
        Ok(Self {
            shape: CurveShape::Sine {
                period_ns,
                low,
                high,
                ahead_ns: phase * period_ns,
            },
        })
    }
}

/// Checks the points of steps or ramps; returns when they begin again.
fn check_points(
    points: &[(f64, f64)],
    repeat_ns: Option<f64>,
    jumps: bool,
) -> Result<f64, ParameterError> {
    let name = "points";
    if points.is_empty() {
        return Err(ParameterError::new(name, "must have at least one pair"));
    }
    let mut before: Option<f64> = None;
    for &(at_ns, value) in points {
        let point = not_negative("instant", at_ns).and(any_rate("value", value));
        point.map_err(|error| ParameterError::new(name, format!("has one whose {error}")))?;
        if before.is_some_and(|before| at_ns < before || (at_ns == before && !jumps)) {
            return Err(ParameterError::new(name, "must have instants that rise"));
        }
        before = Some(at_ns);
    }
    let Some(repeat_ns) = repeat_ns else {
        return Ok(f64::INFINITY);
    };
    turn_ns("repeat", repeat_ns)?;
    // A ramp may end in the instant of its return, and then jump.
    if before.is_some_and(|last| last > repeat_ns || (last == repeat_ns && !jumps)) {
        return Err(ParameterError::new(
            "repeat",
            "must be later than the last of `points`",
        ));
    }
    Ok(repeat_ns)
}

const REPEAT: Parameter = Parameter::optional(
    "repeat",
    Kind::Duration,
    "after so long it begins again (never)",
);

/// Every shape that a rate can have over time.
pub static CURVES: &[Row<Curve>] = &[
    Row {
        name: "constant",
        parameters: &[],
        meaning: "always the same",
        source: "",
        build: |_| Ok(Curve::constant()),
    },
    Row {
        name: "steps",
        parameters: &[
            Parameter::required(
                "points",
                Kind::Instants,
                "pairs of an instant and the value from there on",
            ),
            REPEAT,
        ],
        meaning: "one value after the other",
        source: "",
        build: |arguments| Curve::steps(arguments.pairs("points")?, arguments.optional("repeat")?),
    },
    Row {
        name: "ramps",
        parameters: &[
            Parameter::required(
                "points",
                Kind::Instants,
                "pairs of an instant and the value there",
            ),
            REPEAT,
        ],
        meaning: "straight lines between values; two of one instant make a jump",
        source: "",
        build: |arguments| Curve::ramps(arguments.pairs("points")?, arguments.optional("repeat")?),
    },
    Row {
        name: "sine",
        parameters: &[
            Parameter::required("period", Kind::Duration, "from one low to the next"),
            Parameter::required("low", Kind::Rate, "the lowest value"),
            Parameter::required("high", Kind::Rate, "the highest value"),
            Parameter::optional(
                "phase",
                Kind::Share,
                "share of the period that is over at the start; 0 is lowest (0)",
            ),
        ],
        meaning: "up and down as days and nights do",
        source: "",
        build: |arguments| {
            Curve::sine(
                arguments.number("period")?,
                arguments.number("low")?,
                arguments.number("high")?,
                arguments.optional("phase")?.unwrap_or(0.0),
            )
        },
    },
];
