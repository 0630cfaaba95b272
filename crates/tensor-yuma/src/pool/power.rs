//! Powers of a ratio to a rational exponent, scaled and floored, with the digits the runtime's big-number routine gives.
//!
//! The routine (safe-bigmath 0.4) is exact for exponents whose reduced numerator and denominator are at most 1,024, and
//! takes a Taylor series of logarithm and exponential otherwise. For exponents beyond about 150 in natural logarithm that
//! series loses all its digits; this module follows it there too, because the chain's result is what it is.

use num_bigint::{BigInt, BigUint, Sign};

const MAX_EXACT_EXPONENT: u64 = 1_024;
const GUARD_BITS: u32 = 24;
const MAX_TERMS: usize = 4_096;

/// Arguments of [`power_scaled`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerArguments {
    /// Base as numerator and denominator.
    pub base: (u128, u128),
    /// Exponent as numerator and denominator.
    pub exponent: (u64, u64),
    /// Least binary digits of the approximation after the point.
    pub precision: u32,
    /// Factor on the result.
    pub scale: u64,
}

/// `floor(scale * (a/b)^(p/q))` as the runtime computes it; `None` when `b` or `q` is 0.
///
/// A base of 0 gives 0 even for an exponent of 0. The approximation can only differ from the true floor when the true
/// value lies within its error of an integer; it may even be negative when the series diverges.
#[must_use]
pub fn power_scaled(arguments: PowerArguments) -> Option<BigInt> {
    let PowerArguments { base: (a, b), exponent: (p, q), precision, scale } = arguments;
    if b == 0 || q == 0 {
        return None;
    }
    if a == 0 {
        return Some(BigInt::ZERO);
    }
    if p == 0 {
        return Some(BigInt::from(scale));
    }
    let common = gcd(p, q);
    let (p, q) = (p / common, q / common);
    if p <= MAX_EXACT_EXPONENT && q <= MAX_EXACT_EXPONENT {
        return Some(exact(a, b, p as u32, q as u32, scale));
    }
    let scale_bits = u64::BITS - scale.leading_zeros();
    let precision = precision.max(32).max(scale_bits + 8);
    Some(Series::new(precision).power_scaled(a, b, p, q, scale))
}

/// Largest integer `r` with `r^q * b^p <= a^p * scale^q`.
fn exact(a: u128, b: u128, p: u32, q: u32, scale: u64) -> BigInt {
    let target = BigUint::from(a).pow(p) * BigUint::from(scale).pow(q);
    let denominator = BigUint::from(b).pow(p);
    // r^q <= target / denominator holds for an integer r exactly when it holds for the floored quotient.
    BigInt::from((target / denominator).nth_root(q))
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Fixed-point arithmetic with `precision + 24` fractional bits.
struct Series {
    precision: u32,
    bits: u32,
    terms: usize,
    one: BigInt,
}

impl Series {
    fn new(precision: u32) -> Self {
        let bits = precision + GUARD_BITS;
        Self {
            precision,
            bits,
            terms: MAX_TERMS.min(bits as usize + 128),
            one: BigInt::from(1) << bits,
        }
    }

    fn power_scaled(&self, a: u128, b: u128, p: u64, q: u64, scale: u64) -> BigInt {
        let ln_two = -self.ln_one_plus(&-(&self.one >> 1u32));
        let ln = self.ln(a, &ln_two) - self.ln(b, &ln_two);
        let exponent = floor_div(&(ln * p), &BigInt::from(q));
        let power = round_guard(&self.exp(&exponent));
        // A shift of a BigInt rounds to minus infinity, like the routine's floored division.
        (power * scale) >> self.precision
    }

    /// Logarithm of an integer through a mantissa in `0.75..1.5`.
    fn ln(&self, value: u128, ln_two: &BigInt) -> BigInt {
        let mut shift = u128::BITS - 1 - value.leading_zeros();
        let mut mantissa = (BigInt::from(value) << self.bits) >> shift;
        if mantissa >= &self.one + (&self.one >> 1u32) {
            mantissa >>= 1u32;
            shift += 1;
        }
        self.ln_one_plus(&(mantissa - &self.one)) + ln_two * shift
    }

    fn ln_one_plus(&self, x: &BigInt) -> BigInt {
        let mut term = x.clone();
        let mut sum = term.clone();
        let mut rounded = round_guard(&sum);
        for n in 2..=self.terms {
            term = (&term * x) >> self.bits;
            if term.sign() == Sign::NoSign {
                break;
            }
            let next = floor_div(&term, &BigInt::from(n));
            if next.sign() == Sign::NoSign {
                break;
            }
            if n % 2 == 0 {
                sum -= &next;
            } else {
                sum += &next;
            }
            if self.settled(&next, &sum, &mut rounded) {
                break;
            }
        }
        sum
    }

    fn exp(&self, x: &BigInt) -> BigInt {
        let mut term = self.one.clone();
        let mut sum = term.clone();
        let mut rounded = round_guard(&sum);
        for n in 1..=self.terms {
            term = floor_div(&(&term * x), &(&self.one * BigInt::from(n)));
            if term.sign() == Sign::NoSign {
                break;
            }
            sum += &term;
            if self.settled(&term, &sum, &mut rounded) {
                break;
            }
        }
        sum
    }

    /// The routine stops when a term falls below the guard bits or no longer changes the rounded sum.
    fn settled(&self, term: &BigInt, sum: &BigInt, rounded: &mut BigInt) -> bool {
        let now = round_guard(sum);
        let done = term.magnitude().bits() <= u64::from(GUARD_BITS) || now == *rounded;
        *rounded = now;
        done
    }
}

/// Drop the guard bits, rounding half away from zero.
fn round_guard(value: &BigInt) -> BigInt {
    let half = BigUint::from(1u32) << (GUARD_BITS - 1);
    BigInt::from_biguint(value.sign(), (value.magnitude() + half) >> GUARD_BITS)
}

fn floor_div(a: &BigInt, b: &BigInt) -> BigInt {
    let quotient = a / b;
    // Division truncates; the divisor is positive here.
    if a.sign() == Sign::Minus && &quotient * b != *a { quotient - 1 } else { quotient }
}
