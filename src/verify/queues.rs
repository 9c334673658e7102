//! Queues: no tier, so that requests go straight to the database.

use super::{Check, Effort, Tolerance, metric, observation, theory};

fn scenario(seconds: f64, warmup: f64, arrivals: &str, database: &str) -> String {
    format!(
        "duration = \"{}s\"\nwarmup = \"{warmup}s\"\n\
         [workload]\narrivals = {arrivals}\nreads = 1.0\nvalue_size = \"100 B\"\n\
         keys = {{ distribution = \"uniform\", count = 1_000_000 }}\n\
         [database]\n{database}\n",
        seconds + warmup
    )
}

fn poisson(rate_per_s: f64) -> String {
    format!("{{ process = \"poisson\", rate = \"{rate_per_s}/s\" }}")
}

pub(super) fn checks(effort: Effort) -> Vec<Check> {
    vec![
        m_m_c(effort, 900.0, 10),
        m_m_c(effort, 70.0, 1),
        m_g_1(effort, "constant", "\"10ms\"", 0.0, 600.0),
        m_g_1(
            effort,
            "lognormal, σ 1",
            "{ distribution = \"lognormal\", mean = \"10ms\", sigma = 1.0 }",
            // The squared coefficient of variation of a lognormal is e^(σ²) - 1.
            std::f64::consts::E - 1.0,
            6000.0,
        ),
        m_m_c_k(effort),
        closed(effort, 50, 0.5),
        closed(effort, 200, 0.1),
        littles_law(effort),
    ]
}

/// A database of so many servers of rate 100/s under Poisson arrivals.
pub(super) fn m_m_c_scenario(rate: f64, servers: u32, seconds: f64) -> String {
    let database = format!(
        "connections = {servers}\n\
         service_time = {{ distribution = \"exponential\", mean = \"10ms\" }}"
    );
    // A queue at 90 % load forgets its empty start within a second.
    scenario(seconds, 5.0, &poisson(rate), &database)
}

/// M/M/c with servers of rate 100/s: Erlang C.
fn m_m_c(effort: Effort, rate: f64, servers: u32) -> Check {
    let service_rate = 100.0;
    let seconds = effort.seconds(5_000_000.0 / rate / 10.0);
    let queue = theory::MultiServer {
        servers,
        arrival_rate: rate,
        service_rate,
    };
    let near = Tolerance::Relative(0.03);
    Check {
        model: format!("M/M/{servers}, λ {rate}/s, μ 100/s"),
        scenario: m_m_c_scenario(rate, servers, seconds),
        replications: 10,
        comparisons: vec![
            metric(
                "P(wait)",
                "database.wait.ratio",
                queue.probability_of_wait(),
                near,
            ),
            metric(
                "mean wait, s",
                "database.wait.mean",
                queue.mean_wait(),
                near,
            ),
            metric(
                "p99 of the wait, s",
                "database.wait.p99",
                queue.wait_quantile(0.99),
                near,
            ),
            metric(
                "p99 of the response, s",
                "latency.p99",
                queue.response_quantile(0.99),
                near,
            ),
            metric(
                "utilization",
                "database.utilization",
                queue.utilization(),
                Tolerance::Interval,
            ),
        ],
    }
}

/// M/G/1 at 80 % load: Pollaczek and Khinchine.
fn m_g_1(effort: Effort, name: &str, service: &str, scv: f64, seconds: f64) -> Check {
    let (rate, mean_service_s) = (80.0, 10e-3);
    let mean_wait_s = theory::single_server_mean_wait(rate, mean_service_s, scv);
    Check {
        model: format!("M/G/1 {name}, ρ 0.8, S 10 ms"),
        scenario: scenario(
            effort.seconds(seconds * 4.0),
            20.0,
            &poisson(rate),
            &format!("connections = 1\nservice_time = {service}"),
        ),
        replications: 10,
        comparisons: vec![metric(
            "mean wait, s",
            "database.wait.mean",
            mean_wait_s,
            Tolerance::Relative(0.03),
        )],
    }
}

/// M/M/c/K: 10 servers, 50 places in the system, overloaded.
fn m_m_c_k(effort: Effort) -> Check {
    let (rate, servers, places) = (1100.0, 10, 50);
    let blocked = theory::limited_queue_rejects(servers, places, rate / 100.0);
    let database = "connections = 10\nqueue_limit = 40\n\
                    service_time = { distribution = \"exponential\", mean = \"10ms\" }";
    let near = Tolerance::Relative(0.02);
    Check {
        model: "M/M/10/50, λ 1100/s, μ 100/s".to_owned(),
        scenario: scenario(effort.seconds(400.0), 10.0, &poisson(rate), database),
        replications: 10,
        comparisons: vec![
            observation("rejected share", blocked, near, |run| {
                run["requests.rejected"] / run["requests.arrived"]
            }),
            metric("served per s", "goodput.rate", rate * (1.0 - blocked), near),
        ],
    }
}

/// Closed loop: N users who think for Z, 10 servers of 100/s.
fn closed(effort: Effort, users: u32, think_s: f64) -> Check {
    let (servers, service_s) = (10, 10e-3);
    let arrivals = format!(
        "{{ process = \"closed\", users = {users}, \
         think = {{ distribution = \"exponential\", mean = \"{}ms\" }} }}",
        think_s * 1000.0
    );
    let database = format!(
        "connections = {servers}\n\
         service_time = {{ distribution = \"exponential\", mean = \"10ms\" }}"
    );
    let system = theory::ClosedSystem {
        users,
        mean_think: think_s,
        servers,
        mean_service: service_s,
    };
    let (bound, exact) = (system.throughput_bound(), system.throughput());
    Check {
        model: format!("closed loop, N {users}, Z {think_s} s, c 10, S 10 ms"),
        scenario: scenario(
            effort.seconds(2_000_000.0 / bound / 10.0),
            20.0,
            &arrivals,
            &database,
        ),
        replications: 10,
        comparisons: vec![
            // The bound holds in expectation; a run's own think times vary by a little.
            metric(
                "X bound, /s",
                "goodput.rate",
                bound * 1.005,
                Tolerance::AtMost,
            ),
            metric("X, /s", "goodput.rate", exact, Tolerance::Relative(0.01)),
            observation(
                "R - (N/X - Z), s",
                0.0,
                Tolerance::Absolute(0.01 * think_s),
                {
                    move |run| {
                        run["latency.mean"] - (f64::from(users) / run["goodput.rate"] - think_s)
                    }
                },
            ),
        ],
    }
}

/// L = λW holds to rounding on a run that is measured from its first to its last request.
fn littles_law(effort: Effort) -> Check {
    let database = "connections = 10\nqueue_limit = 30\n\
                    service_time = { distribution = \"exponential\", mean = \"10ms\" }";
    let text = scenario(effort.seconds(120.0), 0.0, &poisson(950.0), database);
    Check {
        model: "Little's law, drained run".to_owned(),
        scenario: format!("drain = true\n{}", text.replace("queue_limit = 30\n", "")),
        replications: 10,
        comparisons: vec![observation(
            "L / λW - 1",
            0.0,
            Tolerance::Absolute(1e-9),
            |run| {
                let expected = run["requests.rate"] * run["latency.mean"];
                run["requests.concurrency"] / expected - 1.0
            },
        )],
    }
}
