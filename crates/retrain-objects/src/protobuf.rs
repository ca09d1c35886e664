//! The numbers of a Protocol Buffers message, without keeping the message.

use crate::varint::{TooLong, Varint};

/// Reads a message piece by piece and gives its numbers. Everything else is skipped.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    want: Want,
    varint: Varint,
}

#[derive(Clone, Copy, Debug, Default)]
enum Want {
    #[default]
    Key,
    Number(u64),
    Length,
    Skip(u64),
}

impl Numbers {
    /// Takes bytes up to the next number and gives its field and value.
    pub(crate) fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<(u64, u64)>, &'static str> {
        while let Some((&byte, rest)) = bytes.split_first() {
            if let Want::Skip(left) = self.want {
                let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                *bytes = bytes.get(taken..).unwrap_or_default();
                self.skip(left - taken as u64);
                continue;
            }
            *bytes = rest;
            let number = self
                .varint
                .push(byte)
                .map_err(|TooLong| "a number of more than 64 bits")?;
            let Some(number) = number else { continue };
            match self.want {
                Want::Key => {
                    self.want = match number & 7 {
                        0 => Want::Number(number >> 3),
                        1 => Want::Skip(8),
                        2 => Want::Length,
                        5 => Want::Skip(4),
                        _ => return Err("an unknown wire type"),
                    };
                }
                Want::Length => self.skip(number),
                Want::Number(field) => {
                    self.want = Want::Key;
                    return Ok(Some((field, number)));
                }
                Want::Skip(_) => {}
            }
        }
        Ok(None)
    }

    /// Is it between two fields, where a message may end?
    pub(crate) const fn may_end(&self) -> bool {
        matches!(self.want, Want::Key)
    }

    const fn skip(&mut self, left: u64) {
        self.want = match left {
            0 => Want::Key,
            left => Want::Skip(left),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8], piece: usize) -> Result<Vec<(u64, u64)>, &'static str> {
        let mut numbers = Numbers::default();
        let mut found = Vec::new();
        for mut piece in bytes.chunks(piece) {
            while let Some(number) = numbers.next(&mut piece)? {
                found.push(number);
            }
        }
        Ok(found)
    }

    #[test]
    fn numbers_are_given_and_the_rest_is_skipped() {
        let message = [
            0x08, 0x96, 0x01, // 1: 150
            0x12, 3, b'a', b'b', b'c', // 2: "abc"
            0x12, 0, // 2: ""
            0x19, 1, 2, 3, 4, 5, 6, 7, 8, // 3: fixed 64
            0x25, 1, 2, 3, 4, // 4: fixed 32
            0x30, 7, // 6: 7
        ];
        for piece in 1..=message.len() {
            assert_eq!(all(&message, piece), Ok(vec![(1, 150), (6, 7)]));
        }
    }

    #[test]
    fn groups_are_refused() {
        assert_eq!(all(&[0x0b], 1), Err("an unknown wire type"));
    }

    #[test]
    fn a_message_may_end_between_fields_only() {
        let mut numbers = Numbers::default();
        assert!(numbers.may_end());
        numbers.next(&mut [0x08].as_slice()).unwrap();
        assert!(!numbers.may_end());
        numbers.next(&mut [0x01].as_slice()).unwrap();
        assert!(numbers.may_end());
    }
}
