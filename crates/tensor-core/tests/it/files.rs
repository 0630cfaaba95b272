//! The file system's side of wallets: what is refused, what is kept, and what is written.
#![cfg(unix)]

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use tensor_core::{
    key::{Scheme, SignerSync},
    wallet::{
        Encryption, Guard, Keyfile, KeyfileError, Overwrite, Password, Wallet, WalletError,
        password,
    },
};

use crate::passwords;

fn alice() -> Keyfile {
    Keyfile::from_uri("//Alice", Scheme::Sr25519).unwrap()
}

fn bob() -> Keyfile {
    Keyfile::from_uri("//Bob", Scheme::Ed25519).unwrap()
}

/// A wallet with a plain hotkey `h`, and the path of its secret file.
fn wallet() -> (tempfile::TempDir, Wallet, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let wallet = Wallet::new(folder.path().join("wallets"), "w").unwrap();
    wallet.write_hotkey("h", &alice(), None, Overwrite::Never).unwrap();
    let path = wallet.hotkey_path(&"h".parse().unwrap());
    (folder, wallet, path)
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn layout_and_modes_are_those_of_btcli() {
    let (folder, wallet, path) = wallet();
    wallet.write_coldkey(&bob(), None, Overwrite::Never).unwrap();
    assert_eq!(names(wallet.folder()), ["coldkey", "coldkeypub.txt", "hotkeys"]);
    assert_eq!(names(path.parent().unwrap()), ["h", "hpub.txt"], "and no draft is left");
    for file in ["coldkey", "coldkeypub.txt", "hotkeys/h", "hotkeys/hpub.txt"] {
        assert_eq!(mode(&wallet.folder().join(file)), 0o600, "{file}");
    }
    for folder in [folder.path().join("wallets").as_path(), wallet.folder(), path.parent().unwrap()]
    {
        assert_eq!(mode(folder), 0o700, "{folder:?}");
    }
    let public = fs::read(wallet.folder().join("coldkeypub.txt")).unwrap();
    assert_eq!(public.len(), 243);
    assert_eq!(Keyfile::read(&public).unwrap().account_id(), bob().account_id());
}

#[test]
fn nothing_is_overwritten_without_being_told() {
    let (_folder, wallet, path) = wallet();
    let before = fs::read(&path).unwrap();
    let refused = wallet.write_hotkey("h", &bob(), None, Overwrite::Never).unwrap_err();
    assert!(matches!(refused, WalletError::Exists { path: at } if at == path));
    assert_eq!(fs::read(&path).unwrap(), before);

    // The public file alone is as precious: it may belong to a key on another machine.
    fs::remove_file(&path).unwrap();
    let refused = wallet.write_hotkey("h", &bob(), None, Overwrite::Never).unwrap_err();
    assert!(matches!(refused, WalletError::Exists { .. }));
    assert!(!path.exists());

    // But a missing public file can be put beside its secret.
    wallet.write_hotkey("h2", &alice(), None, Overwrite::Never).unwrap();
    fs::remove_file(path.with_file_name("h2pub.txt")).unwrap();
    wallet.write_hotkey("h2", &alice().to_public(), None, Overwrite::Never).unwrap();
    assert!(path.with_file_name("h2pub.txt").exists());

    wallet.write_hotkey("h", &bob(), None, Overwrite::Replace).unwrap();
    let key = wallet.hotkey("h").unwrap().open().unwrap();
    assert_eq!(key.account_id(), bob().account_id());
}

#[test]
fn a_link_in_the_way_is_replaced_and_not_followed() {
    let (folder, wallet, path) = wallet();
    let target = folder.path().join("target");
    fs::write(&target, "precious").unwrap();
    fs::remove_file(&path).unwrap();
    symlink(&target, &path).unwrap();
    assert!(matches!(
        wallet.write_hotkey("h", &bob(), None, Overwrite::Never).unwrap_err(),
        WalletError::Exists { .. }
    ));
    wallet.write_hotkey("h", &bob(), None, Overwrite::Replace).unwrap();
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    assert!(wallet.hotkey("h").unwrap().open().is_ok());
}

#[test]
fn links_are_refused_unless_allowed() {
    let (folder, wallet, path) = wallet();
    let moved = folder.path().join("moved");
    fs::rename(&path, &moved).unwrap();
    symlink(&moved, &path).unwrap();
    assert!(matches!(wallet.hotkey("h").unwrap_err(), WalletError::Symlink { .. }));
    let mounted = wallet.clone().with_guard(Guard::strict().with_symlinks(true));
    assert!(mounted.hotkey("h").unwrap().open().is_ok());
    fs::remove_file(&moved).unwrap();
    assert!(matches!(mounted.hotkey("h").unwrap_err(), WalletError::NotFound { .. }));
}

#[test]
fn loose_modes_are_refused_unless_allowed() {
    let (_folder, wallet, path) = wallet();
    for loose in [0o644, 0o604, 0o602] {
        set_mode(&path, loose);
        let error = wallet.hotkey("h").unwrap_err();
        assert!(
            matches!(error, WalletError::WorldReadable { mode, .. } if mode == loose),
            "{error:?}"
        );
    }
    for loose in [0o640, 0o620] {
        set_mode(&path, loose);
        let error = wallet.hotkey("h").unwrap_err();
        assert!(matches!(error, WalletError::WrongMode { mode, .. } if mode == loose), "{error:?}");
    }
    let mounted = wallet.clone().with_guard(Guard::strict().with_any_mode(true));
    assert!(mounted.hotkey("h").unwrap().open().is_ok());
    // Addresses are no secret.
    assert_eq!(wallet.hotkey_public("h").unwrap().account_id(), alice().account_id());
    set_mode(&path, 0o400);
    assert!(wallet.hotkey("h").unwrap().open().is_ok());
}

#[test]
fn what_is_no_keyfile_is_refused_early() {
    let (_folder, wallet, path) = wallet();
    assert!(matches!(wallet.hotkey("other").unwrap_err(), WalletError::NotFound { .. }));
    assert!(matches!(wallet.hotkey("../w").unwrap_err(), WalletError::Name(_)));
    assert!(matches!(wallet.coldkey().unwrap_err(), WalletError::NotFound { .. }));

    fs::write(&path, vec![b' '; 10 << 20]).unwrap();
    assert!(matches!(wallet.hotkey("h").unwrap_err(), WalletError::TooLarge { .. }));
    fs::write(&path, "").unwrap();
    let empty = wallet.hotkey("h").unwrap().open().unwrap_err();
    assert!(matches!(empty, WalletError::Keyfile { source: KeyfileError::Corrupt { .. }, .. }));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(matches!(wallet.hotkey("h").unwrap_err(), WalletError::NotAFile { .. }));
}

#[test]
fn a_file_without_permission_says_so() {
    let (_folder, wallet, path) = wallet();
    set_mode(&path, 0);
    // The superuser may read everything; then there is nothing to see here.
    match (fs::read(&path), wallet.hotkey("h")) {
        (Err(_), Err(WalletError::Permission { .. })) | (Ok(_), Ok(_)) => {}
        (_, other) => panic!("{other:?}"),
    }
}

#[test]
fn hotkeys_are_listed_in_natural_order_and_drafts_are_not() {
    let (_folder, wallet, path) = wallet();
    for name in ["hk-10", "hk-9"] {
        wallet.write_hotkey(name, &bob(), None, Overwrite::Never).unwrap();
    }
    fs::remove_file(wallet.hotkey_path(&"hk-9".parse().unwrap())).unwrap();
    fs::write(path.with_file_name("hk-11.0011.lock"), "").unwrap();
    fs::create_dir(path.with_file_name("folder")).unwrap();
    let names: Vec<String> = wallet.hotkeys().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["h", "hk-9", "hk-10"], "a public file alone is listed, too");

    let wallets = wallet.folder().parent().unwrap();
    let listed: Vec<_> = Wallet::list(wallets).unwrap();
    assert_eq!(listed.iter().map(|wallet| wallet.name().as_str()).collect::<Vec<_>>(), ["w"]);
    assert!(Wallet::list(wallets.join("nowhere")).unwrap().is_empty());
}

#[test]
fn a_key_is_locked_with_a_password_and_opened_again() {
    let (_folder, wallet, path) = wallet();
    let password = passwords::shared("testing-Pa55");
    let key = wallet.hotkey("h").unwrap().open().unwrap();
    assert_eq!(key.encryption(), None);
    let key = key.rewrite(Some(password)).unwrap();
    assert_eq!(key.encryption(), Some(Encryption::Nacl));
    assert_eq!(mode(&path), 0o600);

    let locked = key.lock();
    assert_eq!(locked.account_id(), Some(alice().account_id()));
    assert!(locked.open().unwrap_err().asks_for_password());
    assert!(locked.unlock_with(|_| None).unwrap_err().asks_for_password());

    let reread = wallet.hotkey("h").unwrap();
    assert_eq!(reread.account_id(), Some(alice().account_id()), "known without a password");
    assert!(reread.unlock(passwords::wrong()).unwrap_err().asks_for_password());
    let key = reread.unlock(password).unwrap();
    let signature = key.sign_sync(b"hi").unwrap();
    assert!(tensor_core::key::verify(&alice().account_id(), b"hi", &signature));
    assert!(!format!("{key:?} {reread:?} {:?}", key.keyfile()).contains("0x"), "the address only");

    let key = key.rewrite(None).unwrap();
    assert_eq!(key.encryption(), None);
    assert_eq!(fs::read(&path).unwrap(), alice().to_json().as_bytes());
    let asked = wallet.hotkey("h").unwrap().unlock_with(|_| panic!("nothing to ask for"));
    assert!(asked.is_ok());
}

#[test]
fn old_encryptions_are_left_only_when_told() {
    let (_folder, wallet, path) = wallet();
    let password = passwords::shared("testing-Pa55");
    fs::remove_file(path.with_file_name("hpub.txt")).unwrap();
    for case in ["ansible-vault", "fernet-legacy"] {
        let old = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/wallets/cases/");
        let old = fs::read(Path::new(old).join(case)).unwrap();
        fs::write(&path, &old).unwrap();
        let locked = wallet.hotkey("h").unwrap();
        assert_eq!(locked.account_id(), None, "nothing says it");
        let key = locked.unlock(password).unwrap();
        assert!(key.encryption().is_some_and(|encryption| !encryption.is_current()));
        assert_eq!(fs::read(&path).unwrap(), old, "opening changes nothing");
        let account = key.account_id();
        key.rewrite(Some(password)).unwrap();
        let key = wallet.hotkey("h").unwrap().unlock(password).unwrap();
        assert!(key.encryption().is_some_and(Encryption::is_current));
        assert_eq!(key.account_id(), account);
    }
}

#[test]
fn an_empty_password_encrypts_nothing() {
    let (_folder, wallet, path) = wallet();
    let before = fs::read(&path).unwrap();
    let error =
        wallet.hotkey("h").unwrap().open().unwrap().rewrite(Some(&Password::new(""))).unwrap_err();
    assert!(matches!(error, WalletError::Keyfile { source: KeyfileError::EmptyPassword, .. }));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_public_only_secret_file_cannot_be_opened() {
    let (_folder, wallet, path) = wallet();
    fs::write(&path, alice().to_public().to_json().as_bytes()).unwrap();
    let error = wallet.hotkey("h").unwrap().open().unwrap_err();
    assert!(matches!(error, WalletError::Keyfile { source: KeyfileError::PublicOnly(_), .. }));
}

#[test]
fn of_writers_at_once_one_wins_whole() {
    let folder = tempfile::tempdir().unwrap();
    let wallet = Wallet::new(folder.path(), "w").unwrap();
    let keys: Vec<Keyfile> =
        (0..8u8).map(|seed| Keyfile::from_seed(&[seed; 32], Scheme::Sr25519)).collect();
    let written: Vec<bool> = std::thread::scope(|scope| {
        let writers: Vec<_> = keys
            .iter()
            .map(|key| scope.spawn(|| wallet.write_coldkey(key, None, Overwrite::Never).is_ok()))
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    assert_eq!(written.iter().filter(|won| **won).count(), 1);
    let content = fs::read(wallet.coldkey_path()).unwrap();
    let read = Keyfile::read(&content).unwrap().account_id();
    assert!(keys.iter().any(|key| key.account_id() == read), "one of them, and whole");
}

#[test]
fn a_password_is_found_in_the_file_that_the_environment_names() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    let lookup = |name: &str| {
        (name == password::PASSWORD_FILE_VARIABLE).then(|| file.to_str().unwrap().to_owned())
    };
    let find = || Password::for_coldkey(Path::new("/w/coldkey"), lookup);
    assert!(matches!(find(), Err(WalletError::NotFound { .. })));
    fs::write(&file, " two words \r\n").unwrap();
    assert_eq!(find().unwrap().unwrap().expose(), "two words");
    fs::write(&file, "\n").unwrap();
    assert!(find().unwrap().is_none());
    fs::write(&file, b"\xff").unwrap();
    assert!(matches!(find(), Err(WalletError::Password(_))));
    assert!(Password::for_file(Path::new("/w/hotkeys/h"), lookup).unwrap().is_none());
}
