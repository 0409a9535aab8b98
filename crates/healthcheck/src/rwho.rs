//! What rwhod keeps of another host's broadcasts: the file `whod.HOST` (protocols/rwhod.h).
//!
//! rwhod writes the packet as it came, numbers turned into its own machine's order, with the time
//! of its arrival filled in. nanny reads it for the load monitor `ruptime`, as ruptime(1) does.

/// Longest file: header and the users of a full packet.
pub const LONGEST_FILE: usize = HEADER + 1024;

/// Bytes before the users, which a host without any leaves out.
const HEADER: usize = 60;

/// `WHODVERSION` and `WHODTYPE_STATUS`.
const STATUS: [u8; 2] = [1, 1];

const RECEIVED: usize = 8;
const LOAD: usize = 44;

/// Load averages are whole hundredths.
const SCALE: f64 = 100.0;

/// What a host said last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Status {
    /// When it arrived: seconds since 1970 as far as 32 bits hold them, by this machine's clock.
    pub received: u32,
    /// Its one-minute load average.
    pub load: f64,
}

impl Status {
    /// Reads a file of rwhod; `None` if it is none.
    #[must_use]
    pub fn decode_file(bytes: &[u8]) -> Option<Self> {
        if !bytes.starts_with(&STATUS) || bytes.len() < HEADER {
            return None;
        }
        let word = |at: usize| {
            let bytes = bytes.get(at..)?.first_chunk::<4>()?;
            Some(*bytes)
        };
        let load = i32::from_ne_bytes(word(LOAD)?);
        Some(Self {
            received: u32::from_ne_bytes(word(RECEIVED)?),
            load: f64::from(load.max(0)) / SCALE,
        })
    }

    /// Seconds since it arrived, at `now`; counted over the end of 32 bits.
    #[must_use]
    pub const fn age(&self, now: u32) -> u32 {
        now.wrapping_sub(self.received)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(received: u32, load: i32) -> Vec<u8> {
        let mut bytes = vec![0; HEADER];
        bytes[..2].copy_from_slice(&STATUS);
        bytes[RECEIVED..][..4].copy_from_slice(&received.to_ne_bytes());
        bytes[12..17].copy_from_slice(b"real1");
        bytes[LOAD..][..4].copy_from_slice(&load.to_ne_bytes());
        bytes
    }

    #[test]
    fn load_and_arrival_are_read() {
        let status = Status::decode_file(&file(1_000, 150)).unwrap();
        assert_eq!(status.load, 1.5);
        assert_eq!(status.age(1_060), 60);
        let status = Status::decode_file(&file(u32::MAX, -1)).unwrap();
        assert_eq!((status.load, status.age(9)), (0.0, 10));
    }

    #[test]
    fn what_rwhod_did_not_write_is_not_read() {
        let good = file(1, 1);
        for length in 0..good.len() {
            assert_eq!(Status::decode_file(&good[..length]), None);
        }
        for place in [0, 1] {
            let mut other = good.clone();
            other[place] = 2;
            assert_eq!(Status::decode_file(&other), None);
        }
    }
}
