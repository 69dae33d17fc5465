//! Work shared out to threads: how many there are, and who does what.
//!
//! Whatever is made this way is the same for any number of threads: parts don't depend on it, or don't matter, and
//! results come in the order of the tasks.

use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{available_parallelism, scope};

/// How many threads this machine runs at a time.
pub fn available() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// How many threads are worth having where memory is what is waited for: at most 8.
pub fn for_memory() -> usize {
    available().min(8)
}

/// What `work` makes of each task, in the order of the tasks. Up to `threads` threads, this one among them, take one
/// after the other, each with a memory of its own.
///
/// A panic of `work` ends the others after the tasks that they have, and goes on here.
pub fn share<T: Send, M, R: Send>(
    threads: usize,
    tasks: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator + Send>,
    memory: impl Fn() -> M + Sync,
    work: impl Fn(&mut M, T) -> R + Sync,
) -> Vec<R> {
    let tasks = tasks.into_iter();
    let count = tasks.len();
    let tasks = Mutex::new(tasks.enumerate());
    let mut made = Vec::with_capacity(count);
    made.resize_with(count, || None);
    let made = Mutex::new(made);
    on(threads.min(count), &|| {
        let mut memory = memory();
        loop {
            let next = lock(&tasks).next();
            let Some((place, task)) = next else {
                return;
            };
            let result = work(&mut memory, task);
            lock(&made)[place] = Some(result);
        }
    });
    let mut results = Vec::with_capacity(count);
    for made in made.into_inner().unwrap_or_else(PoisonError::into_inner) {
        results.push(made.expect("every task was taken, and no work panicked"));
    }
    results
}

/// Poisoned or not, what is in it is whole: nothing panics while it is locked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `work` on each of `threads` threads, this one among them. What it runs is behind a pointer, here and in
/// [`beside`]: compiled for each kind of work anew, starting threads was a tenth of the code of training.
fn on(threads: usize, work: &(dyn Fn() + Sync)) {
    scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        work();
        for other in others {
            other.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
    });
}

/// What `work` makes of each part of `0..length`: one part a thread, or one for all if they are few.
pub fn in_parts<T: Send>(length: usize, work: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
    const FEW: usize = 1 << 18;
    let threads = for_memory();
    let part = length.div_ceil(threads).max(FEW);
    let part = |number: usize| number * part..length.min((number + 1) * part);
    let parts: Vec<_> = (0..threads)
        .map(part)
        .take_while(|part| part.start < length)
        .collect();
    share(threads, parts, || (), |(), part| work(part))
}

/// Where the first number is that isn't finite.
pub fn not_finite(values: &[f32]) -> Option<usize> {
    let bad = in_parts(values.len(), |part| {
        let is_bad = |value: &f32| !value.is_finite();
        let own = &values[part.clone()];
        // Without a way out in the midst it is looked for by vectors.
        match own.iter().fold(false, |some, value| some | is_bad(value)) {
            true => own.iter().position(is_bad).map(|at| part.start + at),
            false => None,
        }
    });
    bad.into_iter().flatten().next()
}

/// Two results, on two threads where there are two.
pub fn join<A: Send, B: Send>(
    threads: usize,
    a: impl FnOnce() -> A + Send,
    b: impl FnOnce() -> B + Send,
) -> (A, B) {
    if threads < 2 {
        return (a(), b());
    }
    let (mut a, mut b) = (Some(a), Some(b));
    let (mut made_a, mut made_b) = (None, None);
    beside(&mut || made_a = a.take().map(|a| a()), &mut || {
        made_b = b.take().map(|b| b())
    });
    made_a.zip(made_b).expect("both were run")
}

/// Runs `a` on a thread of its own, and `b` here.
fn beside(a: &mut (dyn FnMut() + Send), b: &mut dyn FnMut()) {
    scope(|scope| {
        let a = scope.spawn(a);
        b();
        a.join().unwrap_or_else(|panic| resume_unwind(panic));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_is_done_once_and_results_keep_their_order_for_any_number_of_threads() {
        for threads in [0, 1, 2, 7] {
            for count in [0, 1, 5, 300] {
                let done = share(
                    threads,
                    0..count,
                    || 0,
                    |mine: &mut usize, task| {
                        *mine += 1;
                        (task, *mine)
                    },
                );
                assert!(done.iter().map(|(task, _)| *task).eq(0..count));
                let first = done.iter().filter(|(_, nth)| *nth == 1).count();
                assert!(first <= threads.max(1), "{first} memories for {threads}");
            }
        }
    }

    #[test]
    fn parts_cover_everything_once() {
        for length in [0, 1, (1 << 18) + 1, 5 << 18] {
            let parts = in_parts(length, |part| part);
            assert!(parts.into_iter().flatten().eq(0..length));
        }
    }

    #[test]
    fn the_first_number_that_is_not_finite_is_found_in_any_part() {
        let last = 5 << 18;
        for at in [0, 13, 1 << 18, last] {
            let mut values = vec![0.5; last + 1];
            assert_eq!(not_finite(&values), None);
            values[last] = f32::NAN;
            values[at] = f32::INFINITY;
            assert_eq!(not_finite(&values), Some(at));
        }
    }

    #[test]
    fn a_panic_of_one_thread_is_a_panic_of_the_caller() {
        let work = |(): &mut (), task| assert!(task != 3, "task {task}");
        let run = || share(2, 0..50, || (), work);
        let panic = std::panic::catch_unwind(run).unwrap_err();
        assert_eq!(panic.downcast_ref::<String>().unwrap(), "task 3");
        assert_eq!(join(2, || 1, || 2), (1, 2));
    }
}
