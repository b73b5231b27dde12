//! Random choices that follow from a seed, the same on every machine.

/// A source of random choices (SplitMix64; Steele, Lea and Flood, OOPSLA 2014).
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// Begins with a number.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `end`, without `end`; 0 where there is none.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % end).unwrap_or_default()
    }

    /// True so many times of a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of some, which are not none.
    pub fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// One to `most` different ones, in random order.
    pub fn some<T: Clone>(&mut self, of: &[T], most: usize) -> Vec<T> {
        let mut left = of.to_vec();
        let count = 1 + self.below(most.min(of.len()));
        (0..count).map(|_| left.swap_remove(self.below(left.len()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn choices_follow_from_the_seed() {
        let choices = |seed| {
            let mut random = Random::new(seed);
            (0..32).map(|_| random.below(1000)).collect::<Vec<_>>()
        };
        assert_eq!(choices(1), choices(1));
        assert_ne!(choices(1), choices(2));
        assert_eq!(Random::new(0).next(), 0xe220_a839_7b1d_cdaf, "as published for this generator");
    }

    #[test]
    fn some_are_different_ones() {
        let mut random = Random::new(3);
        for _ in 0..100 {
            let mut some = random.some(&[1, 2, 3, 4], 3);
            assert!((1..=3).contains(&some.len()));
            let all = some.len();
            some.sort_unstable();
            some.dedup();
            assert_eq!(some.len(), all);
        }
    }
}
