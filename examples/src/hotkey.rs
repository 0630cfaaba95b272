//! The hotkey that a program signs with, as its arguments name it.

use std::path::PathBuf;

use clap::Args;
use tensor_core::key::{Keypair, Scheme};
use tensor_core::wallet::{Wallet, WalletError, layout};

/// A test key by URI, or a wallet's hotkey.
#[derive(Clone, Args)]
#[group(id = "key", skip)]
pub struct HotkeyArgs {
    /// Sign with the key of this URI: //Alice, a mnemonic, a seed. Others on this machine can see
    /// arguments, so use it for test keys.
    #[arg(long, required_unless_present = "wallet", conflicts_with = "wallet")]
    pub uri: Option<String>,
    /// Sign with a hotkey of this wallet.
    #[arg(long, value_name = "NAME")]
    pub wallet: Option<String>,
    /// Which of the wallet's hotkeys; it must not be encrypted.
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub hotkey: String,
    /// The folder of wallets; where btcli keeps them unless said.
    #[arg(long, value_name = "FOLDER")]
    pub wallet_path: Option<PathBuf>,
}

impl HotkeyArgs {
    /// The key.
    ///
    /// # Errors
    /// [`HotkeyError`], whose line says what to do.
    pub fn open(&self) -> Result<Keypair, HotkeyError> {
        if let Some(uri) = &self.uri {
            return Keypair::from_uri(uri, Scheme::Sr25519)
                .map_err(|error| HotkeyError::Uri(error.into()));
        }
        let folder = self.wallet_path.clone();
        let folder = folder.or_else(|| layout::wallets_folder(|name| std::env::var(name).ok()));
        let folder = folder.ok_or(HotkeyError::NoFolder)?;
        let wallet = Wallet::new(folder, self.wallet.as_deref().unwrap_or_default())?;
        Ok(wallet.hotkey(&self.hotkey)?.open()?.keypair().clone())
    }
}

impl std::fmt::Debug for HotkeyArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URI is a secret.
        f.debug_struct("HotkeyArgs").field("wallet", &self.wallet).finish_non_exhaustive()
    }
}

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HotkeyError {
    /// The URI cannot be read.
    #[error("--uri is no key")]
    Uri(#[source] tensor_core::BoxError),
    /// There is no home folder.
    #[error("there is no folder of wallets: name one with --wallet-path")]
    NoFolder,
    /// The wallet cannot be read, or its hotkey is encrypted.
    #[error("the wallet's hotkey cannot be used")]
    Wallet(#[from] WalletError),
}
