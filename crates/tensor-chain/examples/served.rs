//! cargo run --release -p tensor-chain --features ws-server,shield --example served -- [PORT] [BLOCK_MS]
//!
//! A local chain on a websocket, for official clients: prints its URL, then makes a block every
//! BLOCK_MS milliseconds (250 unless said) until it is killed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tensor_chain::local::{LocalChain, Preset};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let port: u16 = args.next().map_or(Ok(0), |port| port.parse())?;
    let block_ms: u64 = args.next().map_or(Ok(250), |ms| ms.parse())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let chain = LocalChain::builder()
        .preset(Preset::Dev)
        .history(1_000_000)
        .finality_lag(2)
        .shield(true)
        .block_time_ms(block_ms)
        .genesis_ms(u64::try_from(now)?)
        .build()?;
    let server = chain.serve(([127, 0, 0, 1], port).into()).await?;
    println!("{}", server.url());
    let mut ticks = tokio::time::interval(Duration::from_millis(block_ms));
    loop {
        ticks.tick().await;
        chain.advance(1);
    }
}
