/// How a registry wants to be told who asks: one entry of `WWW-Authenticate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// A token that `realm` hands out.
    Bearer {
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
    /// Name and password with each request.
    Basic,
}

/// Reads a `WWW-Authenticate` header (RFC 9110, section 11.6.1). Schemes that are not understood are left out.
pub(crate) fn parse(header: &str) -> Vec<Challenge> {
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mut rest = header.trim_start_matches([' ', ',']);
    while !rest.is_empty() {
        let Some((token, after)) = take_token(rest) else {
            break;
        };
        if let Some(after) = after.trim_start().strip_prefix('=') {
            let Some((value, after)) = take_value(after.trim_start()) else {
                break;
            };
            if let Some((_, parameters)) = found.last_mut() {
                parameters.push((token.to_ascii_lowercase(), value));
            }
            rest = after;
        } else {
            found.push((token.to_ascii_lowercase(), Vec::new()));
            rest = after;
        }
        rest = rest.trim_start_matches([' ', ',']);
    }
    found
        .iter()
        .filter_map(|(scheme, parameters)| understand(scheme, parameters))
        .collect()
}

fn understand(scheme: &str, parameters: &[(String, String)]) -> Option<Challenge> {
    let get = |name: &str| {
        parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    match scheme {
        "bearer" => Some(Challenge::Bearer {
            realm: get("realm")?,
            service: get("service"),
            scope: get("scope"),
        }),
        "basic" => Some(Challenge::Basic),
        _ => None,
    }
}

fn take_token(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)));
    let (token, rest) = text.split_at(end.unwrap_or(text.len()));
    (!token.is_empty()).then_some((token, rest))
}

/// A token, or a text in quotes in which a backslash takes the meaning of the next character away.
fn take_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        return take_token(text).map(|(token, rest)| (token.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
#[path = "../../../oci/tests/support/mutate.rs"]
mod mutate;

#[cfg(test)]
mod tests {
    use super::mutate;
    use super::*;

    #[test]
    fn any_header_is_read_without_a_panic_and_says_no_more_than_it_had() {
        let seeds: [&[u8]; 3] = [
            br#"Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull""#,
            br#"Basic realm="Registry \"quoted\"", Bearer realm=x"#,
            b"Negotiate, Basic",
        ];
        let words: [&[u8]; 9] = [
            b"\"",
            b"=",
            b",",
            b"\\",
            b"Bearer ",
            b" realm=",
            b"\t",
            b"\"\"",
            b"\xc3\xa9",
        ];
        let mut mutator = mutate::Mutator(4);
        for _ in 0..mutate::rounds(50_000) {
            let bytes = mutator.input(&seeds, &words);
            let text = String::from_utf8_lossy(&bytes);
            for challenge in parse(&text) {
                if let Challenge::Bearer { realm, .. } = challenge {
                    assert!(realm.len() <= text.len());
                }
            }
        }
    }

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        let (service, scope) = (service.map(Into::into), scope.map(Into::into));
        Challenge::Bearer {
            realm: realm.into(),
            service,
            scope,
        }
    }

    #[test]
    fn challenges_of_real_registries_are_understood() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/ubuntu:pull,push""#;
        assert_eq!(
            parse(hub),
            [bearer(
                "https://auth.docker.io/token",
                Some("registry.docker.io"),
                Some("repository:library/ubuntu:pull,push"),
            )]
        );
        assert_eq!(parse(r#"Basic realm="Registry Realm""#), [Challenge::Basic]);
        let both = r#"Negotiate, Basic realm="a, b=\"c\"", bearer Realm="https://x/"  ,service=y"#;
        assert_eq!(
            parse(both),
            [Challenge::Basic, bearer("https://x/", Some("y"), None)]
        );
    }

    #[test]
    fn broken_challenges_end_the_reading_and_nothing_else() {
        for text in [
            "",
            ",,,",
            "Bearer",
            "Bearer realm=",
            "Bearer realm=\"x",
            "=",
            "Bearer realm=\"x\\",
            "\u{7f}",
        ] {
            assert_eq!(parse(text), [], "{text}");
        }
    }
}
