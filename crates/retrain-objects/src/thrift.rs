//! One number of a Thrift struct, found without keeping the struct.
//!
//! Parquet's footer is one struct in Thrift's compact protocol. A file with many columns and
//! row groups has a footer of megabytes, of which one number is wanted. So the struct is
//! pushed through this machine, which keeps nothing but where it is.

use crate::varint::{TooLong, Varint, unfolded};

/// How deep structs and lists may stand in one another. Parquet's own depth is below ten.
const MAX_DEPTH: usize = 32;

/// Looks for an `i64` field of the outermost struct.
#[derive(Debug)]
pub(crate) struct Finder {
    field: i64,
    open: Vec<Open>,
    want: Want,
    varint: Varint,
    at: u64,
}

/// Something that has begun and not ended.
#[derive(Clone, Copy, Debug)]
enum Open {
    Struct { last_field: i64 },
    List { element: Kind, left: u64 },
    Map { next: Kind, then: Kind, left: u64 },
}

/// What the next bytes are.
#[derive(Clone, Copy, Debug)]
enum Want {
    FieldHeader,
    FieldNumber(Kind),
    ListHeader,
    ListLength(Kind),
    MapLength,
    MapKinds(u64),
    BinaryLength,
    Number,
    TheNumber,
    Skip(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    Byte,
    Varint,
    I64,
    Double,
    Binary,
    List,
    Map,
    Struct,
    Uuid,
}

impl Finder {
    pub(crate) fn new(field: i64) -> Self {
        Self {
            field,
            open: vec![Open::Struct { last_field: 0 }],
            want: Want::FieldHeader,
            varint: Varint::default(),
            at: 0,
        }
    }

    /// Takes the next bytes of the struct. An error says what is wrong with them, and where.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> Result<Option<i64>, String> {
        while let Some((&byte, rest)) = bytes.split_first() {
            if let Want::Skip(left) = self.want {
                let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                bytes = bytes.get(taken..).unwrap_or_default();
                self.at += taken as u64;
                self.want = Want::Skip(left - taken as u64);
                if left == taken as u64 {
                    self.value_ended().map_err(|wrong| self.told(wrong))?;
                }
                continue;
            }
            let found = self.byte(byte).map_err(|wrong| self.told(wrong))?;
            if found.is_some() {
                return Ok(found);
            }
            bytes = rest;
            self.at += 1;
        }
        Ok(None)
    }

    fn byte(&mut self, byte: u8) -> Result<Option<i64>, &'static str> {
        match self.want {
            Want::FieldHeader => self.field_header(byte)?,
            Want::ListHeader => {
                let element = kind(byte & 0x0f)?;
                match byte >> 4 {
                    0x0f => self.want = Want::ListLength(element),
                    length => self.list(element, u64::from(length))?,
                }
            }
            Want::MapKinds(pairs) => {
                let (next, then) = (kind(byte >> 4)?, kind(byte & 0x0f)?);
                let left = pairs.saturating_mul(2);
                self.enter(Open::Map { next, then, left })?;
                self.value_ended()?;
            }
            Want::Skip(_) => {}
            Want::FieldNumber(_)
            | Want::ListLength(_)
            | Want::MapLength
            | Want::BinaryLength
            | Want::Number
            | Want::TheNumber => {
                let number = self
                    .varint
                    .push(byte)
                    .map_err(|TooLong| "a number of more than 64 bits")?;
                if let Some(number) = number {
                    return self.number(number);
                }
            }
        }
        Ok(None)
    }

    fn number(&mut self, number: u64) -> Result<Option<i64>, &'static str> {
        match self.want {
            Want::FieldNumber(kind) => self.field(unfolded(number), kind)?,
            Want::ListLength(element) => self.list(element, number)?,
            Want::MapLength | Want::BinaryLength if number == 0 => self.value_ended()?,
            Want::MapLength => self.want = Want::MapKinds(number),
            Want::BinaryLength => self.want = Want::Skip(number),
            Want::TheNumber => return Ok(Some(unfolded(number))),
            _ => self.value_ended()?,
        }
        Ok(None)
    }

    fn field_header(&mut self, byte: u8) -> Result<(), &'static str> {
        if byte == 0 {
            self.open.pop();
            if self.open.is_empty() {
                return Err("the struct ends without the number of rows");
            }
            return self.value_ended();
        }
        // In a field's header a boolean's type is its value, and nothing follows.
        let kind = kind(byte & 0x0f)?;
        match byte >> 4 {
            0 => self.want = Want::FieldNumber(kind),
            step => {
                let last = match self.open.last() {
                    Some(Open::Struct { last_field }) => *last_field,
                    _ => 0,
                };
                self.field(last.saturating_add(i64::from(step)), kind)?;
            }
        }
        Ok(())
    }

    fn field(&mut self, field: i64, kind: Kind) -> Result<(), &'static str> {
        if let Some(Open::Struct { last_field }) = self.open.last_mut() {
            *last_field = field;
        }
        if self.open.len() == 1 && field == self.field {
            if kind != Kind::I64 {
                return Err("the number of rows is not an i64");
            }
            self.want = Want::TheNumber;
            return Ok(());
        }
        if kind == Kind::Bool {
            return self.value_ended();
        }
        self.begin(kind)
    }

    fn begin(&mut self, kind: Kind) -> Result<(), &'static str> {
        self.want = match kind {
            Kind::Bool | Kind::Byte => Want::Skip(1),
            Kind::Varint | Kind::I64 => Want::Number,
            Kind::Double => Want::Skip(8),
            Kind::Uuid => Want::Skip(16),
            Kind::Binary => Want::BinaryLength,
            Kind::List => Want::ListHeader,
            Kind::Map => Want::MapLength,
            Kind::Struct => {
                self.enter(Open::Struct { last_field: 0 })?;
                Want::FieldHeader
            }
        };
        Ok(())
    }

    fn list(&mut self, element: Kind, left: u64) -> Result<(), &'static str> {
        self.enter(Open::List { element, left })?;
        self.value_ended()
    }

    /// Goes on with what the value that has just ended is part of.
    fn value_ended(&mut self) -> Result<(), &'static str> {
        loop {
            let next = match self.open.last_mut() {
                Some(Open::Struct { .. }) | None => {
                    self.want = Want::FieldHeader;
                    return Ok(());
                }
                Some(Open::List { left: 0, .. } | Open::Map { left: 0, .. }) => None,
                Some(Open::List { element, left }) => {
                    *left -= 1;
                    Some(*element)
                }
                Some(Open::Map { next, then, left }) => {
                    *left -= 1;
                    std::mem::swap(next, then);
                    Some(*then)
                }
            };
            match next {
                Some(kind) => return self.begin(kind),
                None => self.open.pop(),
            };
        }
    }

    fn told(&self, wrong: &str) -> String {
        format!("{wrong} at byte {}", self.at)
    }

    fn enter(&mut self, open: Open) -> Result<(), &'static str> {
        if self.open.len() >= MAX_DEPTH {
            return Err("nested too deeply");
        }
        self.open.push(open);
        Ok(())
    }
}

fn kind(code: u8) -> Result<Kind, &'static str> {
    Ok(match code {
        1 | 2 => Kind::Bool,
        3 => Kind::Byte,
        4 | 5 => Kind::Varint,
        6 => Kind::I64,
        7 => Kind::Double,
        8 => Kind::Binary,
        // A set is written as a list.
        9 | 10 => Kind::List,
        11 => Kind::Map,
        12 => Kind::Struct,
        13 => Kind::Uuid,
        _ => return Err("an unknown type"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same answer is expected however the bytes are cut.
    fn find(bytes: &[u8]) -> Result<Option<i64>, String> {
        let whole = Finder::new(3).feed(bytes);
        let mut finder = Finder::new(3);
        let cut = bytes
            .iter()
            .find_map(|byte| finder.feed(&[*byte]).transpose())
            .transpose();
        assert_eq!(whole, cut);
        whole
    }

    #[test]
    fn every_type_is_skipped() {
        let table: [(&str, &[u8]); 13] = [
            ("nothing", &[0x36, 14]),
            ("true", &[0x11, 0x26, 14]),
            ("byte", &[0x13, 0xff, 0x26, 14]),
            ("i32", &[0x15, 0x80, 0x01, 0x26, 14]),
            ("double", &[0x17, 1, 2, 3, 4, 5, 6, 7, 8, 0x26, 14]),
            ("binary", &[0x18, 2, b'a', b'b', 0x26, 14]),
            ("empty binary", &[0x18, 0, 0x26, 14]),
            ("list of booleans", &[0x19, 0x21, 1, 2, 0x26, 14]),
            ("empty list", &[0x19, 0x0c, 0x26, 14]),
            (
                "list with a long length",
                &[0x19, 0xf8, 0x01, 1, b'a', 0x26, 14],
            ),
            (
                "list of structs",
                &[0x19, 0x2c, 0x15, 2, 0, 0x15, 4, 0, 0x26, 14],
            ),
            (
                "map of lists",
                &[0x1b, 2, 0x89, 1, b'k', 0x15, 7, 1, b'l', 0x05, 0x26, 14],
            ),
            ("empty map", &[0x1b, 0, 0x26, 14]),
        ];
        for (what, bytes) in table {
            assert_eq!(find(bytes), Ok(Some(7)), "{what}");
        }
    }

    #[test]
    fn a_field_may_carry_its_own_number() {
        assert_eq!(find(&[0x06, 6, 14]), Ok(Some(7)));
    }

    #[test]
    fn only_the_outermost_struct_has_the_field() {
        assert_eq!(find(&[0x1c, 0x36, 2, 0, 0x26, 14]), Ok(Some(7)));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        const LONG: [u8; 12] = [0x15, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255];
        let mut deep = vec![0x19, 0x1c];
        deep.extend([0x1c; 40]);
        let table: [(&[u8], &str); 5] = [
            (
                &[0x15, 2, 0],
                "the struct ends without the number of rows at byte 2",
            ),
            (&[0x35, 2], "the number of rows is not an i64 at byte 0"),
            (&[0x1e], "an unknown type at byte 0"),
            (&LONG, "a number of more than 64 bits at byte 10"),
            (&deep, "nested too deeply at byte 31"),
        ];
        for (bytes, expected) in table {
            match find(bytes) {
                Err(wrong) => assert_eq!(wrong, expected, "{bytes:?}"),
                found => panic!("{bytes:?}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_length_without_end_is_only_a_length() {
        let mut endless = vec![0x19, 0xfc];
        endless.extend([0xff; 9]);
        endless.push(0x01);
        endless.extend([0; 1_000]);
        assert_eq!(find(&endless), Ok(None));
    }
}
