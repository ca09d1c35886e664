//! What a record leaves out.

/// Whether the value is what a record without it is read as.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
