//! Registries: who signs in where, and what they have.

use crate::{Credentials, Error};

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

    /// What became of a test of a registry.
    pub struct RegistryCheck {
        /// Its name in references.
        pub host: String,
        /// The steps that were tried, in their order.
        pub steps: Vec<RegistryStep>,
    }

    /// One step of a test.
    pub struct RegistryStep {
        /// Which step.
        pub name: RegistryStepName,
        /// How long it took.
        pub took_usec: u64,
        /// What it found; none when it failed.
        pub found: Option<RegistryFinding>,
        /// Why it failed.
        pub error: Option<Error>,
    }

    /// The steps of a test.
    #[derive(Copy, Eq)]
    pub enum RegistryStepName {
        /// Looking up its name.
        Address,
        /// Connecting and asking whether it speaks the protocol.
        Answer,
        /// Telling it who asks.
        SignIn,
    }

    /// What a step of a test found.
    #[derive(Eq)]
    #[serde(tag = "type", rename_all_fields = "camelCase")]
    pub enum RegistryFinding {
        /// Where its name leads.
        Addresses {
            /// IP addresses.
            addresses: Vec<String>,
        },
        /// It is there.
        Answer {
            /// Scheme, host and port that answered.
            address: String,
            /// Whether its certificate was checked; none without TLS.
            certificate_checked: Option<bool>,
        },
        /// It wants no sign-in.
        NotAsked,
        /// It let nobody in particular in.
        Anonymous,
        /// It took the sign-in that is kept.
        Taken {
            /// Who signed in, unless only a token knows.
            username: Option<String>,
        },
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
