//! Money: [`Tao`] and [`Alpha`], integers with exact decimal text.
//!
//! Both count rao, 10⁻⁹ of a coin, in a `u64`. They are different currencies and never mix: a price
//! stands between them. There is no float on the way in or out; [`Tao::to_f64_lossy`] is for display
//! and plots only.

use core::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Rao in one TAO, and alpha units in one alpha.
pub const RAO_PER_COIN: u64 = 1_000_000_000;

/// Why a decimal amount could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseAmountError {
    /// The text has no digits.
    #[error("an amount needs at least one digit")]
    Empty,
    /// Something that is neither a digit nor the one decimal point.
    #[error("unexpected character {0:?} in an amount; write for example 1.5")]
    Character(char),
    /// More than nine decimals would lose a fraction of a rao.
    #[error("an amount has at most nine decimals")]
    TooPrecise,
    /// The amount does not fit 64 bits of rao.
    #[error("the amount is larger than 18446744073.709551615")]
    Overflow,
}

macro_rules! amount {
    ($(#[$doc:meta])* $name:ident, $symbol:literal, $alias:literal) => {
        $(#[$doc])*
        #[doc(alias = $alias)]
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(u64);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);
            /// The largest amount of 64 bits.
            pub const MAX: Self = Self(u64::MAX);

            /// The amount of `rao` smallest units.
            pub const fn from_rao(rao: u64) -> Self {
                Self(rao)
            }

            /// Whole coins; `None` past 18.4 billion.
            pub const fn from_coins(coins: u64) -> Option<Self> {
                match coins.checked_mul(RAO_PER_COIN) {
                    Some(rao) => Some(Self(rao)),
                    None => None,
                }
            }

            /// The amount in smallest units.
            pub const fn rao(self) -> u64 {
                self.0
            }

            /// Whether the amount is nothing.
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }

            /// The sum, unless it overflows.
            pub const fn checked_add(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) {
                    Some(rao) => Some(Self(rao)),
                    None => None,
                }
            }

            /// The difference, unless it would be negative.
            pub const fn checked_sub(self, other: Self) -> Option<Self> {
                match self.0.checked_sub(other.0) {
                    Some(rao) => Some(Self(rao)),
                    None => None,
                }
            }

            /// The sum, capped at [`Self::MAX`].
            pub const fn saturating_add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }

            /// The difference, at least zero.
            pub const fn saturating_sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }

            /// The amount in coins as a float: for plots, never for decisions.
            #[allow(clippy::cast_precision_loss)]
            pub fn to_f64_lossy(self) -> f64 {
                self.0 as f64 / RAO_PER_COIN as f64
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text = decimal(self.0, f.precision());
                f.pad_integral(true, "", &text)?;
                f.write_str(concat!(" ", $symbol))
            }
        }

        impl FromStr for $name {
            type Err = ParseAmountError;

            /// Reads coins with up to nine decimals, such as `1`, `0.5` or `.000000001`; the symbol
            /// may follow.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let text = text.trim();
                let text = text.strip_suffix($symbol).unwrap_or(text).trim_end();
                parse_decimal(text).map(Self)
            }
        }
    };
}

amount! {
    /// An amount of TAO in rao (1 TAO = 10⁹ rao).
    Tao, "TAO", "TaoBalance"
}
amount! {
    /// An amount of a subnet's alpha in its smallest unit (1 alpha = 10⁹ units).
    ///
    /// Alpha of two subnets are two currencies; the netuid travels beside the amount.
    Alpha, "alpha", "AlphaBalance"
}

/// Exact decimal text of `rao`, with `precision` decimals (cut, not rounded) or all nine.
fn decimal(rao: u64, precision: Option<usize>) -> String {
    let fraction = format!("{:09}", rao % RAO_PER_COIN);
    match precision {
        Some(0) => format!("{}", rao / RAO_PER_COIN),
        Some(digits) => {
            format!("{}.{}", rao / RAO_PER_COIN, &fraction[..digits.min(9)])
        }
        None => format!("{}.{fraction}", rao / RAO_PER_COIN),
    }
}

fn parse_decimal(text: &str) -> Result<u64, ParseAmountError> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(ParseAmountError::Empty);
    }
    if let Some(wrong) = whole.chars().chain(fraction.chars()).find(|c| !c.is_ascii_digit()) {
        return Err(ParseAmountError::Character(wrong));
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 9 {
        return Err(ParseAmountError::TooPrecise);
    }
    let whole: u64 = match whole {
        "" => 0,
        digits => digits.parse().map_err(|_| ParseAmountError::Overflow)?,
    };
    let fraction: u64 =
        format!("{fraction:0<9}").parse().map_err(|_| ParseAmountError::Overflow)?;
    whole
        .checked_mul(RAO_PER_COIN)
        .and_then(|rao| rao.checked_add(fraction))
        .ok_or(ParseAmountError::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keeps_the_last_rao() {
        let amount: Tao = "21000000.000000001".parse().unwrap();
        assert_eq!(amount.rao(), 21_000_000_000_000_001);
        assert_eq!(amount.to_string(), "21000000.000000001 TAO");
        assert_eq!(format!("{amount:.2}"), "21000000.00 TAO");
    }

    #[test]
    fn refuses_what_is_no_amount() {
        for (text, error) in [
            ("", ParseAmountError::Empty),
            (".", ParseAmountError::Empty),
            ("nan", ParseAmountError::Character('n')),
            ("-1", ParseAmountError::Character('-')),
            ("1.0000000001", ParseAmountError::TooPrecise),
            ("18446744073.709551616", ParseAmountError::Overflow),
            ("99999999999999999999", ParseAmountError::Overflow),
            ("1.2.3", ParseAmountError::Character('.')),
        ] {
            assert_eq!(text.parse::<Tao>(), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_round_trips(rao: u64) {
            let amount = Alpha::from_rao(rao);
            prop_assert_eq!(amount.to_string().parse::<Alpha>().unwrap(), amount);
        }
    }
}
