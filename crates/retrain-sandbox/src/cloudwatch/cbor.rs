//! CBOR as the protocol `rpc-v2-cbor` uses it.
//!
//! Requests become the JSON that they stand for, so that they are read as strictly
//! as those of the other services. Answers cannot: a time is a number with a tag.

use jiff::Timestamp;
use minicbor::data::{IanaTag, Type};
use minicbor::decode::{Decode, Decoder};
use minicbor::encode::{Encode, Encoder, Write};
use minicbor::{decode, encode};
use serde_json::Value;

/// No request of an API model is as deep as this.
const MAX_DEPTH: u8 = 16;

/// Reads one value and nothing after it.
pub(super) fn read(bytes: &[u8]) -> Result<Value, decode::Error> {
    let mut decoder = Decoder::new(bytes);
    let Json(value) = decoder.decode_with(&mut Deeper(MAX_DEPTH))?;
    if decoder.position() == bytes.len() {
        Ok(value)
    } else {
        Err(decode::Error::message("bytes follow the value"))
    }
}

struct Json(Value);

/// How much deeper a value may be.
struct Deeper(u8);

impl<'b> Decode<'b, Deeper> for Json {
    fn decode(
        decoder: &mut Decoder<'b>,
        Deeper(depth): &mut Deeper,
    ) -> Result<Self, decode::Error> {
        let deeper = |depth: u8| {
            depth
                .checked_sub(1)
                .map(Deeper)
                .ok_or_else(|| decode::Error::message("the value is too deep"))
        };
        let value = match decoder.datatype()? {
            Type::Null => {
                decoder.null()?;
                Value::Null
            }
            Type::Bool => decoder.bool()?.into(),
            Type::F32 | Type::F64 => decoder.f64()?.into(),
            Type::String | Type::StringIndef => {
                decoder.str_iter()?.collect::<Result<String, _>>()?.into()
            }
            Type::Array | Type::ArrayIndef => decoder
                .array_iter_with(&mut deeper(*depth)?)?
                .map(|item| item.map(|Self(value)| value))
                .collect::<Result<_, _>>()?,
            Type::Map | Type::MapIndef => decoder
                .map_iter_with::<_, String, Self>(&mut deeper(*depth)?)?
                .map(|member| member.map(|(name, Self(value))| (name, value)))
                .collect::<Result<serde_json::Map<_, _>, _>>()?
                .into(),
            // Anything that is no integer either is refused with its type.
            _ => decoder.i64()?.into(),
        };
        Ok(Self(value))
    }
}

/// What an answer is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Member {
    Text(String),
    Integer(u32),
    Boolean(bool),
    Time(Timestamp),
    List(Vec<Self>),
    Structure(Vec<(&'static str, Self)>),
}

impl Member {
    /// A structure of those members that have a value.
    pub(super) fn structure<const N: usize>(members: [(&'static str, Option<Self>); N]) -> Self {
        let present = members.into_iter();
        Self::Structure(
            present
                .filter_map(|(name, value)| Some((name, value?)))
                .collect(),
        )
    }

    /// Its bytes.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to a vector cannot fail.
        let _ = encode(self, &mut bytes);
        bytes
    }
}

impl From<&str> for Member {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl<C> Encode<C> for Member {
    fn encode<W: Write>(
        &self,
        encoder: &mut Encoder<W>,
        context: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        match self {
            Self::Text(text) => encoder.str(text)?.ok(),
            Self::Integer(number) => encoder.u32(*number)?.ok(),
            Self::Boolean(value) => encoder.bool(*value)?.ok(),
            Self::Time(time) => encoder
                .tag(IanaTag::Timestamp)?
                .f64(time.as_duration().as_secs_f64())?
                .ok(),
            Self::List(items) => encoder.encode_with(items, context)?.ok(),
            Self::Structure(members) => {
                encoder.begin_map()?;
                for (name, value) in members {
                    encoder.str(name)?.encode_with(value, context)?;
                }
                encoder.end()?.ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_is_read_with_definite_and_indefinite_lengths() {
        let definite = b"\xa2\x61a\x82\x01\x20\x61b\x61c";
        let indefinite = b"\xbf\x61a\x9f\x01\x20\xff\x61b\x7f\x61c\xff\xff";
        for bytes in [&definite[..], indefinite] {
            assert_eq!(read(bytes).unwrap(), json!({"a": [1, -1], "b": "c"}));
        }
        assert_eq!(
            read(b"\x84\xf4\xf6\xfb\x3f\xf8\0\0\0\0\0\0\x1a\0\x01\0\0").unwrap(),
            json!([false, null, 1.5, 65536])
        );
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for (bytes, why) in [
            (&b""[..], "the end"),
            (b"\xa1\x61a", "a member without a value"),
            (b"\xa1\x01\x02", "a name that is no text"),
            (b"\xa0\xa0", "a second value"),
            (b"\x41a", "bytes"),
            (b"\x61\xff", "text that is not UTF-8"),
            (
                b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
                "a promise of members",
            ),
            (&[0x81; 10_000], "lists in lists"),
            (
                b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff",
                "a promise of items",
            ),
        ] {
            assert!(read(bytes).is_err(), "{why}");
        }
    }

    #[test]
    fn an_answer_has_its_members_and_tags_its_times() {
        let time: Timestamp = "2026-01-05T00:00:00.5Z".parse().unwrap();
        let answer = Member::structure([
            (
                "a",
                Some(Member::List(vec!["b".into(), Member::Integer(300)])),
            ),
            ("absent", None),
            ("at", Some(Member::Time(time))),
        ]);
        let seconds = 1_767_571_200.5_f64.to_be_bytes();
        let expected = [
            &b"\xbf\x61a\x82\x61b\x19\x01\x2c\x62at\xc1\xfb"[..],
            &seconds,
            b"\xff",
        ];
        assert_eq!(answer.write(), expected.concat());
    }
}
