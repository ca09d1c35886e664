//! Pages of lists.

use std::fmt::Write as _;

use crate::answer::ServiceError;

/// Where to begin and how much to give.
pub(crate) struct Page<'a> {
    pub(crate) size: usize,
    pub(crate) next_token: Option<&'a str>,
    /// The error code for a token that this list never gave out.
    pub(crate) bad_token: &'static str,
}

impl Page<'_> {
    /// Cuts one page out of `sorted`, of which only what `keep` accepts is shown.
    ///
    /// A token names the last item shown, not a position, so that what is added
    /// or filtered away between two pages neither repeats nor hides an item.
    pub(crate) fn cut<T>(
        &self,
        sorted: Vec<T>,
        key: impl Fn(&T) -> String,
        keep: impl Fn(&T) -> bool,
    ) -> Result<(Vec<T>, Option<String>), ServiceError> {
        let begin = match self.next_token {
            None => 0,
            Some(token) => sorted
                .iter()
                .position(|item| encode(&key(item)) == token)
                .map(|last_shown| last_shown + 1)
                .ok_or_else(|| ServiceError::refused(self.bad_token, "Invalid NextToken"))?,
        };
        let mut rest = sorted.into_iter().skip(begin).filter(|item| keep(item));
        let shown: Vec<T> = rest.by_ref().take(self.size).collect();
        let token = match (rest.next(), shown.last()) {
            (Some(_), Some(last)) => Some(encode(&key(last))),
            _ => None,
        };
        Ok((shown, token))
    }
}

/// Tokens are opaque: a client that builds or reads one is wrong.
fn encode(key: &str) -> String {
    key.bytes().rev().fold(String::new(), |mut token, byte| {
        // Writing to a string cannot fail.
        let _ = write!(token, "{byte:02x}");
        token
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(size: usize, next_token: Option<&str>) -> Page<'_> {
        Page {
            size,
            next_token,
            bad_token: "ValidationException",
        }
    }

    #[test]
    fn pages_cover_everything_once_and_the_last_has_no_token() {
        let items = || vec![1, 2, 3, 4];
        let (first, token) = page(2, None)
            .cut(items(), ToString::to_string, |_| true)
            .unwrap();
        assert_eq!(first, [1, 2]);
        let (second, token) = page(2, token.as_deref())
            .cut(items(), ToString::to_string, |_| true)
            .unwrap();
        assert_eq!((second, token), (vec![3, 4], None));
    }

    #[test]
    fn an_item_that_is_filtered_away_between_pages_does_not_lose_the_place() {
        let (_, token) = page(1, None)
            .cut(vec![1, 2, 3], ToString::to_string, |_| true)
            .unwrap();
        let (rest, _) = page(9, token.as_deref())
            .cut(vec![0, 1, 2, 3], ToString::to_string, |item| *item != 1)
            .unwrap();
        assert_eq!(rest, [2, 3]);
    }

    #[test]
    fn a_made_up_token_is_refused() {
        let refused = page(1, Some("2")).cut(vec![1, 2], ToString::to_string, |_| true);
        assert_eq!(refused.unwrap_err().code, "ValidationException");
    }
}
