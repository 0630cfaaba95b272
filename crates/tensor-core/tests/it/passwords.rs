//! The passwords of the test wallets, each turned into a key once for the whole suite: that takes
//! seconds and 512 MiB.

use std::sync::LazyLock;

use tensor_core::wallet::Password;

static LATIN: LazyLock<Password> = LazyLock::new(|| Password::new("testing-Pa55"));
static OTHER: LazyLock<Password> = LazyLock::new(|| Password::new("пароль 密码"));
static WRONG: LazyLock<Password> = LazyLock::new(|| Password::new("wrong"));

/// The password of that text, shared.
pub(crate) fn shared(text: &str) -> &'static Password {
    match text {
        "testing-Pa55" => &LATIN,
        "пароль 密码" => &OTHER,
        _ => &WRONG,
    }
}

/// A password that opens nothing.
pub(crate) fn wrong() -> &'static Password {
    &WRONG
}
