//! `cargo run --release --features wallet --bin signer -- --help`

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    use clap::Parser;
    match unix::run(unix::Args::parse()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("signer: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(not(unix))]
fn main() -> std::process::ExitCode {
    eprintln!("signer: this system has no unix sockets");
    std::process::ExitCode::FAILURE
}

#[cfg(unix)]
mod unix {
    use std::path::PathBuf;

    use clap::{Parser, Subcommand};
    use futures::executor::block_on;
    use tensor_core::{
        BoxError,
        key::Signer,
        wallet::{Password, Wallet, layout},
    };
    use tensor_examples::signer::{SocketSigner, listen, serve};

    /// Holds a hotkey in a process of its own and signs over a unix socket that only you may open.
    #[derive(Debug, Parser)]
    #[command(name = "signer", version)]
    pub(super) struct Args {
        /// The socket
        #[arg(long, global = true, default_value = "signer.sock")]
        socket: PathBuf,
        /// Print one JSON object instead of text
        #[arg(long, global = true)]
        json: bool,
        #[command(subcommand)]
        command: Command,
    }

    #[derive(Debug, Subcommand)]
    enum Command {
        /// Open a key and sign with it until stopped
        Serve {
            /// WALLET/HOTKEY, or WALLET for its coldkey
            name: String,
            /// Folder of wallets [default: $BT_WALLET_PATH, else ~/.bittensor/wallets]
            #[arg(long)]
            path: Option<PathBuf>,
        },
        /// Have a message signed by the process behind the socket
        Sign {
            /// The message, signed as its exact UTF-8 bytes
            message: String,
        },
    }

    pub(super) fn run(args: Args) -> Result<(), BoxError> {
        let env = |name: &str| std::env::var(name).ok();
        match args.command {
            Command::Serve { name, path } => {
                let folder = path.or_else(|| layout::wallets_folder(env)).ok_or("say --path")?;
                let (wallet, hotkey) = layout::split(&name)?;
                let wallet = Wallet::new(folder, wallet.as_str())?;
                let locked = match &hotkey {
                    Some(hotkey) => wallet.hotkey(hotkey.as_str())?,
                    None => wallet.coldkey()?,
                };
                let stored = match &hotkey {
                    Some(_) => Password::for_file(locked.path(), env)?,
                    None => Password::for_coldkey(locked.path(), env)?,
                };
                let key = locked.unlock_with(|_| {
                    stored.or_else(|| {
                        rpassword::prompt_password("Password: ").ok().map(Password::new)
                    })
                })?;
                let listener = listen(&args.socket)?;
                eprintln!("signing for {} on {}", key.account_id(), args.socket.display());
                serve(&listener, &key, &|_| Ok(()))?;
            }
            Command::Sign { message } => {
                let signer = SocketSigner::connect(&args.socket)?;
                let signature = block_on(signer.sign(message.as_bytes()))?.to_hex();
                let address = signer.account_id().to_string();
                match args.json {
                    true => println!(
                        "{}",
                        serde_json::json!({ "address": address, "signature": signature })
                    ),
                    false => println!("{signature}"),
                }
            }
        }
        Ok(())
    }
}
