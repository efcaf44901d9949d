//! What the claims of a verified token have to be. The time is handed in, unlike in the crate that
//! verifies signatures, which is why the claims are checked here.

use serde_json::{Map, Value};

use super::{AuthError, AuthSettings, KeyError};

/// What is expected of claims.
pub(super) struct Expected {
    audience: Vec<String>,
    issuer: Vec<String>,
    leeway_s: u64,
}

impl Expected {
    pub(super) fn new(settings: &AuthSettings) -> Self {
        let AuthSettings { audience, issuer, leeway_s, .. } = settings;
        Self { audience: audience.clone(), issuer: issuer.clone(), leeway_s: *leeway_s }
    }

    /// Refuses to expect anything of tokens that nobody verifies.
    pub(super) fn nothing(&self) -> Result<(), KeyError> {
        for (key, texts) in [("audience", &self.audience), ("issuer", &self.issuer)] {
            if !texts.is_empty() {
                return Err(KeyError::new(
                    key,
                    "there is no key, expected one to verify tokens by",
                ));
            }
        }
        Ok(())
    }

    /// From when on the token is refused, if it is not refused now.
    pub(super) fn check(&self, claims: &Map<String, Value>, now_s: u64) -> Result<u64, AuthError> {
        let exp = claims.get("exp");
        let expected = "when the token expires, in seconds";
        let exp =
            exp.and_then(seconds).ok_or_else(|| AuthError::unfit_claim("exp", exp, expected))?;
        let expires_at = exp.saturating_add(self.leeway_s);
        if now_s >= expires_at {
            return Err(AuthError::Expired);
        }
        if let Some(nbf) = claims.get("nbf") {
            let nbf = seconds(nbf);
            let nbf =
                nbf.ok_or(AuthError::wrong_claim("nbf", "from when on it is valid, in seconds"))?;
            if now_s.saturating_add(self.leeway_s) < nbf {
                return Err(AuthError::NotYet);
            }
        }
        self.check_audience(claims.get("aud"))?;
        self.check_issuer(claims.get("iss"))?;
        Ok(expires_at)
    }

    /// A token that is for somebody is for nobody else: RFC 7519, 4.1.3.
    fn check_audience(&self, aud: Option<&Value>) -> Result<(), AuthError> {
        if self.audience.is_empty() {
            let none = "none, as the server has no audience";
            return aud.map_or(Ok(()), |_| Err(AuthError::wrong_claim("aud", none)));
        }
        let is_ours = |aud: &Value| aud.as_str().is_some_and(|aud| is_among(&self.audience, aud));
        let fits = match aud {
            Some(Value::Array(several)) => several.iter().any(is_ours),
            Some(one) => is_ours(one),
            None => false,
        };
        if fits { Ok(()) } else { Err(AuthError::unfit_claim("aud", aud, "the server's audience")) }
    }

    fn check_issuer(&self, iss: Option<&Value>) -> Result<(), AuthError> {
        let is_trusted = iss.and_then(Value::as_str).is_some_and(|iss| is_among(&self.issuer, iss));
        if self.issuer.is_empty() || is_trusted {
            return Ok(());
        }
        Err(AuthError::unfit_claim("iss", iss, "an issuer that the server trusts"))
    }
}

fn is_among(texts: &[String], text: &str) -> bool {
    texts.iter().any(|other| other == text)
}

/// A `NumericDate`, which may have a fraction: that part of a second does not count.
fn seconds(value: &Value) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "what is past the largest number is as good as never, and below 0 there is none"
    )]
    let whole = |float: f64| (float >= 0.0).then_some(float as u64);
    value.as_u64().or_else(|| value.as_f64().and_then(whole))
}
