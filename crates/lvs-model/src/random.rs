//! Numbers that look random: the same from the same seed, on every machine.

/// A generator (SplitMix64): to spread work in time, and for tests. Never for a secret.
///
/// Every seed is good, zero and neighbours too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random(u64);

impl Random {
    /// The numbers that belong to `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 if that is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.number().checked_rem(limit).unwrap_or(0)
    }

    /// A place in a list of `length`; 0 if that is empty.
    pub fn index(&mut self, length: usize) -> usize {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        usize::try_from(self.below(length)).unwrap_or(0)
    }

    /// True once in `times`, on average.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of `choices`.
    ///
    /// # Panics
    /// There is none.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of the published algorithm: a seed that a test has printed is good for ever.
    #[test]
    fn numbers_are_those_of_splitmix64() {
        let mut random = Random::new(1_234_567);
        let numbers: Vec<u64> = (0..5).map(|_| random.number()).collect();
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(numbers, published);
    }

    #[test]
    fn every_number_below_the_limit_comes_up_and_none_above_it() {
        for seed in 0..4 {
            let mut random = Random::new(seed);
            let (mut below, mut places, mut picked) = ([0; 5], [0; 5], [0; 5]);
            for _ in 0..1000 {
                below[usize::try_from(random.below(5)).unwrap()] += 1;
                places[random.index(5)] += 1;
                picked[random.pick(&[0, 1, 2, 3, 4])] += 1;
            }
            for count in below.into_iter().chain(places).chain(picked) {
                assert!((130..270).contains(&count), "{count}");
            }
            let times = (0..1000).filter(|_| random.once_in(10)).count();
            assert!((50..150).contains(&times), "{times}");
            assert_eq!((random.below(0), random.index(0)), (0, 0));
        }
    }
}
