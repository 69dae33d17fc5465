//! Loops over slices side by side, four turns written out where that is faster.
//!
//! A compiler unrolls such loops by itself, but where a program is linked as one (`lto = "fat"`) only at the end, by the
//! opt-level of the program: a firmware at `s` or `z` would have core's loops a turn at a time, whatever core's level is.

/// Calls `f` with each of `to` and its neighbour in `from`, in order, as long as both last.
#[inline(always)]
pub(crate) fn each<A, B>(to: &mut [A], from: &[B], mut f: impl FnMut(&mut A, &B)) {
    #[cfg(unrolled)]
    let (to, from) = {
        let length = to.len().min(from.len());
        let (fours, rest) = to.get_mut(..length).unwrap_or_default().as_chunks_mut();
        let (others, other_rest) = from.get(..length).unwrap_or_default().as_chunks();
        for ([a, b, c, d], [of_a, of_b, of_c, of_d]) in fours.iter_mut().zip(others) {
            f(a, of_a);
            f(b, of_b);
            f(c, of_c);
            f(d, of_d);
        }
        (rest, other_rest)
    };
    for (to, from) in to.iter_mut().zip(from) {
        f(to, from);
    }
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
        let (fours, rest) = to.get_mut(..length).unwrap_or_default().as_chunks_mut();
        let (froms, rest_from) = from.get(..length).unwrap_or_default().as_chunks();
        let (ands, rest_and) = and.get(..length).unwrap_or_default().as_chunks();
        let others = froms.iter().zip(ands);
        for ([a, b, c, d], ([from_a, from_b, from_c, from_d], [and_a, and_b, and_c, and_d])) in
            fours.iter_mut().zip(others)
        {
            f(a, from_a, and_a);
            f(b, from_b, and_b);
            f(c, from_c, and_c);
            f(d, from_d, and_d);
        }
        (rest, rest_from, rest_and)
    };
    for ((to, from), and) in to.iter_mut().zip(from).zip(and) {
        f(to, from, and);
    }
}

/// As [`each`], for two slices that are only read.
#[inline(always)]
pub(crate) fn both<A, B>(a: &[A], b: &[B], mut f: impl FnMut(&A, &B)) {
    #[cfg(unrolled)]
    let (a, b) = {
        let length = a.len().min(b.len());
        let (fours, rest) = a.get(..length).unwrap_or_default().as_chunks();
        let (others, other_rest) = b.get(..length).unwrap_or_default().as_chunks();
        for ([a, b, c, d], [of_a, of_b, of_c, of_d]) in fours.iter().zip(others) {
            f(a, of_a);
            f(b, of_b);
            f(c, of_c);
            f(d, of_d);
        }
        (rest, other_rest)
    };
    for (a, b) in a.iter().zip(b) {
        f(a, b);
    }
}
