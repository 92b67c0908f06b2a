//! What a registry has: its repositories, where it tells them, and their tags.

use http::{HeaderMap, header};
use reqwest::Url;
use serde::Deserialize;
use terrarium_oci::Reference;

use crate::auth::Scope;
use crate::endpoint::registry_endpoint;
use crate::transport::{Call, read_body};
use crate::{Client, Error, Result};

/// A page has a hundred names; a registry that sends them all at once may have many more.
const MAX_BYTES: usize = 4 << 20;

/// Names, and where the list goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The names, as the registry orders them. What cannot be a name is left out.
    pub names: Vec<String>,
    /// What to ask for the next page with; none behind the last.
    pub next: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Listed {
    tags: Option<Vec<String>>,
    repositories: Option<Vec<String>>,
}

impl Client {
    /// A page of the tags of a repository (distribution-spec, "Listing Tags"); `page` is [`Page::next`] of the one before.
    ///
    /// # Errors
    /// As for [`Client::resolve`].
    pub async fn tags(&self, reference: &Reference, page: Option<&str>) -> Result<Page> {
        let (registry, repository) = (reference.registry(), reference.repository());
        let call = Call::get(
            format!("v2/{repository}/tags/list"),
            format!("repository `{repository}`"),
            Scope::pull(repository),
        );
        let (listed, next) = self.list(registry, call, page).await?;
        let is_tag = |tag: &String| is_name(&format!("{registry}/{repository}:{tag}"));
        let names = listed.tags.unwrap_or_default();
        Ok(Page {
            names: names.into_iter().filter(is_tag).collect(),
            next,
        })
    }

    /// A page of the repositories of a registry. Many, such as Docker Hub, do not tell them.
    ///
    /// # Errors
    /// As for [`Client::resolve`]; [`Error::NotFound`] or [`Error::Unauthorized`] where they are not told.
    pub async fn repositories(&self, registry: &str, page: Option<&str>) -> Result<Page> {
        let what = "list of repositories".to_owned();
        let call = Call::get("v2/_catalog".to_owned(), what, Scope::pull(""));
        let (listed, next) = self.list(registry, call, page).await?;
        let is_repository =
            |name: &String| !name.contains(':') && is_name(&format!("{registry}/{name}"));
        let names = listed.repositories.unwrap_or_default();
        Ok(Page {
            names: names.into_iter().filter(is_repository).collect(),
            next,
        })
    }

    async fn list(
        &self,
        registry: &str,
        mut call: Call,
        page: Option<&str>,
    ) -> Result<(Listed, Option<String>)> {
        let endpoint = registry_endpoint(registry, &self.transport.options)?;
        let query = page.map_or_else(|| "n=100".to_owned(), encoded);
        call.path = format!("{}?{query}", call.path);
        let response = self.transport.send(&endpoint, &call).await?;
        let next = next_page(response.headers());
        let body = read_body(response, &endpoint.host, &call.what, MAX_BYTES).await?;
        let listed = serde_json::from_slice(&body).map_err(|_| Error::Protocol {
            host: endpoint.host,
            message: "the list of names is no list".to_owned(),
        })?;
        // A page that leads to itself would never end.
        Ok((listed, next.filter(|next| page != Some(next.as_str()))))
    }
}

fn is_name(text: &str) -> bool {
    text.parse::<Reference>().is_ok()
}

/// The query of a next page comes from outside, so nothing of it may become another part of the address.
fn encoded(query: &str) -> String {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%=&:/+".contains(&byte);
    let byte = |byte: u8| match safe(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    query.bytes().map(byte).collect()
}

/// The query of the next page: `Link: </v2/a/tags/list?n=100&last=z>; rel="next"` (RFC 8288).
fn next_page(headers: &HeaderMap) -> Option<String> {
    let link = headers.get(header::LINK)?.to_str().ok()?;
    let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    if !parameters.contains("next") {
        return None;
    }
    // Only its query counts: the registry has no say in who is asked next.
    let base = Url::parse("http://registry.invalid/").expect("it is written here");
    let query = base.join(target).ok()?.query()?.to_owned();
    (query.len() <= 1024).then_some(query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_the_query_of_the_link() {
        let check = |link: &str, expect: Option<&str>| {
            let headers = HeaderMap::from_iter([(header::LINK, link.parse().unwrap())]);
            assert_eq!(next_page(&headers).as_deref(), expect, "{link}");
        };
        check(
            r#"</v2/a/tags/list?n=100&last=z>; rel="next""#,
            Some("n=100&last=z"),
        );
        check(
            r#"<https://evil.example/?last=z>; rel="next""#,
            Some("last=z"),
        );
        check(r#"</v2/a/tags/list?last=z>; rel="prev""#, None);
        check("</v2/a/tags/list>; rel=next", None);
        check("nonsense", None);
        assert_eq!(next_page(&HeaderMap::new()), None);
    }

    #[test]
    fn a_next_page_cannot_change_who_is_asked_for_what() {
        assert_eq!(encoded("n=100&last=a%2Fb"), "n=100&last=a%2Fb");
        assert_eq!(encoded("x#y z\n"), "x%23y%20z%0A");
    }
}
