//! Accounts and money.

use serde::{Deserialize, Serialize};
use tensor_core::account::AccountId;
use tensor_core::call::Value;
use tensor_core::{BlockNumber, Coldkey, Hotkey, Tao};

use super::super::Subtensor;
use super::super::raw::typed;
use crate::error::Error;

/// An account's state (`System.Account`). One that does not exist is all zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Account {
    /// How many extrinsics it has signed.
    pub nonce: u32,
    /// What is free to spend, less what is frozen of it.
    pub free: Tao,
    /// What is set aside, as deposits are.
    pub reserved: Tao,
    /// What of the free balance cannot leave.
    pub frozen: Tao,
    /// Whether it exists: something keeps it alive.
    pub exists: bool,
}

/// Who a coldkey says it is (`SubtensorModule.IdentitiesV2`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)]
pub struct Identity {
    pub name: String,
    pub url: String,
    pub github_repo: String,
    pub image: String,
    pub discord: String,
    pub description: String,
    pub additional: String,
}

/// An announced swap of a coldkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ColdkeySwap {
    /// From which block it may be carried out.
    pub execute_from: BlockNumber,
    /// Blake2-256 of the new coldkey.
    pub new_coldkey_hash: [u8; 32],
    /// When it was disputed, if it was: then it never is carried out.
    pub disputed_at: Option<BlockNumber>,
}

#[derive(Deserialize)]
struct AccountInfo {
    nonce: u32,
    providers: u32,
    sufficients: u32,
    data: AccountData,
}

#[derive(Deserialize)]
struct AccountData {
    free: Tao,
    reserved: Tao,
    frozen: Tao,
}

impl From<AccountInfo> for Account {
    fn from(info: AccountInfo) -> Self {
        let AccountData { free, reserved, frozen } = info.data;
        let exists = info.providers > 0 || info.sufficients > 0;
        Self { nonce: info.nonce, free, reserved, frozen, exists }
    }
}

impl Subtensor {
    /// An account's state.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn account(&self, account: &AccountId) -> Result<Account, Error> {
        let keys = [Value::Account(*account)];
        let info: AccountInfo = self.storage_as("System", "Account", &keys).await?;
        Ok(info.into())
    }

    /// An account's free balance.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn balance(&self, account: &AccountId) -> Result<Tao, Error> {
        Ok(self.account(account).await?.free)
    }

    /// The states of many accounts, in their order, at one block and in one request per 256.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn accounts(&self, accounts: &[AccountId]) -> Result<Vec<Account>, Error> {
        let keys: Vec<_> = accounts.iter().map(|account| vec![Value::Account(*account)]).collect();
        let values = self.storage_many("System", "Account", &keys).await?;
        let read = |value| typed::<AccountInfo>("System", "Account", value).map(Account::from);
        values.into_iter().map(read).collect()
    }

    /// Who a coldkey says it is.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn identity(&self, coldkey: &Coldkey) -> Result<Option<Identity>, Error> {
        self.storage_as("SubtensorModule", "IdentitiesV2", &[(*coldkey).into()]).await
    }

    /// Who the owners of these hotkeys say they are, in their order.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn hotkey_identities(
        &self,
        hotkeys: &[Hotkey],
    ) -> Result<Vec<Option<Identity>>, Error> {
        let chain = self.pinned().await?;
        let keys: Vec<_> = hotkeys.iter().map(|hotkey| vec![(*hotkey).into()]).collect();
        let owners = chain.storage_many("SubtensorModule", "Owner", &keys).await?;
        let nobody = Value::Account(AccountId::from_bytes([0; 32]));
        let owners: Vec<_> =
            owners.into_iter().map(|owner| vec![owner.unwrap_or_else(|| nobody.clone())]).collect();
        let identities = chain.storage_many("SubtensorModule", "IdentitiesV2", &owners).await?;
        let read = |value| typed::<Option<Identity>>("SubtensorModule", "IdentitiesV2", value);
        identities.into_iter().map(read).collect()
    }

    /// The announced swap of a coldkey, if there is one.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn coldkey_swap_announcement(
        &self,
        coldkey: &Coldkey,
    ) -> Result<Option<ColdkeySwap>, Error> {
        const PALLET: &str = "SubtensorModule";
        let keys = [Value::from(*coldkey)];
        let values = self
            .storage_batch(&[
                (PALLET, "ColdkeySwapAnnouncements", &keys),
                (PALLET, "ColdkeySwapDisputes", &keys),
            ])
            .await?;
        let mut values = values.into_iter();
        let announced: Option<(BlockNumber, [u8; 32])> =
            typed(PALLET, "ColdkeySwapAnnouncements", values.next().flatten())?;
        let disputed_at = typed(PALLET, "ColdkeySwapDisputes", values.next().flatten())?;
        Ok(announced.map(|(execute_from, new_coldkey_hash)| ColdkeySwap {
            execute_from,
            new_coldkey_hash,
            disputed_at,
        }))
    }

    /// The least that an account must hold to exist.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn existential_deposit(&self) -> Result<Tao, Error> {
        self.constant_as("Balances", "ExistentialDeposit").await
    }

    /// All TAO that accounts hold (`Balances.TotalIssuance`).
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn total_issuance(&self) -> Result<Tao, Error> {
        self.storage_as("Balances", "TotalIssuance", &[]).await
    }
}
