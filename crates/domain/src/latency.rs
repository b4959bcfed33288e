//! Latency: a sketch of response times that can be added to another, so that percentiles of a day come from its hours
//! and are no averages of averages (H5).
//!
//! Times fall into buckets whose borders grow by 8 %; up to 12 ms each millisecond has its own. A percentile is the
//! upper border of its bucket: never less than the true one, and less than 8 % and one millisecond more.

use crate::packed::{put, take};

/// How many response times lie in which bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latency {
    /// By bucket, in order, none of them nought.
    buckets: Vec<(u8, u32)>,
}

/// Upper borders of the buckets, in milliseconds. The last one takes everything above.
static BORDERS: [u32; 152] = borders();

#[expect(clippy::indexing_slicing, reason = "below the length; out of it, this would not compile")]
const fn borders() -> [u32; 152] {
    let mut all = [0; 152];
    let (mut index, mut border) = (0, 0_u32);
    while index < all.len() {
        let grown = border + border * 8 / 100;
        border = if grown > border { grown } else { border + 1 };
        all[index] = border;
        index += 1;
    }
    all
}

impl Latency {
    /// Counts one response time in.
    pub fn add(&mut self, took_ms: u32) {
        let bucket = BORDERS.partition_point(|border| *border < took_ms).min(BORDERS.len() - 1);
        self.add_to(u8::try_from(bucket).unwrap_or(u8::MAX), 1);
    }

    /// Counts all of another sketch in.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.buckets {
            self.add_to(*bucket, *count);
        }
    }

    /// The time that `permille` of the response times did not exceed. `None`: there are none.
    pub fn percentile(&self, permille: u32) -> Option<u32> {
        let total: u64 = self.buckets.iter().map(|(_, count)| u64::from(*count)).sum();
        let wanted = (total * u64::from(permille.min(1000))).div_ceil(1000).max(1);
        let mut reached = 0;
        for (bucket, count) in &self.buckets {
            reached += u64::from(*count);
            if reached >= wanted {
                return BORDERS.get(usize::from(*bucket)).copied();
            }
        }
        None
    }

    /// For storing: pairs of the distance to the bucket before and a count.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(2 * self.buckets.len());
        let mut before = 0;
        for (bucket, count) in &self.buckets {
            put(&mut bytes, u64::from(bucket - before));
            put(&mut bytes, u64::from(*count));
            before = *bucket;
        }
        bytes
    }

    /// The reverse of [`Self::to_bytes`]. What cannot be read, and all behind it, is left out.
    pub fn from_bytes(mut bytes: &[u8]) -> Self {
        let mut sketch = Self::default();
        let mut before = 0_u64;
        while let (Some(distance), Some(count)) = (take(&mut bytes), take(&mut bytes)) {
            before = before.saturating_add(distance);
            let (Ok(bucket), Ok(count)) = (u8::try_from(before), u32::try_from(count)) else { break };
            sketch.add_to(bucket, count);
        }
        sketch
    }

    fn add_to(&mut self, bucket: u8, count: u32) {
        match self.buckets.binary_search_by_key(&bucket, |(known, _)| *known) {
            Ok(place) => {
                if let Some((_, sum)) = self.buckets.get_mut(place) {
                    *sum = sum.saturating_add(count);
                }
            }
            Err(place) => self.buckets.insert(place, (bucket, count)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sketch(times: &[u32]) -> Latency {
        let mut sketch = Latency::default();
        for took_ms in times {
            sketch.add(*took_ms);
        }
        sketch
    }

    #[test]
    fn the_borders_grow_and_reach_beyond_two_time_outs() {
        assert!(BORDERS.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(BORDERS[..14], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
        assert!(BORDERS[151] > 120_000, "{}", BORDERS[151]);
    }

    #[test]
    fn an_empty_sketch_has_no_percentile_and_one_time_has_one() {
        assert_eq!(Latency::default().percentile(500), None);
        assert_eq!(sketch(&[7]).percentile(500), Some(7));
        assert_eq!(sketch(&[0]).percentile(990), Some(1));
        assert_eq!(sketch(&[u32::MAX]).percentile(1000), Some(BORDERS[151]));
    }

    proptest! {
        #[test]
        fn a_percentile_is_never_too_small_and_at_most_eight_percent_too_large(
            mut times in proptest::collection::vec(0..120_000_u32, 1..300),
            permille in 0..=1000_u32,
        ) {
            let told = sketch(&times).percentile(permille).unwrap();
            times.sort_unstable();
            let rank = (times.len() * usize::try_from(permille).unwrap()).div_ceil(1000).max(1);
            let truth = times[rank - 1];
            prop_assert!(told >= truth, "{} < {}", told, truth);
            prop_assert!(f64::from(told) <= f64::from(truth) * 1.08 + 1.0, "{} for {}", told, truth);
        }

        #[test]
        fn the_sum_of_parts_is_the_sketch_of_the_whole(
            first in proptest::collection::vec(0..200_000_u32, 0..100),
            second in proptest::collection::vec(0..200_000_u32, 0..100),
        ) {
            let mut sum = sketch(&first);
            sum.merge(&sketch(&second));
            prop_assert_eq!(&sum, &sketch(&[first, second].concat()));
            prop_assert_eq!(Latency::from_bytes(&sum.to_bytes()), sum);
        }

        #[test]
        fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = Latency::from_bytes(&bytes).percentile(500);
        }
    }
}
