//! The order of what happened to one key.

use alloc::format;
use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

/// Says which of two events about the **same** key is the later one: the greater. Of
/// different keys it says nothing.
///
/// S3 writes a hexadecimal number whose length varies. It is kept in one length and in
/// small letters, so that texts compare as the numbers do, in a database too.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequencer(String);

impl Sequencer {
    /// How many digits the text has. S3 writes 16 or 18.
    pub const DIGITS: usize = 64;

    /// Reads S3's spelling or ours; nothing where it is not hexadecimal or too long.
    pub fn parse(digits: &str) -> Option<Self> {
        let width = Self::DIGITS;
        let fits = (1..=width).contains(&digits.len())
            && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        fits.then(|| Self(format!("{:0>width$}", digits.to_ascii_lowercase())))
    }

    /// The number in 64 small digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sequencer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Sequencer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sequencer({})", self.0.trim_start_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use core::cmp::Ordering;

    use proptest::prelude::*;

    use super::*;

    fn sequencer(digits: &str) -> Sequencer {
        Sequencer::parse(digits).unwrap()
    }

    #[test]
    fn the_shorter_one_is_padded_on_the_left() {
        assert!(sequencer("ff") < sequencer("100"));
        assert!(sequencer("617f08299329d189") < sequencer("00617F08299329D18A"));
        assert_eq!(
            sequencer("617f08299329d189"),
            sequencer("00617F08299329D189")
        );
        assert!(sequencer("9") < sequencer("A") && sequencer("A") < sequencer("b"));
        assert_eq!(sequencer("0"), sequencer(&"0".repeat(64)));
    }

    #[test]
    fn what_is_no_sequencer_is_none() {
        for text in ["", "0x1f", "-1", "+1", " 1", "1g", "\u{661}", "1.0"] {
            assert_eq!(Sequencer::parse(text), None, "{text}");
        }
        assert_eq!(Sequencer::parse(&"f".repeat(65)), None);
        assert_eq!(sequencer(&"F".repeat(64)).as_str(), "f".repeat(64));
    }

    fn digits() -> impl Strategy<Value = String> {
        // Few different digits, so that equal and nearly equal ones are common.
        "[01aA]{1,6}|[0-9a-fA-F]{1,32}"
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_numbers(one in digits(), other in digits()) {
            let number = |digits: &str| u128::from_str_radix(digits, 16).unwrap();
            let (a, b) = (sequencer(&one), sequencer(&other));
            prop_assert_eq!(a.cmp(&b), number(&one).cmp(&number(&other)));
            prop_assert_eq!(a.as_str().cmp(b.as_str()), a.cmp(&b));
            prop_assert_eq!(a == b, a.cmp(&b) == Ordering::Equal);
        }

        #[test]
        fn the_order_is_total(digits in proptest::array::uniform3("[0-9a-fA-F]{1,64}")) {
            let [a, b, c] = digits.map(|digits| sequencer(&digits));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
        }

        #[test]
        fn its_own_text_is_read_back(digits in digits()) {
            let told = sequencer(&digits);
            prop_assert_eq!(sequencer(&told.to_string()), told);
        }
    }
}
