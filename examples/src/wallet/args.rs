//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use tensor_core::key::Scheme;

/// Keys and wallets that btcli and every other Bittensor tool can open.
///
/// A key is named WALLET (its coldkey) or WALLET/HOTKEY. No secret is taken from the command line,
/// where other users could see it, and none is printed unless --reveal or --show-mnemonic asks for it.
#[derive(Debug, Parser)]
#[command(name = "wallet", version, after_help = AFTER_HELP, max_term_width = 100)]
pub struct Args {
    /// Folder of wallets [default: $BT_WALLET_PATH, else ~/.bittensor/wallets]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub path: Option<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// File with the key's password, trimmed
    #[arg(long, global = true, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Open keys that are symbolic links, as containers mount them
    #[arg(long, global = true)]
    pub allow_symlinks: bool,
    /// Open keys that others than their owner may read
    #[arg(long, global = true)]
    pub allow_any_mode: bool,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
A password is looked for in --password-file, $BT_WALLET_PASSWORD (coldkeys), $BT_PW_<PATH OF THE FILE>,
the file $BT_WALLET_PASSWORD_FILE (coldkeys), and then asked for, if somebody is at the terminal.

Exit codes: 0 done, 1 the signature is not valid, 2 wrong usage, 3 password missing or wrong,
4 no such key, 5 exists already (see --overwrite), 6 anything else.

Examples:
  wallet create alice                      a coldkey with a password, and the hotkey alice/default
  wallet new-hotkey alice/miner-2
  wallet list
  wallet sign alice/default 'hello' | wallet verify 5F... 'hello' -
  wallet regen alice --from mnemonic       asks for the words
  wallet inspect alice --qr";

/// The commands.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum Command {
    /// Make a new wallet: a coldkey, encrypted, and a hotkey, not encrypted
    Create(Create),
    /// Make a new hotkey in a wallet
    NewHotkey(NewHotkey),
    /// Make a key again from its mnemonic, seed, private key, URI or polkadot-js JSON
    Regen(Regen),
    /// Show all wallets and hotkeys as a tree; asks for no password
    List,
    /// Show what is known of a key, as QR code if asked
    Inspect(Inspect),
    /// Sign a message; prints lower-case hex
    Sign(Sign),
    /// Check a signature; exit code 1 if it is not valid
    Verify(Verify),
    /// Encrypt a message to an ed25519 address (libsodium's sealed box); prints hex
    Seal(Seal),
    /// Decrypt a message that was sealed to a key
    Unseal(Unseal),
    /// Encrypt a key's file with a password; also moves old encryptions to the current one
    Encrypt(Key),
    /// Write a key's file in the clear
    Decrypt(Key),
    /// Encrypt a key's file with another password
    ChangePassword(Rekey),
    /// Print a key as polkadot-js JSON, encrypted with a password of its own
    Export(Rekey),
}

/// A signature scheme on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum SchemeName {
    /// What nearly everybody uses
    #[default]
    Sr25519,
    /// Deterministic signatures; can take sealed messages
    Ed25519,
}

impl From<SchemeName> for Scheme {
    fn from(name: SchemeName) -> Self {
        match name {
            SchemeName::Sr25519 => Self::Sr25519,
            SchemeName::Ed25519 => Self::Ed25519,
        }
    }
}

/// Options of every command that makes a key.
#[derive(Debug, clap::Args)]
#[non_exhaustive]
pub struct Fresh {
    /// Signature scheme
    #[arg(long, value_enum, default_value_t)]
    pub scheme: SchemeName,
    /// Replace a key that is there already; it is lost then
    #[arg(long)]
    pub overwrite: bool,
}

/// `create`
#[derive(Debug, clap::Args)]
#[non_exhaustive]
pub struct Create {
    /// WALLET, or WALLET/HOTKEY for another hotkey than `default`
    pub name: String,
    /// Words of each mnemonic: 12, 15, 18, 21 or 24
    #[arg(long, default_value_t = 12)]
    pub words: usize,
    /// Leave the coldkey in the clear
    #[arg(long)]
    pub no_password: bool,
    /// Print the mnemonics
    #[arg(long)]
    pub show_mnemonic: bool,
    /// Options of every new key
    #[command(flatten)]
    pub fresh: Fresh,
}

/// `new-hotkey`
#[derive(Debug, clap::Args)]
#[non_exhaustive]
pub struct NewHotkey {
    /// WALLET/HOTKEY
    pub name: String,
    /// Words of the mnemonic: 12, 15, 18, 21 or 24
    #[arg(long, default_value_t = 12)]
    pub words: usize,
    /// Encrypt the hotkey with a password
    #[arg(long)]
    pub with_password: bool,
    /// Print the mnemonic
    #[arg(long)]
    pub show_mnemonic: bool,
    /// Options of every new key
    #[command(flatten)]
    pub fresh: Fresh,
}

/// What a key is made again from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum Source {
    /// 12 to 24 words
    Mnemonic,
    /// 32 bytes of hex
    Seed,
    /// 64 bytes of hex (sr25519) or 32 (ed25519), as keyfiles have them
    PrivateKey,
    /// [phrase or 0x seed][//hard][/soft][///password]
    Uri,
    /// An export of polkadot-js or a browser wallet; its scheme is its own
    Json,
    /// An address: writes the public file only
    Address,
}

/// `regen`
#[derive(Debug, clap::Args)]
#[non_exhaustive]
pub struct Regen {
    /// WALLET for its coldkey, WALLET/HOTKEY for a hotkey
    pub name: String,
    /// What the key is made from
    #[arg(long, value_enum)]
    pub from: Source,
    /// File with it; asked for without (JSON needs a file)
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// File with the export's password, for JSON; asked for without
    #[arg(long, value_name = "FILE")]
    pub export_password_file: Option<PathBuf>,
    /// Leave the key in the clear [default for hotkeys]
    #[arg(long)]
    pub no_password: bool,
    /// Encrypt the key with a password [default for coldkeys]
    #[arg(long, conflicts_with = "no_password")]
    pub with_password: bool,
    /// Options of every new key
    #[command(flatten)]
    pub fresh: Fresh,
}

/// `inspect`
#[derive(Debug, clap::Args)]
#[non_exhaustive]
pub struct Inspect {
    /// WALLET or WALLET/HOTKEY
    pub name: String,
    /// Show the address as QR code
    #[arg(long)]
    pub qr: bool,
    /// Print the secrets: mnemonic, seed and private key
    #[arg(long)]
    pub reveal: bool,
}

/// `sign`
#[derive(Debug, clap::Args)]
#[non_exhaustive]
pub struct Sign {
    /// WALLET or WALLET/HOTKEY
    pub name: String,
    /// The message, signed as its exact UTF-8 bytes
    pub message: String,
    /// The message is hex, with or without 0x
    #[arg(long)]
    pub hex: bool,
}

/// `verify`
#[derive(Debug, clap::Args)]
#[non_exhaustive]
pub struct Verify {
    /// Who is said to have signed
    pub address: String,
    /// The message
    pub message: String,
    /// The signature in hex, with or without 0x; `-` reads it from standard input
    pub signature: String,
    /// Signature scheme: an address does not say it
    #[arg(long, value_enum, default_value_t)]
    pub scheme: SchemeName,
    /// The message is hex, with or without 0x
    #[arg(long)]
    pub hex: bool,
    /// Do not take <Bytes>message</Bytes>, the form that browser wallets sign, for the message
    #[arg(long)]
    pub exact: bool,
}

/// `seal`
#[derive(Debug, clap::Args)]
#[non_exhaustive]
pub struct Seal {
    /// An ed25519 address
    pub address: String,
    /// The message
    pub message: String,
}

/// `unseal`
#[derive(Debug, clap::Args)]
#[non_exhaustive]
pub struct Unseal {
    /// WALLET or WALLET/HOTKEY
    pub name: String,
    /// The sealed message in hex, with or without 0x
    pub sealed: String,
}

/// A command about one key file.
#[derive(Debug, clap::Args)]
#[non_exhaustive]
pub struct Key {
    /// WALLET or WALLET/HOTKEY
    pub name: String,
}

/// A command that needs a second password.
#[derive(Debug, clap::Args)]
#[non_exhaustive]
pub struct Rekey {
    /// WALLET or WALLET/HOTKEY
    pub name: String,
    /// File with the new password; asked for without
    #[arg(long, value_name = "FILE")]
    pub new_password_file: Option<PathBuf>,
}
