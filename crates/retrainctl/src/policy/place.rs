//! Where a field is in the text of a JSON document.

use std::collections::BTreeMap;

/// The deepest nesting that is followed.
const DEEPEST: usize = 100;

/// How many bytes of paths are kept. A policy that is accepted has far fewer; in a document of
/// one long name and many elements they would come to its length squared.
const MOST: usize = 1 << 20;

/// The places of all fields of a document, by path: `drift.alarms[0].endpoint`.
#[derive(Debug, Default)]
pub(crate) struct Places(BTreeMap<String, usize>);

/// A line and a column, both from 1; columns are characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Places {
    /// The places in a document, as far as it is JSON.
    pub(crate) fn of(text: &str) -> Self {
        let mut walk = Walk {
            text,
            at: 0,
            found: BTreeMap::new(),
            bytes: 0,
        };
        walk.value("", 0);
        Self(walk.found)
    }

    /// The place of a field, or of the nearest thing around it.
    pub(crate) fn of_field(&self, text: &str, path: &str) -> Place {
        let mut path = if path == "." { "" } else { path };
        loop {
            if let Some(at) = self.0.get(path) {
                return Place::of(text, *at);
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = path.get(..end).unwrap_or_default(),
                None if path.is_empty() => return Place { line: 1, column: 1 },
                None => path = "",
            }
        }
    }
}

impl Place {
    fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let column = before.get(start..).unwrap_or_default().chars().count() + 1;
        Self { line, column }
    }
}

/// A walk over a document.
struct Walk<'a> {
    text: &'a str,
    at: usize,
    found: BTreeMap<String, usize>,
    /// Of all paths.
    bytes: usize,
}

impl Walk<'_> {
    /// Keeps the place of a path; nothing where there are too many.
    fn keep(&mut self, path: String, at: usize) -> Option<()> {
        self.bytes += path.len();
        if self.bytes > MOST {
            return None;
        }
        self.found.insert(path, at);
        Some(())
    }

    /// Walks over one value; nothing where it ends too early.
    fn value(&mut self, path: &str, depth: usize) -> Option<()> {
        self.blank();
        if !self.found.contains_key(path) {
            self.keep(path.to_owned(), self.at)?;
        }
        match self.peek()? {
            _ if depth > DEEPEST => None,
            b'{' => self.object(path, depth),
            b'[' => self.list(path, depth),
            b'"' => self.string().map(|_| ()),
            // There is no value, and whoever looked for one would find the same again.
            b',' | b']' | b'}' => None,
            _ => {
                while self
                    .peek()
                    .is_some_and(|byte| !b",]} \t\r\n".contains(&byte))
                {
                    self.at += 1;
                }
                Some(())
            }
        }
    }

    fn object(&mut self, path: &str, depth: usize) -> Option<()> {
        self.at += 1;
        loop {
            self.blank();
            match self.peek()? {
                b'}' => {
                    self.at += 1;
                    return Some(());
                }
                b',' => self.at += 1,
                b'"' => {
                    let key_at = self.at;
                    let key = self.string()?;
                    let below = if path.is_empty() {
                        key
                    } else {
                        format!("{path}.{key}")
                    };
                    // The field's place is its name.
                    self.keep(below.clone(), key_at)?;
                    self.blank();
                    if self.peek()? != b':' {
                        return None;
                    }
                    self.at += 1;
                    self.value(&below, depth + 1)?;
                }
                _ => return None,
            }
        }
    }

    fn list(&mut self, path: &str, depth: usize) -> Option<()> {
        self.at += 1;
        let mut index = 0;
        loop {
            self.blank();
            match self.peek()? {
                b']' => {
                    self.at += 1;
                    return Some(());
                }
                b',' => self.at += 1,
                _ => {
                    self.value(&format!("{path}[{index}]"), depth + 1)?;
                    index += 1;
                }
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek()? {
                b'\\' => self.at += 2,
                b'"' => break,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        serde_json::from_str(self.text.get(start..self.at)?).ok()
    }

    fn blank(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, path: &str) -> (usize, usize) {
        let place = Places::of(text).of_field(text, path);
        (place.line, place.column)
    }

    #[test]
    fn a_field_is_where_its_name_is() {
        let text = "{\n  \"a\": {\"b\": [1, {\"ü\": 2, \"c\": \"x,]}\"}]},\n  \"d\": true\n}";
        assert_eq!(place(text, "."), (1, 1));
        assert_eq!(place(text, "a"), (2, 3));
        assert_eq!(place(text, "a.b"), (2, 9));
        assert_eq!(place(text, "a.b[0]"), (2, 15));
        assert_eq!(place(text, "a.b[1].c"), (2, 27));
        assert_eq!(place(text, "d"), (3, 3));
    }

    #[test]
    fn what_is_missing_is_where_it_should_be() {
        let text = "{\n \"a\": {\"b\": []}}";
        assert_eq!(place(text, "a.b[7].c"), (2, 8));
        assert_eq!(place(text, "a.x"), (2, 2));
        assert_eq!(place(text, "x"), (1, 1));
    }

    #[test]
    fn a_broken_document_has_the_places_before_it_breaks() {
        for text in [
            "",
            "{",
            "{\"a\"",
            "{\"a\": [1, ",
            "{\"a\": \"\\",
            "[[[[",
            "[}",
            "{\"a\": [1 }, 2]}",
            "{\"a\": nul",
        ] {
            assert_eq!(place(text, "b").0, 1, "{text}");
        }
        assert_eq!(place("{\"a\": 1,\n\"b\": ?, }", "b"), (2, 1));
        assert_eq!(place("{\"a\": [1 },\n\"b\": 1}", "b"), (1, 1));
        assert_eq!(place(&"[".repeat(100_000), "a"), (1, 1));
    }

    #[test]
    fn the_places_of_a_large_document_are_found_up_to_a_bound() {
        let name = "n".repeat(100_000);
        let ones = "1,".repeat(100_000);
        let text = format!("{{\"a\": 1,\n\"{name}\": [{ones}1],\n\"b\": 1}}");
        let places = Places::of(&text);
        assert!(places.0.len() < 20, "{}", places.0.len());
        assert_eq!(places.of_field(&text, "a").line, 1);
        assert_eq!(places.of_field(&text, "b").line, 1);
    }
}
