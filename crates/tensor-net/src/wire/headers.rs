//! Reading headers from whatever holds them: [`Headers`].

use core::fmt;

/// A list of headers that can be searched. Names compare without case.
///
/// Implemented for `[(name, value)]`, `Vec<(name, value)>` and [`http::HeaderMap`].
pub trait Headers: Send + Sync {
    /// Looks a header up. `name` is in lower case.
    fn find(&self, name: &str) -> Found<'_>;
}

/// What a search for one header brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// The header is not there.
    Nothing,
    /// It is there once.
    One(&'a [u8]),
    /// It is there more than once: readers may disagree about which one counts.
    Many,
}

impl<N: AsRef<str> + Send + Sync, V: AsRef<[u8]> + Send + Sync> Headers for [(N, V)] {
    fn find(&self, name: &str) -> Found<'_> {
        let mut hits = self.iter().filter(|(known, _)| known.as_ref().eq_ignore_ascii_case(name));
        match (hits.next(), hits.next()) {
            (None, _) => Found::Nothing,
            (Some((_, value)), None) => Found::One(value.as_ref()),
            (Some(_), Some(_)) => Found::Many,
        }
    }
}

impl<N: AsRef<str> + Send + Sync, V: AsRef<[u8]> + Send + Sync> Headers for Vec<(N, V)> {
    fn find(&self, name: &str) -> Found<'_> {
        self.as_slice().find(name)
    }
}

impl Headers for http::HeaderMap {
    fn find(&self, name: &str) -> Found<'_> {
        let mut hits = self.get_all(name).iter();
        match (hits.next(), hits.next()) {
            (None, _) => Found::Nothing,
            (Some(value), None) => Found::One(value.as_bytes()),
            (Some(_), Some(_)) => Found::Many,
        }
    }
}

impl<T: Headers + ?Sized> Headers for &T {
    fn find(&self, name: &str) -> Found<'_> {
        (**self).find(name)
    }
}

impl fmt::Debug for dyn Headers + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Headers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_maps_agree() {
        let list = [("X-One", "1"), ("X-Two", "2"), ("x-two", "3")];
        let mut map = http::HeaderMap::new();
        for (name, value) in list {
            map.append(name, value.parse().unwrap());
        }
        for headers in [&list[..] as &[_], &[]] {
            assert_eq!(headers.find("nothing"), Found::Nothing);
        }
        let both: [&dyn Headers; 2] = [&list.to_vec(), &map];
        for headers in both {
            assert_eq!(headers.find("x-one"), Found::One(b"1"));
            assert_eq!(headers.find("x-two"), Found::Many);
            assert_eq!(headers.find("x-three"), Found::Nothing);
        }
    }
}
