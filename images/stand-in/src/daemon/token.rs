//! Join tokens: base64 of JSON, and the complaints about what is not one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What is in a join token; the order of the fields is part of its look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    /// What proves that one has it.
    pub(crate) secret: String,
    /// The SHA-256 of the cluster's certificate.
    pub(crate) fingerprint: String,
    /// Members that let one in.
    pub(crate) join_addresses: Vec<String>,
}

impl Token {
    /// The text that is handed to people.
    pub(crate) fn encode(&self) -> Result<String> {
        Ok(STANDARD.encode(serde_json::to_vec(self)?))
    }

    /// Reads the text back.
    ///
    /// # Errors
    ///
    /// The text is not base64, or what it encodes is no token.
    pub(crate) fn decode(text: &str) -> Result<Self> {
        let bytes = STANDARD.decode(text).map_err(|_| {
            let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
            let offset = text.bytes().position(|byte| !is_known(byte)).unwrap_or(text.len());
            Error::internal(format!("illegal base64 data at input byte {offset}"))
        })?;
        serde_json::from_slice(&bytes).map_err(|error| match bytes.first() {
            Some(first) if !matches!(first, b'{' | b'"' | b'[') && !first.is_ascii_digit() => {
                Error::internal(format!("invalid character '{}' looking for beginning of value", char::from(*first)))
            }
            Some(_) => Error::internal(format!("json: {error}")),
            None => Error::internal("unexpected end of JSON input"),
        })
    }
}

/// A new secret: 256 random bits in hexadecimal.
pub(crate) fn new_secret() -> String {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_the_recorded_shape() {
        let recorded = "eyJzZWNyZXQiOiIwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwIiwiZmluZ2VycHJpbnQiOiJmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmIiwiam9pbl9hZGRyZXNzZXMiOlsiMTAuNzcuMC4xMDE6NjY4NiJdfQ==";
        let token = Token::decode(recorded).expect("a token");
        assert_eq!(token.join_addresses, ["10.77.0.101:6686"]);
        assert_eq!(token.encode().expect("text"), recorded);
        assert_eq!(new_secret().len(), token.secret.len());
    }

    #[test]
    fn what_is_no_token_is_said_as_recorded() {
        for (text, message) in [
            ("badtoken", "invalid character 'm' looking for beginning of value"),
            ("not-base64!!", "illegal base64 data at input byte 3"),
        ] {
            assert_eq!(Token::decode(text).expect_err(text).message, message);
        }
    }
}
