//! Numbers of variable length, seven bits a byte, as Thrift and Protocol Buffers write them.

/// A number that is being read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Varint {
    value: u64,
    bits: u32,
}

impl Varint {
    /// Takes the next byte; gives the number with its last one. An error means that it does
    /// not fit into 64 bits.
    pub(crate) fn push(&mut self, byte: u8) -> Result<Option<u64>, TooLong> {
        let low = u64::from(byte & 0x7f);
        if self.bits > 63 || (self.bits == 63 && low > 1) {
            return Err(TooLong);
        }
        self.value |= low << self.bits;
        self.bits += 7;
        Ok((byte & 0x80 == 0).then(|| std::mem::take(self).value))
    }
}

/// A number of more than 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Undoes the folding of signed numbers into unsigned ones.
pub(crate) const fn unfolded(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Option<u64>, TooLong> {
        let mut varint = Varint::default();
        for byte in bytes {
            if let Some(value) = varint.push(*byte)? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    #[test]
    fn numbers_are_read_up_to_64_bits() {
        assert_eq!(read(&[0]), Ok(Some(0)));
        assert_eq!(read(&[0x96, 0x01]), Ok(Some(150)));
        assert_eq!(read(&[0x80]), Ok(None));
        let mut largest = [0xff; 10];
        largest[9] = 0x01;
        assert_eq!(read(&largest), Ok(Some(u64::MAX)));
    }

    #[test]
    fn longer_ones_are_refused() {
        let mut one_bit_more = [0xff; 10];
        one_bit_more[9] = 0x03;
        assert_eq!(read(&one_bit_more), Err(TooLong));
        assert_eq!(read(&[0x80; 11]), Err(TooLong));
    }

    #[test]
    fn a_number_leaves_nothing_for_the_next() {
        let mut varint = Varint::default();
        assert_eq!(varint.push(0x7f), Ok(Some(127)));
        assert_eq!(varint.push(0x01), Ok(Some(1)));
    }

    #[test]
    fn signs_are_unfolded() {
        for (folded, expected) in [(0, 0), (1, -1), (2, 1), (u64::MAX, i64::MIN)] {
            assert_eq!(unfolded(folded), expected);
        }
    }
}
