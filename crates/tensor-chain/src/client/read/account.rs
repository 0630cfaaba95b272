//! Accounts and money.

use serde::{Deserialize, Serialize};
use tensor_core::Tao;
use tensor_core::account::AccountId;
use tensor_core::call::Value;

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
