//! Accepted nonces in a real Redis. Runs where there is a `redis-server`, in `PATH` or named by
//! `TENSOR_REDIS_SERVER`; with `TENSOR_INTEROP=1` a missing one is a failure.

use std::process::{Child, Command, Stdio};

use tensor_core::key::Scheme;
use tensor_net::replay::{RedisReplay, ReplayError, ReplayStore};
use tensor_net::wire::Claim;

use super::{NEW_YEAR, hotkey};

struct Redis(Child, String);

impl Redis {
    async fn start() -> Option<Self> {
        let program = std::env::var("TENSOR_REDIS_SERVER");
        let program = program.unwrap_or_else(|_| "redis-server".to_owned());
        // It must be told its port. One that was free a moment ago nearly always still is.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = Command::new(&program)
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--maxmemory-policy", "noeviction", "--port", &free.port().to_string()])
            .stdout(Stdio::null())
            .spawn();
        let asked = std::env::var("TENSOR_INTEROP").as_deref() == Ok("1");
        let child = match child {
            Ok(child) => child,
            Err(error) if asked => panic!("{program} does not start: {error}"),
            Err(error) => {
                println!("{program} does not start, and interop was not asked for: {error}");
                return None;
            }
        };
        let redis = Self(child, format!("redis://{free}/"));
        while tokio::net::TcpStream::connect(free).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        Some(redis)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn claim(nonce: u64) -> Claim {
    let live = nonce.saturating_add(10_000_000_000);
    Claim::new(hotkey("//Alice"), Scheme::Sr25519, [0; 64], nonce, live)
}

#[tokio::test]
async fn servers_share_what_they_accepted() {
    let Some(redis) = Redis::start().await else { return };
    let first = RedisReplay::connect(&redis.1, "axon:").await.unwrap();
    let second = RedisReplay::connect(&redis.1, "axon:").await.unwrap();
    let other = RedisReplay::connect(&redis.1, "other:").await.unwrap();
    let now = NEW_YEAR;
    first.record(&claim(now), false, now).await.unwrap();
    for store in [&first, &second] {
        let again = store.record(&claim(now), false, now).await;
        assert!(matches!(again, Err(ReplayError::Replayed)));
    }
    second.record(&claim(now + 1), false, now).await.unwrap();
    second.record(&claim(now).with_token(7), false, now).await.unwrap();
    other.record(&claim(now), false, now).await.unwrap();

    // Of many that race for one nonce, one wins.
    let contested = claim(now + 5);
    let races = (0..20).map(|_| first.record(&contested, false, now));
    let won = futures::future::join_all(races).await;
    assert_eq!(won.iter().filter(|outcome| outcome.is_ok()).count(), 1);

    // Without Redis nothing is accepted.
    drop(redis);
    let gone = first.record(&claim(now + 9), false, now).await;
    assert!(matches!(gone, Err(ReplayError::Unavailable(_))));
}
