//! Memory that was needed once.

/// Gives the kernel back what was freed, as malloc_trim(3): a page in the middle of the heap, which
/// free(3) keeps, too.
pub fn give_back_memory() {
    #[cfg(target_env = "gnu")]
    {
        #[expect(unsafe_code, reason = "nix has no malloc_trim")]
        // SAFETY: takes a number, locks the heap itself, and touches only what is free in it.
        let _ = unsafe { libc::malloc_trim(0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resident_pages() -> usize {
        let text = std::fs::read_to_string("/proc/self/statm").unwrap();
        text.split(' ').nth(1).unwrap().parse().unwrap()
    }

    #[test]
    #[cfg(target_env = "gnu")]
    fn what_lies_free_between_used_pieces_is_given_back() {
        // Pieces too small for mappings of their own, each second one kept.
        let pieces: Vec<Vec<u8>> = (0..2000).map(|_| vec![1; 16 * 1024]).collect();
        let kept: Vec<Vec<u8>> = pieces.into_iter().step_by(2).collect();
        let before = resident_pages();
        give_back_memory();
        let given = before.saturating_sub(resident_pages());
        // Nearly 16 MiB; the other tests of this process need some meanwhile.
        assert!(given > 2000, "{given} pages");
        assert_eq!(kept.len(), 1000);
    }
}
