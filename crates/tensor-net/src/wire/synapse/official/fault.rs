//! What the official wallet package says of addresses and signatures that it cannot read.

/// The text for an address that is none; nothing for one that reads, whatever its network prefix.
pub(crate) fn of_hotkey(address: &str) -> Option<&'static str> {
    const LENGTH: &str = "Invalid SS58 address: Length is bad";
    let Some(bytes) = base58(address) else {
        return Some("Invalid SS58 address: Base 58 requirement is violated");
    };
    let (skip, prefix) = match bytes.as_slice() {
        [] | [_] => return Some(LENGTH),
        [first @ 0..=63, ..] => (1, u16::from(*first)),
        [first @ 64..=127, second, ..] => {
            (2, u16::from_le_bytes([(first << 2) | (second >> 6), second & 0x3f]))
        }
        _ => return Some("Invalid SS58 address: Invalid SS58 prefix byte."),
    };
    if bytes.len() != skip + 32 + 2 {
        return Some(LENGTH);
    }
    if matches!(prefix, 46 | 47) {
        return Some("Invalid SS58 address: Disallowed SS58 Address Format for this datatype.");
    }
    // What is left to be wrong is the checksum, and whoever reads the address checks that.
    let reads = tensor_core::AccountId::from_ss58_any(address).is_ok();
    (!reads).then_some("Invalid SS58 address: Invalid checksum")
}

/// The text for a signature header that is no signature.
pub(crate) fn of_signature(signature: &str) -> Option<String> {
    let Some(digits) = signature.strip_prefix("0x") else {
        return Some("Invalid signature format. Expected hex string.".to_owned());
    };
    match hex::decode(digits) {
        Ok(bytes) if bytes.len() == 64 => None,
        Ok(_) => Some("Invalid SR25519 signature.".to_owned()),
        // The package formats the same error of the same crate for programmers.
        Err(error) => Some(format!("Invalid hex string: {error:?}")),
    }
}

/// The bytes of a text in base 58, or nothing if it is none. Of a text longer than any address only
/// the letters are looked at.
fn base58(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let digit = |letter: u8| ALPHABET.iter().position(|known| *known == letter);
    let digits: Vec<usize> = text.bytes().map(digit).collect::<Option<_>>()?;
    let mut bytes: Vec<u8> = Vec::new();
    for digit in digits.iter().take(LONGEST) {
        let mut carry = *digit;
        for byte in &mut bytes {
            carry += usize::from(*byte) * 58;
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
        if carry > 0 {
            bytes.push((carry & 0xff) as u8);
        }
    }
    let zeros = text.bytes().take_while(|letter| *letter == b'1').count();
    bytes.extend(std::iter::repeat_n(0, zeros));
    bytes.reverse();
    Some(bytes)
}

/// Letters beyond which decoding, whose cost grows with the square of the length, stops.
const LONGEST: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

    /// What bittensor-wallet 4.1.1 said, asked for each of these.
    #[test]
    fn addresses_fail_as_the_official_package_says() {
        const LENGTH: &str = "Length is bad";
        const BASE58: &str = "Base 58 requirement is violated";
        const PREFIX: &str = "Invalid SS58 prefix byte.";
        const CHECKSUM: &str = "Invalid checksum";
        const FORMAT: &str = "Disallowed SS58 Address Format for this datatype.";
        for (address, expected) in [
            ("", LENGTH),
            (" ", BASE58),
            ("x", LENGTH),
            ("5xyz", LENGTH),
            ("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQ", PREFIX),
            ("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY1", LENGTH),
            ("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ", CHECKSUM),
            ("5GrwvaEF5zZb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY", CHECKSUM),
            ("0GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY", BASE58),
            ("5GrwvéEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY", BASE58),
            ("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY ", BASE58),
            ("5g1axYPrdA2VeKsqmz8WKpa8f3n4T9ou8Qv3f8BaeheH3ApS", FORMAT),
            ("5moFDXwG1SuDoPHJgX1XhiqZJXvMWLSRKMUBGopt7ZEmKmWa", FORMAT),
            ("DrZg9tnv91k6T93t3eGTHiNyeqWAxBSabYLp7AvGcpQG7iU3", PREFIX),
            ("2X5v1uj6TRrGDXG5dETNCXkV6jygzB3LFkY6AYtg6fNJ81jSUe", PREFIX),
            ("yA3vprfzKUKan9P1eXE6iMGCMSMDZEnAtb6wEjTEf86ZXt", LENGTH),
            ("111111111111111111111111111111111111111111111111", LENGTH),
        ] {
            let said = of_hotkey(address).unwrap();
            assert_eq!(said.strip_prefix("Invalid SS58 address: "), Some(expected), "{address}");
        }
        for good in [
            ALICE,
            "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5",
            "bt7zDqc4kAcKZ6kWup5yyuvRAbeYPhXGxwXY4CguG476A9MCE",
        ] {
            assert_eq!(of_hotkey(good), None, "{good}");
        }
        assert!(of_hotkey(&"5".repeat(100_000)).is_some());
    }

    #[test]
    fn signatures_fail_as_the_official_package_says() {
        let good = format!("0x{}", "ab".repeat(64));
        assert_eq!(of_signature(&good), None);
        for (signature, expected) in [
            (&good[..129], "Invalid hex string: OddLength"),
            (&good[..128], "Invalid SR25519 signature."),
            (&good[2..], "Invalid signature format. Expected hex string."),
            ("0x", "Invalid SR25519 signature."),
            ("0xabz0", "Invalid hex string: InvalidHexCharacter { c: 'z', index: 2 }"),
            ("0xéé", "Invalid hex string: InvalidHexCharacter { c: 'Ã', index: 0 }"),
        ] {
            assert_eq!(of_signature(signature).as_deref(), Some(expected));
        }
    }
}
