//! The kernel's guarantees, one test each.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use super::*;

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// A kernel whose jobs are boxed futures, and a diary of what happened when.
#[derive(Clone)]
struct World {
    kernel: Rc<Kernel>,
    spawner: Rc<Spawner<(Label, Task)>>,
    diary: Rc<RefCell<Vec<(Nanoseconds, &'static str)>>>,
}

impl World {
    fn new() -> Self {
        Self {
            kernel: Rc::new(Kernel::new()),
            spawner: Rc::default(),
            diary: Rc::default(),
        }
    }

    fn spawn(&self, kind: &'static str, task: impl Future<Output = ()> + 'static) {
        self.spawner
            .spawn(&self.kernel, (Label { kind, number: 1 }, Box::pin(task)));
    }

    fn note(&self, what: &'static str) {
        self.diary.borrow_mut().push((self.kernel.now(), what));
    }

    fn run(&self) -> Result<bool, Deadlock> {
        let mut executor = Executor::new(|job: (Label, Task)| job);
        executor.run_until(&self.kernel, &self.spawner, 1_000_000)
    }

    fn diary(&self) -> Vec<(Nanoseconds, &'static str)> {
        self.diary.borrow().clone()
    }
}

/// Spawns a task that has the world at hand.
macro_rules! task {
    ($world:expr, $kind:literal, |$inner:ident| $body:expr) => {{
        let $inner = $world.clone();
        $world.spawn($kind, async move { $body });
    }};
}

#[test]
fn events_of_one_instant_run_in_the_order_in_which_they_were_scheduled() {
    let world = World::new();
    task!(world, "a", |w| {
        w.kernel.sleep(10).await;
        w.note("a");
        // Scheduled now, at 10: after b's timer of the same instant, which was set at 0.
        let inner = w.clone();
        w.spawn("c", async move { inner.note("c") });
    });
    task!(world, "b", |w| {
        w.kernel.sleep(10).await;
        w.note("b");
    });
    assert_eq!(world.run(), Ok(false));
    assert_eq!(world.diary(), [(10, "a"), (10, "b"), (10, "c")]);
}

#[test]
fn whoever_is_woken_runs_after_the_one_that_woke_it_has_paused() {
    let world = World::new();
    let broadcast = Rc::new(Broadcast::new(world.kernel.clone()));
    let id = broadcast.open();
    let waiting = broadcast.clone();
    task!(world, "waiter", |w| {
        assert_eq!(waiting.receive(id).await, Some(5));
        w.note("woken");
    });
    task!(world, "sender", |w| {
        w.kernel.sleep(3).await;
        broadcast.close(id, Some(5));
        w.kernel.sleep_until(3).await;
        w.note("sender goes on without waiting");
    });
    assert_eq!(world.run(), Ok(false));
    assert_eq!(
        world.diary(),
        [(3, "sender goes on without waiting"), (3, "woken")]
    );
}

#[test]
fn a_run_stops_before_its_end_and_goes_on_from_there() {
    let world = World::new();
    task!(world, "a", |w| {
        w.kernel.sleep(100).await;
        w.note("at the end");
    });
    let mut executor = Executor::new(|job: (Label, Task)| job);
    assert_eq!(
        executor.run_until(&world.kernel, &world.spawner, 100),
        Ok(true)
    );
    assert_eq!(
        (world.kernel.now(), world.diary().len(), executor.live()),
        (100, 0, 1)
    );
    assert_eq!(
        executor.run_until(&world.kernel, &world.spawner, 101),
        Ok(false)
    );
    assert_eq!(world.diary(), [(100, "at the end")]);
    assert_eq!(executor.live(), 0);
}

#[test]
fn stop_ends_the_run_whatever_is_left() {
    let world = World::new();
    task!(world, "stopper", |w| {
        w.kernel.sleep(5).await;
        w.kernel.stop();
    });
    task!(world, "left", |w| {
        w.kernel.sleep(6).await;
        w.note("never");
    });
    assert_eq!(world.run(), Ok(false));
    assert_eq!((world.kernel.now(), world.diary()), (5, vec![]));
}

#[test]
fn servers_are_given_in_the_order_of_asking() {
    let world = World::new();
    let resource = Rc::new(Resource::new(world.kernel.clone(), 2, None));
    for name in ["first", "second", "third", "fourth"] {
        let (inner, resource) = (world.clone(), resource.clone());
        world.spawn(name, async move {
            let _permit = resource.acquire().await.unwrap();
            inner.note(name);
            inner.kernel.sleep(10).await;
        });
    }
    assert_eq!(world.run(), Ok(false));
    assert_eq!(
        world.diary(),
        [(0, "first"), (0, "second"), (10, "third"), (10, "fourth")]
    );
    let usage = resource.usage();
    assert_eq!((usage.busy_area_ns, usage.queue_area_ns), (40, 20));
    assert_eq!(
        (usage.inflight_max, usage.queue_max, usage.refused),
        (4, 2, 0)
    );
}

#[test]
fn a_full_queue_refuses_at_once() {
    let world = World::new();
    let resource = Rc::new(Resource::new(world.kernel.clone(), 1, Some(1)));
    for name in ["served", "queued", "refused"] {
        let (inner, resource) = (world.clone(), resource.clone());
        world.spawn(name, async move {
            match resource.acquire().await {
                Ok(_permit) => inner.kernel.sleep(10).await,
                Err(refused) => {
                    assert_eq!(refused, Refused::Full);
                    inner.note(name);
                }
            }
        });
    }
    assert_eq!(world.run(), Ok(false));
    assert_eq!(world.diary(), [(0, "refused")]);
    assert_eq!(resource.usage().refused, 1);
}

#[test]
fn a_waiter_that_gives_up_leaves_the_queue() {
    let world = World::new();
    let resource = Rc::new(Resource::new(world.kernel.clone(), 1, None));
    let (holding, impatient, patient) = (resource.clone(), resource.clone(), resource.clone());
    task!(world, "holder", |w| {
        let _permit = holding.acquire().await;
        w.kernel.sleep(10).await;
    });
    task!(world, "impatient", |w| {
        assert!(w.kernel.timeout(4, impatient.acquire()).await.is_err());
        w.note("gave up");
    });
    task!(world, "patient", |w| {
        let _permit = patient.acquire().await;
        w.note("served");
    });
    assert_eq!(world.run(), Ok(false));
    assert_eq!(world.diary(), [(4, "gave up"), (10, "served")]);
    assert_eq!((resource.busy(), resource.queued()), (0, 0));
}

#[test]
fn a_permit_that_was_just_given_to_a_waiter_that_is_dropped_goes_to_the_next() {
    let world = World::new();
    let resource = Rc::new(Resource::new(world.kernel.clone(), 1, None));
    let (holding, dropped, next) = (resource.clone(), resource.clone(), resource.clone());
    task!(world, "holder", |w| {
        let permit = holding.acquire().await;
        w.kernel.sleep(10).await;
        drop(permit);
    });
    task!(world, "dropped", |w| {
        // At 10 the holder's timer comes first and grants the permit; the wake-up for it is queued
        // behind this sleep's own timer, which ends the race and drops the permit unseen.
        let sleep = w.kernel.sleep(10);
        match race(sleep, dropped.acquire()).await {
            Either::Left(()) => w.note("gave up"),
            Either::Right(_) => w.note("served in time"),
        }
    });
    task!(world, "next", |w| {
        let _permit = next.acquire().await;
        w.note("next");
    });
    assert_eq!(world.run(), Ok(false));
    assert_eq!(world.diary(), [(10, "gave up"), (10, "next")]);
    assert_eq!((resource.busy(), resource.queued()), (0, 0));
}

#[test]
fn work_that_was_spawned_outlives_who_asked_for_it() {
    let world = World::new();
    task!(world, "asker", |w| {
        let inner = w.clone();
        let work = async move {
            inner.kernel.sleep(50).await;
            inner.note("done all the same");
        };
        w.kernel.spawn(
            Label {
                kind: "work",
                number: 2,
            },
            work,
        );
        w.note("gone");
    });
    assert_eq!(world.run(), Ok(false));
    assert_eq!(world.diary(), [(0, "gone"), (50, "done all the same")]);
}

#[test]
fn join_waits_for_both_and_race_for_the_first() {
    let world = World::new();
    task!(world, "a", |w| {
        let slow = async {
            w.kernel.sleep(7).await;
            7
        };
        let fast = async {
            w.kernel.sleep(3).await;
            3
        };
        assert_eq!(join(slow, fast).await, (7, 3));
        w.note("joined");
        let first = race(w.kernel.sleep(9), w.kernel.sleep(2)).await;
        assert_eq!(first, Either::Right(()));
        w.note("raced");
    });
    assert_eq!(world.run(), Ok(false));
    assert_eq!(world.diary(), [(7, "joined"), (9, "raced")]);
}

#[test]
fn a_timer_of_a_task_that_is_gone_wakes_nobody() {
    let world = World::new();
    task!(world, "leaves a timer", |w| {
        let _ = race(w.kernel.sleep(1), w.kernel.sleep(5)).await;
    });
    task!(world, "starts later", |w| {
        w.kernel.sleep(2).await;
        let inner = w.clone();
        // Takes the slot of the task above; its timer at 5 must not reach the newcomer.
        let polls = Rc::new(Cell::new(0));
        let counted = polls.clone();
        w.spawn("newcomer", async move {
            let mut sleep = std::pin::pin!(inner.kernel.sleep(10));
            std::future::poll_fn(|context| {
                counted.set(counted.get() + 1);
                sleep.as_mut().poll(context)
            })
            .await;
        });
        w.kernel.sleep(20).await;
        assert_eq!(polls.get(), 2);
        w.note("checked");
    });
    assert_eq!(world.run(), Ok(false));
    assert_eq!(world.diary(), [(22, "checked")]);
}

/// Counts how often it is polled.
fn counted<T>(polls: &Cell<u32>, future: impl Future<Output = T>) -> impl Future<Output = T> {
    let mut future = Box::pin(future);
    std::future::poll_fn(move |context| {
        polls.set(polls.get() + 1);
        future.as_mut().poll(context)
    })
}

#[test]
fn whoever_awaits_a_part_is_polled_again_when_it_has_ended_and_goes_on_at_once() {
    let world = World::new();
    task!(world, "whole", |w| {
        let polls = Cell::new(0);
        let inner = w.clone();
        let part = w.kernel.apart(|| async move {
            for _ in 0..3 {
                inner.kernel.sleep(10).await;
            }
            let innermost = inner.kernel.apart(|| inner.kernel.sleep(5));
            innermost.await;
            inner.note("part");
            7
        });
        assert_eq!(counted(&polls, part).await, 7);
        assert_eq!(polls.get(), 2);
        w.note("whole");
    });
    assert_eq!(world.run(), Ok(false));
    assert_eq!(world.diary(), [(35, "part"), (35, "whole")]);
    // The start and four timers.
    assert_eq!(world.kernel.events(), 5);
}

/// A part is dropped before its timer at 10 comes, and another one takes its place.
fn replace_a_part<F: Future<Output = ()>>(dropped: impl FnOnce(World) -> F + 'static) {
    let world = World::new();
    task!(world, "whole", |w| {
        let part = w.kernel.apart(|| dropped(w.clone()));
        assert_eq!(w.kernel.timeout(4, part).await, Err(TimedOut));
        // The timer at 10 is not for this one.
        let polls = Cell::new(0);
        let part = w.kernel.apart(|| counted(&polls, w.kernel.sleep(20)));
        part.await;
        assert_eq!(polls.get(), 2);
        w.note("done");
    });
    assert_eq!(world.run(), Ok(false));
    assert_eq!(world.diary(), [(24, "done")]);
}

#[test]
fn a_part_is_dropped_with_whoever_awaits_it_and_nobody_takes_its_timers_for_theirs() {
    replace_a_part(|w| async move {
        w.kernel.sleep(10).await;
        w.note("never");
    });
}

#[test]
fn a_part_finds_at_hand_what_was_carried_when_it_began() {
    let world = World::new();
    task!(world, "whole", |w| {
        let carried = w.kernel.carried();
        let begin = |burden: u64| {
            let (kernel, carried) = (w.kernel.clone(), w.kernel.carried());
            let mut part = Box::pin(async move {
                let look = || carried.get();
                kernel
                    .apart(|| async {
                        kernel.sleep(burden).await;
                        look()
                    })
                    .await
            });
            let begun = w.kernel.carried();
            async move {
                std::future::poll_fn(move |context| {
                    let before = begun.replace(Some([burden, 0]));
                    let progress = part.as_mut().poll(context);
                    begun.set(before);
                    progress
                })
                .await
            }
        };
        let found = join(begin(5), begin(3)).await;
        assert_eq!(found, (Some([5, 0]), Some([3, 0])));
        assert_eq!(carried.get(), None);
        w.note("done");
    });
    assert_eq!(world.run(), Ok(false));
    assert_eq!(world.diary(), [(5, "done")]);
}

#[test]
fn a_broadcast_reaches_all_who_wait_and_its_channel_is_used_again() {
    let world = World::new();
    let broadcast = Rc::new(Broadcast::new(world.kernel.clone()));
    let id = broadcast.open();
    for name in ["one", "two"] {
        let (inner, broadcast) = (world.clone(), broadcast.clone());
        world.spawn(name, async move {
            assert_eq!(broadcast.receive(id).await, Some("news"));
            inner.note(name);
        });
    }
    let sending = broadcast.clone();
    task!(world, "sender", |w| {
        w.kernel.sleep(4).await;
        assert_eq!(sending.receivers(id), 2);
        sending.close(id, Some("news"));
    });
    assert_eq!(world.run(), Ok(false));
    assert_eq!(world.diary(), [(4, "one"), (4, "two")]);
    assert_eq!(broadcast.open(), id);
}

#[test]
fn a_deadlock_names_the_tasks_that_wait() {
    let world = World::new();
    let broadcast: Rc<Broadcast<()>> = Rc::new(Broadcast::new(world.kernel.clone()));
    let id = broadcast.open();
    task!(world, "request", |w| {
        w.kernel.sleep(3).await;
        broadcast.receive(id).await;
    });
    let deadlock = world.run().unwrap_err();
    assert_eq!(deadlock.at_ns, 3);
    assert_eq!(
        deadlock.to_string(),
        "at 3 ns nothing is left to happen, but 1 tasks wait: request 1"
    );
}

#[test]
fn a_thousand_contending_tasks_leave_the_same_diary_twice() {
    let diary = || {
        let world = World::new();
        let resource = Rc::new(Resource::new(world.kernel.clone(), 3, Some(50)));
        let stream = crate::random::Luck::new(1, 0).stream("test");
        for number in 0..1000 {
            let (inner, resource) = (world.clone(), resource.clone());
            world.spawn("request", async move {
                let mut draws = stream.at(number);
                inner.kernel.sleep(draws.below(2000)).await;
                let wait = draws.below(40);
                match inner.kernel.timeout(wait, resource.acquire()).await {
                    Ok(Ok(_permit)) => {
                        inner.kernel.sleep(draws.below(20)).await;
                        inner.note("served");
                    }
                    Ok(Err(Refused::Full | Refused::Late)) => inner.note("refused"),
                    Err(TimedOut) => inner.note("timed out"),
                }
            });
        }
        assert_eq!(world.run(), Ok(false));
        assert_eq!((resource.busy(), resource.queued()), (0, 0));
        assert_eq!(world.diary().len(), 1000);
        world.diary()
    };
    let first = diary();
    assert_eq!(first, diary());
    for outcome in ["served", "timed out"] {
        assert!(
            first.iter().any(|entry| entry.1 == outcome),
            "none {outcome}"
        );
    }
}

/// Five who come 1 ns apart while the only server is busy until 100: who is served, and who is
/// turned away, in the order in which that is known. Each is served for 10 ns.
fn order(discipline: Discipline) -> Vec<(Nanoseconds, &'static str)> {
    let world = World::new();
    let kernel = world.kernel.clone();
    let resource = Resource::with_discipline(kernel, 1, None, Some(discipline));
    let resource = Rc::new(resource);
    let late = ["", "a late", "b late", "c late", "d late"];
    for (number, name) in ["first", "a", "b", "c", "d"].into_iter().enumerate() {
        let (inner, resource) = (world.clone(), resource.clone());
        world.spawn(name, async move {
            inner
                .kernel
                .sleep(if number > 2 {
                    60 + number as u64
                } else {
                    number as u64
                })
                .await;
            match resource.acquire().await {
                Ok(_permit) => {
                    inner.note(name);
                    inner.kernel.sleep(if number == 0 { 100 } else { 10 }).await;
                }
                Err(refused) => {
                    assert_eq!(refused, Refused::Late);
                    inner.note(late[number]);
                }
            }
        });
    }
    assert_eq!(world.run(), Ok(false));
    let late = world
        .diary()
        .iter()
        .filter(|it| it.1.ends_with("late"))
        .count();
    let usage = resource.usage();
    assert_eq!((usage.refused, usage.late), (0, late as u64));
    assert_eq!((resource.busy(), resource.queued()), (0, 0));
    world.diary()
}

#[test]
fn under_overload_the_newest_may_be_served_first() {
    let lifo = |interval_ns| Discipline {
        interval_ns,
        newest_first: true,
        target_ns: None,
    };
    let fifo = [(0, "first"), (100, "a"), (110, "b"), (120, "c"), (130, "d")];
    assert_eq!(order(lifo(1000)), fifo, "no overload yet");
    let newest = [(0, "first"), (100, "d"), (110, "c"), (120, "b"), (130, "a")];
    assert_eq!(order(lifo(50)), newest);
}

#[test]
fn who_has_waited_for_too_long_is_turned_away_when_its_turn_comes() {
    let codel = |interval_ns, target_ns| Discipline {
        interval_ns,
        newest_first: false,
        target_ns: Some(target_ns),
    };
    // Overloaded at 100: a and b have waited for 99 and 98 ns, c and d for 37 and 36.
    assert_eq!(
        order(codel(90, 50)),
        [
            (0, "first"),
            (100, "a late"),
            (100, "b late"),
            (100, "c"),
            (110, "d")
        ]
    );
    // Nobody is left for the server: it is free.
    let all_late = ["first", "a late", "b late", "c late", "d late"];
    let names: Vec<&str> = order(codel(98, 1)).iter().map(|it| it.1).collect();
    assert_eq!(names, all_late);
    // Without overload, the interval is what is too long.
    let nobody = order(codel(1000, 1));
    assert!(nobody.iter().all(|it| !it.1.ends_with("late")));
}

/// Waits as a leaf does that says that whoever awaits it will probably be at an end then.
fn last(kernel: &Kernel, until_ns: Nanoseconds) -> impl Future<Output = ()> {
    let mut has_begun = false;
    std::future::poll_fn(move |_| {
        let waits = if has_begun {
            kernel.now() < until_ns
        } else {
            has_begun = true;
            kernel.wake_at_last(until_ns)
        };
        match waits {
            true => std::task::Poll::Pending,
            false => std::task::Poll::Ready(()),
        }
    })
}

#[test]
fn a_part_that_was_said_to_be_at_an_end_may_go_on() {
    let world = World::new();
    task!(world, "whole", |w| {
        let inner = w.clone();
        let part = w.kernel.apart(|| async move {
            last(&inner.kernel, 10).await;
            inner.note("goes on");
            last(&inner.kernel, 20).await;
            let innermost = inner.kernel.apart(|| last(&inner.kernel, 30));
            innermost.await;
            inner.note("part");
        });
        part.await;
        // Of no part.
        last(&w.kernel, 40).await;
        w.note("whole");
    });
    assert_eq!(world.run(), Ok(false));
    let expected = [(10, "goes on"), (30, "part"), (40, "whole")];
    assert_eq!(world.diary(), expected);
}

#[test]
fn nobody_takes_the_last_timer_of_a_part_that_was_dropped_for_theirs() {
    replace_a_part(|w| async move {
        last(&w.kernel, 10).await;
        w.note("never");
    });
}

#[test]
fn one_of_several_futures_is_awaited_as_itself() {
    let world = World::new();
    task!(world, "chooser", |w| {
        for choice in 0..3 {
            let sleep = w.kernel.sleep(10);
            let future = match choice {
                0 => OneOf::First(sleep),
                1 => OneOf::Second(std::future::ready(())),
                _ => OneOf::Third(w.kernel.sleep(5)),
            };
            future.await;
            w.note("awaited");
        }
    });
    assert_eq!(world.run(), Ok(false));
    let expected = [(10, "awaited"), (10, "awaited"), (15, "awaited")];
    assert_eq!(world.diary(), expected);
}
