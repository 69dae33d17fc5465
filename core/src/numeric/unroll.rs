//! Loops over slices side by side, four turns written out where that is faster.
//!
//! A compiler unrolls such loops by itself, but where a program is linked as one (`lto = "fat"`) only at the end, by the
//! opt-level of the program: in a firmware at `s` or `z` core's loops would go turn by turn, whatever core's own level is.
//! Written out, they cost the same in both.

/// Does nothing. A compiler doesn't unroll a loop that has it, which is unrolled already.
#[cfg(unrolled)]
#[inline(always)]
#[allow(unsafe_code)]
fn once_a_turn() {
    // SAFETY: there is no instruction in it.
    unsafe { core::arch::asm!("", options(nomem, nostack, preserves_flags)) }
}

/// Calls `f` with each of `to` and its neighbour in `from`, in order, as long as both last.
#[inline(always)]
pub(crate) fn each<A, B>(to: &mut [A], from: &[B], mut f: impl FnMut(&mut A, &B)) {
    each_of_two(to, from, from, |to, from, _| f(to, from));
}

/// Calls `f` with each of `all`, in order.
#[inline(always)]
pub(crate) fn all<T>(all: &mut [T], f: impl FnMut(&mut T)) {
    #[cfg(unrolled)]
    let mut f = f;
    #[cfg(unrolled)]
    let all = {
        let (fours, all) = all.as_chunks_mut();
        for [a, b, c, d] in fours {
            once_a_turn();
            f(a);
            f(b);
            f(c);
            f(d);
        }
        all
    };
    last(all.iter_mut(), f);
}

/// The same with two neighbours.
#[inline(always)]
pub(crate) fn each_of_two<A, B, C>(
    to: &mut [A],
    from: &[B],
    and: &[C],
    mut f: impl FnMut(&mut A, &B, &C),
) {
    #[cfg(unrolled)]
    let (to, from, and) = {
        let length = to.len().min(from.len()).min(and.len());
        let (tos, to) = to.get_mut(..length).unwrap_or_default().as_chunks_mut();
        let (froms, from) = from.get(..length).unwrap_or_default().as_chunks();
        let (ands, and) = and.get(..length).unwrap_or_default().as_chunks();
        let others = froms.iter().zip(ands);
        for ([to_a, to_b, to_c, to_d], ([a, b, c, d], [and_a, and_b, and_c, and_d])) in
            tos.iter_mut().zip(others)
        {
            once_a_turn();
            f(to_a, a, and_a);
            f(to_b, b, and_b);
            f(to_c, c, and_c);
            f(to_d, d, and_d);
        }
        (to, from, and)
    };
    last(to.iter_mut().zip(from).zip(and), |((to, from), and)| {
        f(to, from, and);
    });
}

/// As [`each`], for two slices that are only read.
#[inline(always)]
pub(crate) fn both<A, B>(a: &[A], b: &[B], mut f: impl FnMut(&A, &B)) {
    #[cfg(unrolled)]
    let (a, b) = {
        let length = a.len().min(b.len());
        let (fours, a) = a.get(..length).unwrap_or_default().as_chunks();
        let (others, b) = b.get(..length).unwrap_or_default().as_chunks();
        for ([a, b, c, d], [of_a, of_b, of_c, of_d]) in fours.iter().zip(others) {
            once_a_turn();
            f(a, of_a);
            f(b, of_b);
            f(c, of_c);
            f(d, of_d);
        }
        (a, b)
    };
    last(a.iter().zip(b), |(a, b)| f(a, b));
}

/// The bits of some numbers, all of them or-ed.
#[inline(always)]
pub(crate) fn all_bits(numbers: &[f32]) -> u32 {
    let mut bits = 0;
    both(numbers, numbers, |x, _| bits |= x.to_bits());
    bits
}

/// What the fours leave: at most three turns. All of them where there are no fours.
#[inline(always)]
fn last<T>(mut rest: impl Iterator<Item = T>, mut f: impl FnMut(T)) {
    if cfg!(not(unrolled)) {
        return rest.for_each(f);
    }
    let Some(a) = rest.next() else { return };
    f(a);
    let Some(b) = rest.next() else { return };
    f(b);
    let Some(c) = rest.next() else { return };
    f(c);
}
