//! The server's own secrets: made at the first start, kept in the data folder, readable by nobody else.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};
use store::Signer;
use terms::Secret;

/// Nonces and links survive a restart because their keys do.
pub(super) struct Keys {
    pub(super) nonce: Secret<[u8; 32]>,
    pub(super) links: Secret<Vec<u8>>,
    webhooks: Secret<[u8; 32]>,
}

impl Keys {
    /// Reads the keys of a data folder, or makes them.
    ///
    /// # Errors
    /// When the folder cannot be made, or a key cannot be read or written.
    pub(super) fn of(data: &Path) -> io::Result<Self> {
        fs::create_dir_all(data)?;
        let nonce = key(&data.join("nonce.key"))?;
        let links = key(&data.join("links.key"))?;
        let webhooks = key(&data.join("webhooks.key"))?;
        Ok(Self { nonce: Secret::new(nonce), links: Secret::new(links.to_vec()), webhooks: Secret::new(webhooks) })
    }

    /// Signs webhooks: with the configured secret, or with the server's own.
    pub(super) fn signer(&self, configured: Option<&Secret<String>>) -> Result<Signer, store::BadSecret> {
        match configured {
            Some(secret) => Signer::new(secret),
            None => Signer::new(&self.own_webhook_secret()),
        }
    }

    /// The server's own webhook secret, in the form of Standard Webhooks.
    fn own_webhook_secret(&self) -> Secret<String> {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        Secret::new(format!("whsec_{}", STANDARD.encode(self.webhooks.expose())))
    }
}

fn key(path: &Path) -> io::Result<[u8; 32]> {
    match fs::read(path) {
        Ok(bytes) => bytes.try_into().map_err(|_| io::Error::other(format!("{} is not a key of 32 bytes", path.display()))),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => {
            let mut bytes = [0_u8; 32];
            random(&mut bytes)?;
            let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            Ok(bytes)
        }
        Err(fault) => Err(io::Error::new(fault.kind(), format!("{}: {fault}", path.display()))),
    }
}

/// Random bytes of the system.
fn random(bytes: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    while filled < bytes.len() {
        filled += rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(())
}

/// A secret of this run of the server alone.
pub(super) fn random_secret() -> io::Result<Secret<[u8; 32]>> {
    let mut bytes = [0_u8; 32];
    random(&mut bytes)?;
    Ok(Secret::new(bytes))
}

/// A random seed.
pub(super) fn random_u64() -> io::Result<u64> {
    let mut bytes = [0_u8; 8];
    random(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}
