use super::*;

/// A rule about a count of more than 10, which fires after so many seconds and holds on for so many.
fn rule(for_s: u64, keep_firing_for_s: u64) -> Rule {
    Rule {
        name: "stampedes".into(),
        metric: "stampede.events".into(),
        signal: Signal::find("stampede.events", &[]).unwrap(),
        condition: AlertCondition::Above(10.0),
        per_s: 60,
        for_s,
        keep_firing_for_s,
    }
}

/// What follows from these values, seen at 1 s, 2 s, ...
fn watched(rule: &Rule, values: &[f64]) -> Watched {
    let mut watch = Watch {
        window: Window::default(),
        state: State::default(),
        firings: Vec::new(),
        fired: 0,
        firing_seconds: 0,
        first_s: None,
    };
    for (second, value) in values.iter().enumerate() {
        watch.look(rule, *value, (second as u64 + 1) * SECOND_NS);
    }
    watch.finish(rule)
}

fn firing(since_s: f64, from_s: f64, until_s: Option<f64>, worst: f64) -> Firing {
    Firing {
        since_s,
        from_s,
        until_s,
        worst,
    }
}

#[test]
fn without_a_wait_an_alert_fires_at_once_and_ends_when_it_is_over() {
    let watched = watched(&rule(0, 0), &[10.0, 11.0, 30.0, 12.0, 10.0, 9.0]);
    assert_eq!(watched.alert.firings, [firing(2.0, 2.0, Some(5.0), 30.0)]);
    assert_eq!(
        (watched.fired, watched.firing_s, watched.first_s),
        (1, 3.0, 2.0)
    );
}

#[test]
fn a_condition_that_does_not_hold_for_long_enough_is_no_alert() {
    let rule = rule(3, 0);
    let short = watched(&rule, &[11.0, 11.0, 11.0, 0.0, 11.0, 11.0]);
    assert_eq!((short.fired, short.alert.firings.len()), (0, 0));
    assert!(short.first_s.is_nan());
    // The worst value may have been seen while it was still pending.
    let long = watched(&rule, &[40.0, 11.0, 11.0, 11.0, 12.0]);
    assert_eq!(long.alert.firings, [firing(1.0, 4.0, None, 40.0)]);
    assert_eq!((long.fired, long.firing_s), (1, 1.0));
}

#[test]
fn an_alert_that_is_kept_firing_bridges_short_breaks() {
    let values = [11.0, 0.0, 20.0, 0.0, 0.0, 0.0, 11.0];
    let kept = watched(&rule(0, 2), &values);
    assert_eq!(
        kept.alert.firings,
        [
            firing(1.0, 1.0, Some(6.0), 20.0),
            firing(7.0, 7.0, None, 11.0)
        ]
    );
    let flapping = watched(&rule(0, 0), &values);
    assert_eq!(flapping.fired, 3);
}

#[test]
fn what_cannot_be_said_is_no_alert_and_ends_one() {
    let below = Rule {
        condition: AlertCondition::Below(0.8),
        ..rule(0, 0)
    };
    let watched = watched(&below, &[f64::NAN, 0.7, 0.6, f64::NAN, 0.9]);
    assert_eq!(watched.alert.firings, [firing(2.0, 2.0, Some(4.0), 0.6)]);
}

#[test]
fn of_an_alert_that_flaps_all_firings_are_counted_and_the_first_are_kept() {
    let values: Vec<f64> = (0..3000)
        .map(|at| if at % 2 == 0 { 11.0 } else { 0.0 })
        .collect();
    let watched = watched(&rule(0, 0), &values);
    assert_eq!((watched.fired, watched.firing_s), (1500, 1500.0));
    assert_eq!(watched.alert.firings.len(), FIRINGS_MAX);
    assert!(
        watched
            .alert
            .firings
            .iter()
            .all(|it| it.until_s == Some(it.from_s + 1.0))
    );
}
