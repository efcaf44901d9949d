//! Who is let in, as whom, and until when.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use parlor_server::{AuthError, AuthSettings, Authenticator, Identity, Settings};
use serde_json::{Value, json};

const SECRET: &[u8] = b"thirty-two bytes of a test secret";
const RSA_PRIVATE: &[u8] = include_bytes!("keys/rs256.private.pem");
const RSA_PUBLIC: &[u8] = include_bytes!("keys/rs256.public.pem");
const EC_PRIVATE: &[u8] = include_bytes!("keys/es256.private.pem");
const EC_PUBLIC: &[u8] = include_bytes!("keys/es256.public.pem");

const NOW: u64 = 1_000_000;

fn settings(change: impl FnOnce(&mut AuthSettings)) -> AuthSettings {
    let mut settings = AuthSettings::default();
    change(&mut settings);
    settings
}

fn by(change: impl FnOnce(&mut AuthSettings)) -> Authenticator {
    Authenticator::new(&settings(change)).unwrap()
}

fn by_secret() -> Authenticator {
    by(|settings| settings.hs256_secret = Some(SECRET.into()))
}

fn hs256(secret: &[u8], claims: &Value) -> String {
    encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret)).unwrap()
}

fn rs256(claims: &Value) -> String {
    let key = EncodingKey::from_rsa_pem(RSA_PRIVATE).unwrap();
    encode(&Header::new(Algorithm::RS256), claims, &key).unwrap()
}

fn es256(claims: &Value) -> String {
    let key = EncodingKey::from_ec_pem(EC_PRIVATE).unwrap();
    encode(&Header::new(Algorithm::ES256), claims, &key).unwrap()
}

fn ann() -> Value {
    json!({"sub": "ann", "exp": NOW + 60, "role": "admin"})
}

/// The claims of ann, but for these; those that are `null` are left out.
fn ann_but(others: &Value) -> Value {
    let mut claims = ann();
    for (claim, value) in others.as_object().unwrap() {
        claims[claim] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

fn check(auth: &Authenticator, token: &str, expected: Result<&str, &str>) {
    let identity = auth.authenticate(Some(token), Some("mallory"), NOW);
    let got = identity.map(|identity| identity.user_id).map_err(|error| error.to_string());
    let expected = expected.map(Into::into).map_err(str::to_owned);
    assert_eq!(got, expected);
    if let Err(text) = got {
        for part in token.split('.').filter(|part| part.len() > 3) {
            assert!(!text.contains(part), "{text} repeats {part}");
        }
    }
}

const OTHER_ALGORITHM: &str = "the token is signed in another way, expected HS256";
const OTHER_KEY: &str = "the token is not signed by the key that was expected";
const NO_JWT: &str =
    "this is no JSON Web Token, expected header, claims and signature in base64url";
const UNREADABLE: &str = "the token can't be read, expected a JSON Web Token";

#[test]
fn a_signed_token_says_who_it_is_and_until_when() {
    let auth = by_secret();
    assert!(!auth.is_open());
    let identity = auth.authenticate(Some(&hs256(SECRET, &ann())), None, NOW).unwrap();
    let Identity { user_id, claims, expires_at } = &identity;
    assert_eq!((user_id.as_str(), *expires_at), ("ann", Some(NOW + 60)));
    assert_eq!(Value::Object(claims.clone()), ann());
    let data = identity.data().unwrap();
    assert_eq!(data.as_str(), r#"{"role":"admin","sub":"ann"}"#, "without what is the token's own");
    assert!(!format!("{identity:?}").contains("admin"), "{identity:?}");
}

#[test]
fn what_the_client_claims_does_not_matter_where_there_are_keys() {
    let auth = by_secret();
    check(&auth, &hs256(SECRET, &ann()), Ok("ann"));
    let refused = auth.authenticate(None, Some("ann"), NOW);
    assert_eq!(refused, Err(AuthError::NoToken));
    assert_eq!(auth.authenticate(Some(""), Some("ann"), NOW), Err(AuthError::NoToken));
}

#[test]
fn a_token_ends_at_exp_and_the_leeway_is_part_of_when_it_ends() {
    let auth = by_secret();
    let late = by(|settings| {
        settings.hs256_secret = Some(SECRET.into());
        settings.leeway_s = 30;
    });
    let token = hs256(SECRET, &ann());
    let until = |auth: &Authenticator, at| auth.authenticate(Some(&token), None, at);
    assert!(until(&auth, NOW + 59).is_ok());
    assert_eq!(until(&auth, NOW + 60), Err(AuthError::Expired));
    let identity = until(&late, NOW + 89).unwrap();
    assert_eq!(identity.expires_at, Some(NOW + 90));
    assert_eq!(until(&late, NOW + 90), Err(AuthError::Expired));
}

#[test]
fn nbf_is_honoured_with_the_leeway() {
    let token = hs256(SECRET, &ann_but(&json!({"nbf": NOW + 20})));
    let late = by(|settings| {
        settings.hs256_secret = Some(SECRET.into());
        settings.leeway_s = 19;
    });
    for (auth, at, expected) in [
        (by_secret(), NOW + 19, Err(AuthError::NotYet)),
        (by_secret(), NOW + 20, Ok(())),
        (late.clone(), NOW, Err(AuthError::NotYet)),
        (late, NOW + 1, Ok(())),
    ] {
        assert_eq!(auth.authenticate(Some(&token), None, at).map(drop), expected);
    }
}

#[test]
fn claims_that_are_missing_or_no_such_thing_are_named() {
    let auth = by_secret();
    let exp = "the token's claim `exp` does not fit, expected when the token expires, in seconds";
    let no_exp = "the token's claim `exp` is missing, expected when the token expires, in seconds";
    let no_sub = "the token's claim `sub` is missing, expected the user as text";
    let sub = "the token's claim `sub` does not fit, expected the user as text";
    let nbf = "the token's claim `nbf` does not fit, expected from when on it is valid, in seconds";
    for (claims, expected) in [
        (json!({"exp": null}), no_exp),
        (json!({"exp": "1000060"}), exp),
        (json!({"exp": -1}), exp),
        (json!({"exp": -0.5}), exp),
        (json!({"exp": [NOW + 60]}), UNREADABLE),
        (json!({"nbf": "soon"}), nbf),
        (json!({"sub": null}), no_sub),
        (json!({"sub": 5}), sub),
        (json!({"sub": ["ann"]}), UNREADABLE),
        (json!({"sub": ""}), "the user has 0 bytes, expected 1 to 255"),
        (json!({"sub": "system"}), "the user is \"system\", expected one who is not the server"),
        (json!({"sub": "a".repeat(256)}), "the user has 256 bytes, expected 1 to 255"),
    ] {
        check(&auth, &hs256(SECRET, &ann_but(&claims)), Err(expected));
    }
    let longest = "a".repeat(255);
    check(&auth, &hs256(SECRET, &ann_but(&json!({"sub": longest}))), Ok(&longest));
    check(
        &auth,
        &hs256(SECRET, &ann_but(&json!({"exp": 1_000_000.5}))),
        Err("the token has expired, expected one that is valid"),
    );
    check(&auth, &hs256(SECRET, &ann_but(&json!({"exp": 1e300}))), Ok("ann"));
    check(&auth, &hs256(SECRET, &json!(["ann"])), Err(NO_JWT));
}

#[test]
fn another_key_or_a_changed_token_is_refused() {
    let auth = by_secret();
    check(&auth, &hs256(b"thirty-two bytes of a fake secret", &ann()), Err(OTHER_KEY));
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (good, eve) = (hs256(SECRET, &ann()), hs256(b"another", &ann_but(&json!({"sub": "eve"}))));
    let (good, eve) = (parts(&good), parts(&eve));
    check(&auth, &format!("{}.{}.{}", good[0], eve[1], good[2]), Err(OTHER_KEY));
    check(&auth, &format!("{}.{}.", good[0], good[1]), Err(OTHER_KEY));
}

#[test]
fn what_is_no_token_at_all_is_called_that() {
    let auth = by_secret();
    let good = hs256(SECRET, &ann());
    let parts = good.split('.').collect::<Vec<_>>();
    let [header, claims, signature] = parts[..] else { panic!("{good}") };
    for token in [
        "x",
        "...",
        "ann",
        "é.é.é",
        "x.y.z",
        &format!("{header}.{claims}"),
        &format!("{header}.{claims}.{signature}.x"),
        &format!("{header}.nothing.{signature}"),
        &format!("{claims}..{signature}"),
        &format!("nothing.{claims}.{signature}"),
    ] {
        check(&auth, token, Err(NO_JWT));
    }
    check(&auth, &format!("{header}.{claims}.nothing"), Err(OTHER_KEY));
}

#[test]
fn alg_none_is_refused() {
    let token = hs256(SECRET, &ann());
    let payload = token.split('.').nth(1).unwrap();
    // {"alg":"none","typ":"JWT"}, {"alg":"None"}, {"typ":"JWT"}, each with and without a signature.
    for header in
        ["eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0", "eyJhbGciOiJOb25lIn0", "eyJ0eXAiOiJKV1QifQ"]
    {
        let signature = token.split('.').nth(2).unwrap();
        check(&by_secret(), &format!("{header}.{payload}."), Err(OTHER_ALGORITHM));
        check(&by_secret(), &format!("{header}.{payload}.{signature}"), Err(OTHER_ALGORITHM));
    }
}

#[test]
fn a_public_key_is_no_secret() {
    // Who has the public key signs with it, as if it were the secret.
    let forged = hs256(RSA_PUBLIC, &ann());
    let by_rsa = by(|settings| settings.rs256_public_key = Some(RSA_PUBLIC.into()));
    let other = "the token is signed in another way, expected RS256";
    check(&by_rsa, &forged, Err(other));
    let by_both = by(|settings| {
        settings.hs256_secret = Some(SECRET.into());
        settings.rs256_public_key = Some(RSA_PUBLIC.into());
    });
    check(&by_both, &forged, Err(OTHER_KEY));

    // Nor is a token of the private key one for the secret.
    check(&by_secret(), &rs256(&ann()), Err(OTHER_ALGORITHM));
    let as_secret = settings(|settings| settings.hs256_secret = Some(RSA_PUBLIC.into()));
    let refused = Authenticator::new(&as_secret).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "hs256_secret: this is a PEM key, expected a secret that nobody else knows"
    );
}

#[test]
fn public_keys_verify_each_by_its_own_algorithm() {
    let by_rsa = by(|settings| settings.rs256_public_key = Some(RSA_PUBLIC.into()));
    let by_ec = by(|settings| settings.es256_public_key = Some(EC_PUBLIC.into()));
    check(&by_rsa, &rs256(&ann()), Ok("ann"));
    check(&by_ec, &es256(&ann()), Ok("ann"));
    check(&by_rsa, &es256(&ann()), Err("the token is signed in another way, expected RS256"));
    check(&by_ec, &rs256(&ann()), Err("the token is signed in another way, expected ES256"));
    let rsa = EncodingKey::from_rsa_pem(RSA_PRIVATE).unwrap();
    for other in [Algorithm::RS384, Algorithm::RS512, Algorithm::PS256] {
        let token = encode(&Header::new(other), &ann(), &rsa).unwrap();
        check(&by_rsa, &token, Err("the token is signed in another way, expected RS256"));
    }
    let hs512 = EncodingKey::from_secret(SECRET);
    let token = encode(&Header::new(Algorithm::HS512), &ann(), &hs512).unwrap();
    check(&by_secret(), &token, Err(OTHER_ALGORITHM));

    let by_all = by(|settings| {
        settings.hs256_secret = Some(SECRET.into());
        settings.rs256_public_key = Some(RSA_PUBLIC.into());
        settings.es256_public_key = Some(EC_PUBLIC.into());
    });
    for token in [hs256(SECRET, &ann()), rs256(&ann()), es256(&ann())] {
        check(&by_all, &token, Ok("ann"));
    }
    assert_eq!(format!("{by_all:?}"), "Tokens by HS256 or RS256 or ES256");
}

#[test]
fn a_header_that_has_to_be_understood_is_not() {
    let mut header = Header::new(Algorithm::HS256);
    header.crit = Some(vec!["b64".into()]);
    let token = encode(&header, &ann(), &EncodingKey::from_secret(SECRET)).unwrap();
    check(&by_secret(), &token, Err(UNREADABLE));
}

#[test]
fn a_token_is_for_the_audience_that_it_names() {
    let ours = by(|settings| {
        settings.hs256_secret = Some(SECRET.into());
        settings.audience = vec!["chat".into(), "board".into()];
    });
    let wrong = "the token's claim `aud` does not fit, expected the server's audience";
    let missing = "the token's claim `aud` is missing, expected the server's audience";
    let none = "the token's claim `aud` does not fit, expected none, as the server has no audience";
    for (aud, by_ours, by_none) in [
        (json!("chat"), Ok("ann"), Err(none)),
        (json!(["shop", "board"]), Ok("ann"), Err(none)),
        (json!("shop"), Err(wrong), Err(none)),
        (json!([]), Err(wrong), Err(none)),
        (json!({"chat": 1}), Err(wrong), Err(none)),
        (Value::Null, Err(missing), Ok("ann")),
    ] {
        let token = hs256(SECRET, &ann_but(&json!({"aud": aud})));
        check(&ours, &token, by_ours);
        check(&by_secret(), &token, by_none);
    }
}

#[test]
fn a_token_is_from_an_issuer_that_is_trusted() {
    let ours = by(|settings| {
        settings.hs256_secret = Some(SECRET.into());
        settings.issuer = vec!["https://id.example".into()];
    });
    let wrong = "the token's claim `iss` does not fit, expected an issuer that the server trusts";
    let missing = "the token's claim `iss` is missing, expected an issuer that the server trusts";
    for (iss, by_ours) in [
        (json!("https://id.example"), Ok("ann")),
        (json!("https://evil.example"), Err(wrong)),
        (json!(["https://id.example"]), Err(wrong)),
        (Value::Null, Err(missing)),
    ] {
        let token = hs256(SECRET, &ann_but(&json!({"iss": iss})));
        check(&ours, &token, by_ours);
        check(&by_secret(), &token, Ok("ann"));
    }
}

#[test]
fn a_token_of_16_kib_is_looked_at_and_no_longer_one() {
    let auth = by_secret();
    let long = |bytes: usize| {
        let mut token = hs256(SECRET, &ann());
        token.push_str(&"A".repeat(bytes - token.len()));
        auth.authenticate(Some(&token), None, NOW).unwrap_err()
    };
    assert_ne!(long(16_384), AuthError::TokenTooLong { max: 16_384 });
    assert_eq!(long(16_385), AuthError::TokenTooLong { max: 16_384 });
}

#[test]
fn keys_that_are_none_or_too_weak_are_named() {
    let private = "this is a private key, which a server must not have";
    let rsa = "this is no such key, expected an RSA public key as PEM";
    let ec = "this is no such key, expected an EC public key on the curve P-256 as PEM";
    let es384 = include_bytes!("keys/es384.public.pem");
    let weak = include_bytes!("keys/rs256.weak.public.pem");
    for (settings, key, message) in [
        (
            settings(|s| s.hs256_secret = Some([7; 31].into())),
            "hs256_secret",
            "it has 31 bytes, expected 32 at least",
        ),
        (settings(|s| s.rs256_public_key = Some(RSA_PRIVATE.into())), "rs256_public_key", private),
        (settings(|s| s.rs256_public_key = Some(EC_PUBLIC.into())), "rs256_public_key", rsa),
        (settings(|s| s.rs256_public_key = Some(b"x".into())), "rs256_public_key", rsa),
        (
            settings(|s| s.rs256_public_key = Some(weak.into())),
            "rs256_public_key",
            "it has 1024 bits, expected 2048 at least",
        ),
        (settings(|s| s.es256_public_key = Some(EC_PRIVATE.into())), "es256_public_key", private),
        (settings(|s| s.es256_public_key = Some(RSA_PUBLIC.into())), "es256_public_key", ec),
        (settings(|s| s.es256_public_key = Some(es384.into())), "es256_public_key", ec),
        (settings(|s| s.audience = vec!["a".into()]), "audience", "there is no key"),
        (settings(|s| s.issuer = vec!["a".into()]), "issuer", "there is no key"),
    ] {
        let refused = Authenticator::new(&settings).unwrap_err();
        assert_eq!(refused.key, key);
        assert!(refused.message.starts_with(message), "{refused}");
    }
    let secret = settings(|s| s.hs256_secret = Some(SECRET.into()));
    assert!(!format!("{secret:?}").contains("116, 104"), "{secret:?}");
}

#[test]
fn without_keys_everybody_is_whom_they_say_they_are() {
    let auth = Authenticator::new(&AuthSettings::default()).unwrap();
    assert!(auth.is_open());
    let ann = auth.authenticate(None, Some("ann"), NOW).unwrap();
    assert_eq!((ann.user_id.as_str(), ann.expires_at, ann.data()), ("ann", None, None));
    for (user, expected) in [
        (&*"a".repeat(256), "the user has 256 bytes, expected 1 to 255"),
        ("system", "the user is \"system\", expected one who is not the server"),
    ] {
        let refused = auth.authenticate(None, Some(user), NOW).unwrap_err();
        assert_eq!(refused.to_string(), expected);
    }
}

#[test]
fn the_longest_name_is_that_of_the_channel() {
    let auth = by_secret().with_max_name_bytes(3);
    check(&auth, &hs256(SECRET, &ann()), Ok("ann"));
    let anna = hs256(SECRET, &ann_but(&json!({"sub": "anna"})));
    check(&auth, &anna, Err("the user has 4 bytes, expected 1 to 3"));
    let settings = Settings::from_toml("[limits]\nname_bytes = 40").unwrap();
    let name = |bytes| settings.auth.authenticate(None, Some(&"a".repeat(bytes)), NOW);
    assert!(name(40).is_ok() && name(41).is_err());
}

#[test]
fn a_guest_has_a_random_name_that_no_token_is_in() {
    let auth = Authenticator::open();
    let token = hs256(SECRET, &ann());
    let guest = |token| auth.authenticate(token, Some(""), NOW).unwrap().user_id;
    let (one, two) = (guest(Some(token.as_str())), guest(Some(token.as_str())));
    assert_ne!(one, two);
    for guest in [one, two, guest(None)] {
        let random = guest.as_str().strip_prefix("guest-").unwrap();
        assert_eq!(random.len(), 22, "128 bits in base64url");
        assert!(token.split('.').all(|part| !part.contains(random) && !random.contains(part)));
    }
}
