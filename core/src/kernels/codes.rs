//! Ranking by looking up: movies that are sums of codewords.
//!
//! ```text
//! once a user, for codeword k of book b:   t[b][k] = (bias << s) + p·q, in stars / 2^12, held to 16 bits
//! a movie of codes k_0, k_1, …:            score   = base + 2^8 Σ_b t[b][k_b], in stars / 2^20
//! ```
//!
//! A ranking makes the whole table, of 2 KB, and then a movie is a load and an addition a byte, however many dimensions
//! it has; a single prediction makes those few terms that it needs. A term is an integer and is held to its 16 bits by
//! itself, and all that is added up stays below 2^31 whatever the image and the user: base at most 2^28, four terms
//! 2^25, fame 2^28, interest 2^29. So the bits are the same either way and everywhere.
//!
//! A second table, of 1 KB, has for each confidence byte what fame gives a movie of it and the most that anybody's interest
//! could. A movie whose confidence byte is too low for it to pass the last one of the list, whatever its codes, is passed
//! over with a glance at that byte: most movies of a catalogue are known to few. What somebody looks for comes next
//! ([`seek`]), in tables that are rounded such that they only pass over movies, and the rest for those that are left.
//!
//! Before a network ([`coded`](crate::kernels::integer::coded)) a term is what the codeword adds to a bound of the network's
//! output ([`bounds`]), beside a constant, and a movie that passes by these is scored by itself.

#[cfg(feature = "codes-mlp")]
mod bounds;
mod past;
mod seek;
#[cfg(test)]
mod tests;
mod words;

#[cfg(feature = "codes-mlp")]
use crate::kernels::integer::coded::Coded;
#[cfg(feature = "codes-mlp")]
use crate::kernels::integer::{Network, UNIT_PAIRS};
use crate::kernels::integer::{ROW_PAIRS, User};
use crate::kernels::products::ROWS;
use crate::kernels::{Kernel, ran};
use crate::model::interest::{self, Interest};
use crate::model::kin::Kin;
use crate::numeric::dsp::Pair;
use crate::numeric::fixed::SCORE_BITS;
use crate::table::{Codes, EmbeddingTable, MAX_BOOKS};
#[cfg(feature = "codes-mlp")]
use bounds::Bounds;
use core::hint::black_box;
use core::ops::Range;
use past::{Left, past};
use seek::{Gate, Sought};
pub(crate) use words::Words;
#[cfg(feature = "codes-mlp")]
use words::held;

/// Bits by which a term is coarser than a score.
const COARSER: u32 = SCORE_BITS - 12;

/// A user's term of each codeword, and what a movie can get beside: 4.3 KB, or 5.2 KB with the DSP extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lookup {
    terms: [[i16; 256]; MAX_BOOKS],
    /// What is sought.
    gate: Gate,
    /// What fame gives a movie of each confidence byte, and as much as any interest could.
    most: [i32; 256],
    /// The most that the terms of any movie's codes add up to, as a score.
    top: i32,
    /// A movie of a lower confidence byte can't be above this bar, the base apart.
    least: u32,
    bar: i32,
    /// The key that a movie must pass to enter the list; the lowest one also where it isn't known.
    pub(crate) list: i32,
    /// What a network's bound has beside its terms, as a score.
    #[cfg(feature = "codes-mlp")]
    constant: i64,
    /// 1 where they are anybody's. Nobody's are zeros throughout, so that they are made where they stay.
    made: u32,
}

impl Lookup {
    /// Nobody's.
    pub(crate) const NONE: Self = Self {
        terms: [[0; 256]; MAX_BOOKS],
        gate: Gate::NONE,
        most: [0; 256],
        top: 0,
        least: 0,
        bar: 0,
        list: 0,
        #[cfg(feature = "codes-mlp")]
        constant: 0,
        made: 0,
    };

    /// Makes them nobody's again.
    pub(crate) fn clear(&mut self) {
        self.made = 0;
    }

    /// Whether they are anybody's.
    #[inline(always)]
    pub(crate) fn is_made(&self) -> bool {
        self.made != 0
    }

    /// Makes them a user's. Costs a product of vectors a codeword.
    #[inline(never)]
    pub(crate) fn fill(&mut self, user: &User, words: &Words<'_>, ranked: &Ranked<'_>) {
        self.made = 1;
        self.list = i32::MIN;
        #[cfg(feature = "codes-mlp")]
        match words.network {
            None => self.make(user, words, &ranked.codes),
            Some(network) => self.bound(user, words, network, &ranked.codes),
        }
        #[cfg(not(feature = "codes-mlp"))]
        self.make(user, words, &ranked.codes);
        if let Some((_, interest)) = ranked.interest {
            self.gate.take(interest.terms().lacks());
        }
        self.top = self.highest(&ranked.codes);
        self.least = 0;
        self.bar = i32::MIN;
        for (most, known) in self.most.iter_mut().zip(0..=u8::MAX) {
            *most = ranked.most(known);
        }
    }

    /// Takes note of a bar, the base apart: movies of low confidence bytes may be out of its reach from then on.
    #[inline(never)]
    fn rise(&mut self, bar: i32) {
        if bar < self.bar {
            self.least = 0;
        }
        self.bar = bar;
        while let Some(most) = self.most.get(self.least as usize)
            && most.wrapping_add(self.top) <= bar
        {
            self.least = self.least.wrapping_add(1);
        }
    }

    /// Which confidence bytes are passed over, as assembly has it: the largest of them, four times, without the DSP extension
    /// the least that isn't, and 1 in each byte where none is. `None` where all are.
    #[cfg(any(cortex_m_dsp, cortex_m_base))]
    fn passed_over(&self) -> Option<(u32, u32)> {
        let least = u8::try_from(self.least).ok()?;
        let below = match cfg!(cortex_m_dsp) {
            true => u32::from(least.saturating_sub(1)).wrapping_mul(0x0101_0101),
            false => least.into(),
        };
        Some((below, if least == 0 { 0x0101_0101 } else { 0 }))
    }

    #[inline(never)]
    fn make(&mut self, user: &User, words: &Words<'_>, codes: &Codes<'_>) {
        let rows = match codes.codewords.is_multiple_of(ROWS) {
            true => words.rows.as_ref().and_then(EmbeddingTable::quads),
            false => None,
        };
        let mut at = 0_usize;
        let mut place = [0; ROW_PAIRS];
        for terms in self.terms.iter_mut().take(codes.books) {
            let terms = terms.get_mut(..codes.codewords).unwrap_or_default();
            if let Some(rows) = rows {
                words.terms_by_bytes(user, rows, at, terms);
                at = at.wrapping_add(terms.len());
                continue;
            }
            for term in terms {
                *term = words.term(user, at, &mut place);
                at = at.wrapping_add(1);
            }
        }
    }

    /// As [`make`](Self::make), of a model with a network: of each codeword what it adds to a bound.
    #[cfg(feature = "codes-mlp")]
    #[inline(never)]
    fn bound(
        &mut self,
        user: &User,
        words: &Words<'_>,
        (network, coded): (&Network<'_>, &Coded<'_>),
        codes: &Codes<'_>,
    ) {
        let beside = words.has_terms();
        let bounds = Bounds::of(network, user, codes.books, beside);
        self.constant = bounds.constant;
        let books = self.terms.iter_mut().take(codes.books);
        let books = books.filter_map(|terms| terms.get_mut(..codes.codewords));
        let mut place = [0; ROW_PAIRS];
        let mut at = 0_usize;
        for term in books.flatten() {
            let mut most = coded.term(&bounds, at);
            if beside {
                most = most.wrapping_add(words.term(user, at, &mut place).into());
            }
            // What is too low for 16 bits only bounds less well.
            *term = held(most);
            at = at.wrapping_add(1);
        }
    }

    /// The most that the terms of any movie's codes add up to, as a score.
    #[inline(never)]
    fn highest(&self, codes: &Codes<'_>) -> i32 {
        let mut sum = 0_i32;
        // Of a length that a compiler doesn't know: written out it takes three times the flash.
        for terms in black_box(&self.terms[..]).iter().take(codes.books) {
            let mut most = i16::MIN;
            for term in terms.get(..codes.codewords).unwrap_or_default() {
                most = if *term > most { *term } else { most };
            }
            sum = sum.wrapping_add(most.into());
        }
        sum << COARSER
    }
}

/// Whose terms a table has: another user's would be others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Whose {
    row: [Pair; ROW_PAIRS],
    shift: u32,
    /// Of a network's dense layer 0.
    #[cfg(feature = "codes-mlp")]
    half: [Pair; UNIT_PAIRS],
}

impl Whose {
    /// Nobody's.
    pub(crate) const NOBODYS: Self = Self {
        row: [0; ROW_PAIRS],
        shift: 0,
        #[cfg(feature = "codes-mlp")]
        half: [0; UNIT_PAIRS],
    };

    /// Makes them a user's, and says whether they were another's.
    pub(crate) fn change_to(&mut self, user: &User) -> bool {
        let is_same = self.shift == user.dot_shift && same(&self.row, &user.row);
        #[cfg(feature = "codes-mlp")]
        let is_same = is_same && same(&self.half, user.counts());
        if is_same {
            return false;
        }
        self.row = user.row;
        self.shift = user.dot_shift;
        #[cfg(feature = "codes-mlp")]
        {
            self.half = *user.counts();
        }
        true
    }
}

/// Whether both are the same. A comparison of arrays goes byte by byte on a small core.
#[inline(always)]
fn same(some: &[Pair], others: &[Pair]) -> bool {
    let different = some.iter().zip(others).map(|(a, b)| a ^ b);
    different.fold(0, |all, bits| all | bits) == 0
}

/// What a ranking looks at of the movies from some row on, as many as it has codes of.
#[derive(Clone, Copy)]
pub(crate) struct Ranked<'a> {
    pub(crate) codes: Codes<'a>,
    /// Confidence bytes; none in an image without them.
    pub(crate) known: &'a [u8],
    /// What a confidence byte counts.
    pub(crate) each: i32,
    /// What somebody looks for.
    pub(crate) interest: Option<(&'a Kin<'a>, &'a Interest)>,
    pub(crate) base: i32,
    /// Where the terms only bound a score: what scores.
    #[cfg(feature = "codes-mlp")]
    pub(crate) bounded: Option<(&'a dyn Codewords, &'a User)>,
}

/// What has the codewords, as a user meets them; they are asked for when a movie is scored by itself.
#[cfg(feature = "codes-mlp")]
pub(crate) trait Codewords {
    /// They themselves.
    fn words(&self) -> Option<Words<'_>>;
}

/// What a movie must pass to enter the list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bar {
    /// Its key must be above this one.
    pub(crate) key: i32,
    /// Its score must be as much above the base, or more.
    pub(crate) above_base: i32,
}

/// Second looks at movies: those that a slice has time for.
pub(crate) struct Looks<'a> {
    left: u32,
    /// What movies are scored by, from the first one on that is: where none is, it isn't made.
    #[cfg(feature = "codes-mlp")]
    by: Option<Words<'a>>,
    #[cfg(not(feature = "codes-mlp"))]
    by: core::marker::PhantomData<&'a ()>,
}

impl Looks<'_> {
    /// So many.
    #[inline(always)]
    pub(crate) fn of(left: u32) -> Self {
        Self {
            left,
            by: Default::default(),
        }
    }

    /// Takes one, where any is left; says whether any was.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> bool {
        let any = self.left != 0;
        self.left = self.left.saturating_sub(1);
        any
    }
}

/// A movie that passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) row: usize,
    pub(crate) key: i32,
    /// Its score without the base.
    pub(crate) above_base: i32,
}

/// Where a ranking stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Above {
    /// At a movie.
    Movie(Found),
    /// There was none before the row `next`.
    None { next: usize },
}

impl<'a> Ranked<'a> {
    /// The first of the movies of these `rows` that passes the `bar`. Takes one off the `looks` for each movie that is
    /// scored by itself, and goes no further when there are none.
    #[cfg_attr(not(feature = "codes-mlp"), inline(always))]
    pub(crate) fn above(
        &self,
        lookup: &mut Lookup,
        rows: Range<usize>,
        bar: Bar,
        looks: &mut Looks<'a>,
    ) -> Above {
        ran(Kernel::CodeTable);
        // Below 2^31 either way: where the bar is out of reach, it stays so.
        let key = bar.key.saturating_sub(self.base);
        let bar = Bar { key, ..bar };
        #[cfg(feature = "codes-mlp")]
        if let Some((words, user)) = self.bounded {
            return self.above_by_bounds((words, user), lookup, rows, bar, looks);
        }
        #[cfg(not(feature = "codes-mlp"))]
        let _ = looks;
        lookup.rise(bar.key);
        match self.next(lookup, &rows, bar) {
            Some(found) => Above::Movie(Found {
                key: self.base.wrapping_add(found.key),
                ..found
            }),
            None => Above::None { next: rows.end },
        }
    }

    /// As [`above`](Self::above), where the terms only bound a score; the `bar` is without the base.
    #[cfg(feature = "codes-mlp")]
    #[inline(never)]
    fn above_by_bounds(
        &self,
        (words, user): (&'a dyn Codewords, &User),
        lookup: &mut Lookup,
        mut rows: Range<usize>,
        bar: Bar,
        looks: &mut Looks<'a>,
    ) -> Above {
        let beside = |bar: i32| {
            let bound = i64::from(bar).wrapping_sub(lookup.constant);
            i32::try_from(bound).unwrap_or(match bound < 0 {
                true => i32::MIN,
                false => i32::MAX,
            })
        };
        let bounds = Bar {
            key: beside(bar.key),
            above_base: beside(bar.above_base),
        };
        lookup.rise(bounds.key);
        while let Some(found) = self.next(lookup, &rows, bounds) {
            let row = found.row;
            if looks.by.is_none() {
                looks.by = words.words();
            }
            let Some(words) = &looks.by else { break };
            let score = words.score(user, &self.codes, row);
            let above_base = score.wrapping_sub(self.base);
            let beside = found.key.wrapping_sub(found.above_base);
            if above_base >= bar.above_base && above_base.wrapping_add(beside) > bar.key {
                let key = score.wrapping_add(beside);
                return Above::Movie(Found {
                    row,
                    key,
                    above_base,
                });
            }
            rows.start = row.wrapping_add(1);
            if !looks.take() {
                return Above::None { next: rows.start };
            }
        }
        Above::None { next: rows.end }
    }

    /// The first of the movies of these `rows` whose terms, and what is beside, pass the `bar`; both are without the base.
    #[inline(always)]
    fn next(&self, lookup: &Lookup, rows: &Range<usize>, bar: Bar) -> Option<Found> {
        if let Some(interest) = self.interest {
            return self.find_sought(lookup, interest, rows, bar);
        }
        match self.codes.books {
            MAX_BOOKS if !self.known.is_empty() => self.find_most(lookup, rows, bar),
            _ => self.find(lookup, rows, bar),
        }
    }

    /// The same of any number of books, whether or not something says how well movies are known.
    #[inline(never)]
    fn find(&self, lookup: &Lookup, rows: &Range<usize>, bar: Bar) -> Option<Found> {
        rows.clone().find_map(|row| {
            let mut most = 0;
            if let Some(known) = self.known.get(row) {
                if u32::from(*known) < lookup.least {
                    return None;
                }
                most = *lookup.most.get(usize::from(*known))?;
            }
            let above_base = self.terms(lookup, row);
            let key = above_base.wrapping_add(most);
            let passes = key > bar.key && above_base >= bar.above_base;
            passes.then_some(Found {
                row,
                key,
                above_base,
            })
        })
    }

    /// The same of as many books as there can be, of movies of which something says how well they are known.
    #[inline(never)]
    fn find_most(&self, lookup: &Lookup, rows: &Range<usize>, bar: Bar) -> Option<Found> {
        let mut first = rows.start;
        let (codes, _) = self.codes.codes.as_chunks();
        let mut left = Left {
            codes: codes.get(rows.clone())?,
            known: self.known.get(rows.clone())?,
        };
        loop {
            let (passed, key) = past(lookup, left, bar.key)?;
            let known = left.known.get(passed)?;
            let above_base = key.wrapping_sub(*lookup.most.get(usize::from(*known))?);
            let row = first.wrapping_add(passed);
            if above_base >= bar.above_base {
                return Some(Found {
                    row,
                    key,
                    above_base,
                });
            }
            first = row.wrapping_add(1);
            let behind = passed.wrapping_add(1);
            left = Left {
                codes: left.codes.get(behind..)?,
                known: left.known.get(behind..)?,
            };
        }
    }

    /// As [`find`](Self::find), of what is sought.
    #[inline(never)]
    fn find_sought(
        &self,
        lookup: &Lookup,
        (kin, interest): (&Kin<'_>, &Interest),
        rows: &Range<usize>,
        bar: Bar,
    ) -> Option<Found> {
        // As many as there are movies, either way.
        let left = Sought {
            codes: kin.codes.get(rows.clone())?,
            known: self.known.get(rows.clone())?,
            levels: kin.levels,
        };
        let mut walk = seek::Walk::of(lookup, left)?;
        let below_terms = bar.key.saturating_sub(lookup.top);
        loop {
            let (passed, most) = walk.next(lookup, below_terms)?;
            let row = rows.start.wrapping_add(passed);
            let above_base = self.terms(lookup, row);
            // Most of what the walk finds stays out by one of these.
            if above_base < bar.above_base || most.wrapping_add(above_base) <= bar.key {
                continue;
            }
            let known = self.known.get(row)?;
            // Below 2^31: a key is, and a bar that any is above.
            let most = lookup.most.get(usize::from(*known))?;
            let key = most.wrapping_add(above_base);
            let by = interest::key(1, kin.level(*known));
            let room = key.saturating_sub(bar.key);
            let key = key.wrapping_sub(interest.terms().lack(kin.codes.get(row)?, by, room));
            if key > bar.key {
                return Some(Found {
                    row,
                    key,
                    above_base,
                });
            }
        }
    }

    /// The terms of the movie of `row`, as a score.
    #[cfg_attr(cortex_m_base, inline(never))]
    #[cfg_attr(not(cortex_m_base), inline)]
    fn terms(&self, lookup: &Lookup, row: usize) -> i32 {
        let terms = self.codes.of(row).iter().zip(&lookup.terms);
        terms.fold(0_i32, |sum, (code, of)| sum.wrapping_add(term(of, *code))) << COARSER
    }

    /// What a movie of a confidence byte gets for fame, and as much as any interest could give it.
    fn most(&self, known: u8) -> i32 {
        let interest = self.interest.map_or(0, |(kin, interest)| {
            interest::key(interest.terms().most(), kin.level(known))
        });
        self.each
            .wrapping_mul(i32::from(known))
            .wrapping_add(interest)
    }
}

/// A term of a book. Of 256 every code has one, which the compiler sees.
#[inline(always)]
fn term(terms: &[i16; 256], code: u8) -> i32 {
    i32::from(terms.get(usize::from(code)).copied().unwrap_or_default())
}
