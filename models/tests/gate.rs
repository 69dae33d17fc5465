//! Where threads meet, in every order of what they do.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use models::gate::Gate;

/// Runs `work` on so many threads, in every order.
fn model(threads: usize, work: impl Fn(&Gate, usize) + Send + Sync + Copy + 'static) {
    let mut builder = loom::model::Builder::new();
    // More switches find nothing that these don't (Musuvathi and Qadeer 2007), and take days.
    builder.preemption_bound = Some(3);
    builder.check(move || {
        let gate = Arc::new(Gate::new(threads));
        let others: Vec<_> = (1..threads)
            .map(|thread| {
                let gate = gate.clone();
                thread::spawn(move || work(&gate, thread))
            })
            .collect();
        work(&gate, 0);
        for other in others {
            other.join().unwrap();
        }
    });
}

#[test]
fn nobody_passes_before_everybody_came_and_all_see_what_was_written_before() {
    loom::lazy_static! {
        static ref CAME: AtomicUsize = AtomicUsize::new(0);
        static ref ACTED: AtomicUsize = AtomicUsize::new(0);
    }
    model(2, |gate, _| {
        for round in 1..=2 {
            CAME.fetch_add(1, Ordering::Relaxed);
            gate.pass(|| {
                // Alone: a load and a store do.
                ACTED.store(ACTED.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            });
            assert!(CAME.load(Ordering::Relaxed) >= 2 * round);
            assert!(ACTED.load(Ordering::Relaxed) >= round);
        }
    });
}

#[test]
fn three_threads_pass_whoever_sleeps() {
    loom::lazy_static! {
        static ref CAME: AtomicUsize = AtomicUsize::new(0);
    }
    model(3, |gate, _| {
        CAME.fetch_add(1, Ordering::Relaxed);
        gate.pass(|| assert_eq!(CAME.load(Ordering::Relaxed), 3));
        assert_eq!(CAME.load(Ordering::Relaxed), 3);
    });
}
