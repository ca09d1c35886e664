//! 128 bits that stand for a value: states are told apart by them.

use std::fmt::{self, Debug, Write};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

/// A digest of a value. That two of a billion values share one is less likely than 10^-20.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Print(u64, u64);

impl Print {
    pub(crate) fn of(value: &(impl Hash + ?Sized)) -> Self {
        let mut digest = Digest::new();
        value.hash(&mut digest.0);
        value.hash(&mut digest.1);
        digest.print()
    }

    /// The print of a value that is not made to be hashed. Values of the core are plain
    /// data: what they show is what they are.
    pub(crate) fn of_shown(value: &impl Debug) -> Self {
        let mut digest = Digest::new();
        // Writing into a digest does not fail.
        let _ = write!(digest, "{value:?}");
        digest.print()
    }
}

/// Two hashers of the standard library with different beginnings. Their keys are fixed,
/// so a state has the same print in every run.
struct Digest(DefaultHasher, DefaultHasher);

impl Digest {
    fn new() -> Self {
        let mut second = DefaultHasher::new();
        second.write_u8(1);
        Self(DefaultHasher::new(), second)
    }

    fn print(&self) -> Print {
        Print(self.0.finish(), self.1.finish())
    }
}

impl Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        self.1.write(text.as_bytes());
        Ok(())
    }
}

/// A value that many states share, with its print: neither is worked out again.
pub(crate) struct Shared<T> {
    value: Arc<T>,
    print: Print,
}

impl<T: Debug> Shared<T> {
    pub(crate) fn new(value: T) -> Self {
        let print = Print::of_shown(&value);
        Self {
            value: Arc::new(value),
            print,
        }
    }
}

impl<T> Shared<T> {
    pub(crate) fn print(&self) -> Print {
        self.print
    }
}

impl<T> AsRef<T> for Shared<T> {
    fn as_ref(&self) -> &T {
        &self.value
    }
}

impl<T: Clone + Debug> Shared<T> {
    /// The value, changed.
    pub(crate) fn with(&self, change: impl FnOnce(&mut T)) -> Self {
        let mut value = T::clone(self);
        change(&mut value);
        Self::new(value)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            print: self.print,
        }
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Debug> Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T> Hash for Shared<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.print.hash(state);
    }
}

impl<T> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        self.print == other.print
    }
}

impl<T> Eq for Shared<T> {}
