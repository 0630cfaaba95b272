//! Noise that anybody can draw again: from the same seed and step come the same numbers, on every machine.

use sha2::{Digest, Sha256};

/// `count` numbers of the standard normal distribution for a step of a picture.
///
/// The rule, which will not change under this name: block k (0, 1, 2, …) is SHA-256 over the text `tensor-ml/noise/1`, the
/// seed, the step and k (8 bytes each, little endian). It is read as four little-endian numbers of 8 bytes, of which the
/// upper 53 bits count: a, b, c, d. With u = (a + 1) / 2⁵³, v = b / 2⁵³ and r = √(−2 ln u) its first two numbers are
/// r cos 2πv and r sin 2πv, and the other two come from c and d alike; each is rounded to `f32` at the end. `ln`, `cos`
/// and `sin` are those of the `libm` crate. Step 0 is what a picture starts from; step n + 1 is the noise that the nth
/// step of a solver adds.
pub fn normal(seed: u64, step: u64, count: usize) -> Vec<f32> {
    (0_u64..).flat_map(|block| numbers(seed, step, block)).take(count).collect()
}

fn numbers(seed: u64, step: u64, block: u64) -> [f32; 4] {
    let mut hash = Sha256::new();
    hash.update(b"tensor-ml/noise/1");
    for part in [seed, step, block] {
        hash.update(part.to_le_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    let mut bits = [0_u64; 4];
    for (bits, bytes) in bits.iter_mut().zip(digest.chunks_exact(8)) {
        let bytes = bytes.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte));
        *bits = bytes >> 11;
    }
    let [a, b, c, d] = bits;
    let [p, q] = pair(a, b);
    let [r, s] = pair(c, d);
    [p, q, r, s]
}

fn pair(a: u64, b: u64) -> [f32; 2] {
    const SPAN: f64 = (1_u64 << 53) as f64;
    let radius = (-2.0 * libm::log((a as f64 + 1.0) / SPAN)).sqrt();
    let angle = std::f64::consts::TAU * (b as f64 / SPAN);
    [(radius * libm::cos(angle)) as f32, (radius * libm::sin(angle)) as f32]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_noise_is_normal_and_depends_on_seed_and_step() {
        let many = normal(7, 0, 40_000);
        let mean = many.iter().map(|x| f64::from(*x)).sum::<f64>() / 40_000.0;
        let power = |n: i32| many.iter().map(|x| f64::from(*x).powi(n)).sum::<f64>() / 40_000.0;
        assert!(mean.abs() < 0.02 && (power(2) - 1.0).abs() < 0.03, "{mean} {}", power(2));
        assert!((power(4) - 3.0).abs() < 0.15, "{}", power(4));
        assert_eq!(normal(7, 0, 5), many[..5]);
        assert_ne!(normal(7, 1, 5), many[..5]);
        assert_ne!(normal(8, 0, 5), many[..5]);
        assert!(normal(1, 1, 0).is_empty());
    }
}
