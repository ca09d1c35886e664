//! Structures of the API model as tables: what is deep is described, not coded.

use serde_json::Value;

use crate::answer::ServiceError;
use crate::input::{Input, Text};

/// One member of a structure.
pub(super) struct Member {
    name: &'static str,
    required: bool,
    shape: Shape,
}

/// What a member may be.
pub(super) enum Shape {
    Text(Text),
    OneOf(&'static [&'static str]),
    /// With its bounds.
    Integer(i64, i64),
    Boolean,
    /// A list of strings, with the bounds of its length.
    Texts(usize, usize, Text),
    /// A map of strings, with the bounds of its size, its keys and its values.
    Map(usize, usize, Text, Text),
    Structure(&'static [Member]),
    /// A list of structures, with the bounds of its length.
    Structures(usize, usize, &'static [Member]),
    /// Not looked at, and kept as it is.
    Verbatim,
}

/// A member that must be given.
pub(super) const fn required(name: &'static str, shape: Shape) -> Member {
    Member {
        name,
        required: true,
        shape,
    }
}

/// A member that may be left out.
pub(super) const fn optional(name: &'static str, shape: Shape) -> Member {
    Member {
        name,
        required: false,
        shape,
    }
}

/// Refuses what does not fit.
pub(super) fn read<'a>(request: &'a Value, members: &[Member]) -> Result<Input<'a>, ServiceError> {
    let input = Input::new(request, &names(members))?;
    check(&input, members)?;
    Ok(input)
}

fn names(members: &[Member]) -> Vec<&'static str> {
    members.iter().map(|member| member.name).collect()
}

fn check(input: &Input<'_>, members: &[Member]) -> Result<(), ServiceError> {
    for Member {
        name,
        required,
        shape,
    } in members
    {
        if *required {
            input.require(name)?;
        }
        match shape {
            Shape::Text(rule) => {
                input.optional_text(name, *rule)?;
            }
            Shape::OneOf(values) => {
                input.one_of(name, values)?;
            }
            Shape::Integer(min, max) => {
                input.integer(name, *min, *max)?;
            }
            Shape::Boolean => {
                input.boolean(name)?;
            }
            Shape::Texts(min, max, rule) => {
                input.optional_texts(name, *min, *max, *rule)?;
            }
            Shape::Map(min, max, key, value) => input.check_map(name, *min, *max, *key, *value)?,
            Shape::Structure(inner) => {
                if let Some(structure) = input.structure(name, &names(inner))? {
                    check(&structure, inner)?;
                }
            }
            Shape::Structures(min, max, inner) => {
                let items = input.structures(name, *min, *max, &names(inner))?;
                for item in items.unwrap_or_default() {
                    check(&item, inner)?;
                }
            }
            Shape::Verbatim => {}
        }
    }
    Ok(())
}

/// A member that is given. Null is as good as nothing.
pub(super) fn given<'a>(structure: &'a Value, name: &str) -> Option<&'a Value> {
    structure.get(name).filter(|value| !value.is_null())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LEAF: &[Member] = &[required("Name", Shape::Text(Text::of(1, 3)))];
    const ROOT: &[Member] = &[
        optional("One", Shape::Structure(LEAF)),
        optional("Many", Shape::Structures(1, 2, LEAF)),
        optional("Any", Shape::Verbatim),
    ];

    #[test]
    fn a_mistake_is_found_however_deep_and_named_by_its_place() {
        assert!(read(&json!({"Any": {"x": [1]}, "One": {"Name": "abc"}}), ROOT).is_ok());
        for (request, place) in [
            (json!({"One": {}}), "'one.name'"),
            (json!({"One": {"Name": "abcd"}}), "'one.name'"),
            (json!({"One": {"Name": "a", "Nmae": "b"}}), "'one.Nmae'"),
            (json!({"Many": []}), "'many'"),
            (json!({"Many": [{"Name": "a"}, {}]}), "'many.2.member.name'"),
        ] {
            let message = read(&request, ROOT).err().unwrap().message;
            assert!(message.contains(place), "{place}: {message}");
        }
    }
}
