//! Registries: who signs in where, and what they have.

use crate::Credentials;

wire! {
    /// A registry that this machine deals with.
    #[derive(Eq)]
    pub struct Registry {
        /// Its name in references: `docker.io`, `ghcr.io`, `localhost:5000`.
        pub host: String,
        /// How this user signs in there; none for anonymous.
        pub sign_in: Option<KeptSignIn>,
        /// Its certificate is not checked, and it may do without TLS.
        pub insecure: bool,
        /// The mirrors that are asked before it.
        pub mirrors: Vec<String>,
        /// How many names of images here are of this registry.
        pub names: u32,
    }

    /// A sign-in that is kept. The secret never leaves the engine.
    #[derive(Eq)]
    pub struct KeptSignIn {
        /// Who signs in, unless only a token or a credential helper knows.
        pub username: Option<String>,
        /// Where the secret is.
        pub place: SignInPlace,
    }

    /// Where the secret of a sign-in is.
    #[derive(Eq)]
    #[serde(tag = "type", rename_all_fields = "camelCase")]
    pub enum SignInPlace {
        /// In this engine's own file, which only this user can read. It is not encrypted.
        Own {
            /// The path of the file.
            path: String,
        },
        /// In a file of Docker or Podman.
        File {
            /// The path of the file.
            path: String,
        },
        /// With a credential helper of Docker.
        Helper {
            /// Its name without `docker-credential-`.
            helper: String,
        },
    }

    /// A registry, by name.
    #[derive(Eq)]
    pub struct RegistryName {
        /// Its host, with a port where it has one.
        pub registry: String,
    }

    /// Signs in to a registry, and keeps the sign-in.
    #[derive(Eq)]
    pub struct SignIn {
        /// Its host, with a port where it has one.
        pub registry: String,
        /// Who signs in.
        pub credentials: Credentials,
    }

    /// What a registry answered to a test.
    #[derive(Eq)]
    pub struct RegistryCheck {
        /// Its name in references.
        pub host: String,
        /// How long the answer took, with connection and sign-in.
        pub took_usec: u64,
        /// Whether a sign-in was at hand.
        pub signed_in: bool,
    }

    /// Asks for a page of a registry's repositories.
    #[derive(Eq)]
    pub struct RepositoryQuery {
        /// Its host, with a port where it has one.
        pub registry: String,
        /// [`NamePage::next`] of the page before; none for the first.
        pub page: Option<String>,
    }

    /// Asks for a page of a repository's tags.
    #[derive(Eq)]
    pub struct TagQuery {
        /// The repository, as an image name without a tag.
        pub repository: String,
        /// [`NamePage::next`] of the page before; none for the first.
        pub page: Option<String>,
    }

    /// A page of names that a registry tells.
    #[derive(Eq)]
    pub struct NamePage {
        /// The names, in the registry's order.
        pub names: Vec<String>,
        /// What asks for the next page; none behind the last.
        pub next: Option<String>,
    }
}
