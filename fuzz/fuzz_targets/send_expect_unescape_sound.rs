//! A send or expect string; as an expression its search in itself stays within its bound.
#![no_main]

use healthcheck::{Expression, Search};
use libfuzzer_sys::fuzz_target;

/// Two looks at each of 2 000 states and their end for a byte, one more behind the last.
const STEPS_OF_A_BYTE: u64 = 2 * 2001;

fuzz_target!(|bytes: &[u8]| {
    let _refused_or_not = lvs_model::unescape(bytes);
    if let Ok(expression) = Expression::new(bytes) {
        let mut search = Search::default();
        search.feed(&expression, bytes);
        let length = bytes.len() as u64;
        assert!(search.steps() <= STEPS_OF_A_BYTE * (length + 1));
    }
});
