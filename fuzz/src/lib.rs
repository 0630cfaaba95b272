//! What several targets share: HTTP as text, so that recorded messages are seeds.

/// A message as text: a first line, header lines, an empty line, the body. Lines end with LF.
#[derive(Clone, Debug)]
pub struct Text {
    /// The words of the first line, such as method and target, or status.
    pub first: Vec<String>,
    /// The headers, values as bytes.
    pub headers: Vec<(String, Vec<u8>)>,
    /// What follows.
    pub body: Vec<u8>,
}

impl Text {
    /// Reads a message; nothing is refused.
    pub fn parse(data: &[u8]) -> Self {
        let end = data.windows(2).position(|two| two == b"\n\n");
        let (head, body) = match end {
            Some(end) => (&data[..end], data[end + 2..].to_vec()),
            None => (data, Vec::new()),
        };
        let mut lines = head.split(|byte| *byte == b'\n');
        let first = String::from_utf8_lossy(lines.next().unwrap_or_default());
        let first = first.split(' ').map(str::to_owned).collect();
        let headers = lines.filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let value = line[colon + 1..].trim_ascii().to_vec();
            Some((String::from_utf8_lossy(&line[..colon]).into_owned(), value))
        });
        Self { first, headers: headers.take(64).collect(), body }
    }

    /// A word of the first line.
    pub fn word(&self, at: usize, otherwise: &str) -> String {
        let word = self.first.get(at).filter(|word| !word.is_empty());
        word.cloned().unwrap_or_else(|| otherwise.to_owned())
    }

    /// The time that the first header ending in `nonce` or `timestamp` tells, in nanoseconds, so that
    /// recorded requests are fresh.
    pub fn time(&self) -> u64 {
        let ends = |name: &str, end: &str| name.to_ascii_lowercase().ends_with(end);
        let told = self.headers.iter().find_map(|(name, value)| {
            let number: u64 = std::str::from_utf8(value).ok()?.parse().ok()?;
            match name {
                name if ends(name, "nonce") => Some(number),
                name if ends(name, "timestamp") => number.checked_mul(1_000_000),
                _ => None,
            }
        });
        told.unwrap_or(1_767_225_600_000_000_000).saturating_add(1_000_000)
    }
}
